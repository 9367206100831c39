// SPDX-License-Identifier: BSD-3-Clause
#include "links.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "noxs_ioctl.h"
#include "rtnl.h"

static const uint32_t group = LINKS_GROUP;

static struct rtnl_request new_link(const char *name)
{
    struct rtnl_request request = rtnl_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);

    rtnl_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
    rtnl_add(&request, IFLA_GROUP, &group, sizeof(group));
    return request;
}

static void add_kind(struct rtnl_request *request, const char *kind)
{
    rtnl_add(request, IFLA_INFO_KIND, kind, strlen(kind) + 1);
}

/* A bridge's address is the lowest of its ports', which are all looked at, unless it is given. */
static void add_address(struct rtnl_request *request, const char *name)
{
    unsigned char address[6] = {0x02, 'x', 'n'}; /* never sent from: any will do */

    for (size_t i = 0; name[i]; i++)
        address[3 + i % 3] = (unsigned char)(address[3 + i % 3] * 31 + name[i]);
    rtnl_add(request, IFLA_ADDRESS, address, sizeof(address));
}

/* No IPv6 of dom0's on a link that only passes packets on. Not to be had where there is no IPv6. */
static void without_ipv6(int fd, int ifindex)
{
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    struct rtnl_request request = rtnl_request(RTM_SETLINK, 0, ifindex);
    struct nlattr *all = rtnl_nest(&request, IFLA_AF_SPEC);
    struct nlattr *ipv6 = rtnl_nest(&request, AF_INET6);

    rtnl_add(&request, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
    rtnl_nest_end(&request, ipv6);
    rtnl_nest_end(&request, all);
    rtnl_ask(fd, &request);
}

int links_add_bridge(int fd, const char *name)
{
    static const uint32_t no_spanning_tree = 0;
    static const uint8_t no_snooping = 0;
    struct rtnl_request request = new_link(name);
    struct nlattr *info, *data;
    int rc;

    /* Only the whole answers for dom0's addresses. */
    request.link.ifi_flags = request.link.ifi_change = IFF_NOARP;
    add_address(&request, name);
    info = rtnl_nest(&request, IFLA_LINKINFO);
    add_kind(&request, "bridge");
    data = rtnl_nest(&request, IFLA_INFO_DATA);
    rtnl_add(&request, IFLA_BR_STP_STATE, &no_spanning_tree, sizeof(no_spanning_tree));
    rtnl_add(&request, IFLA_BR_MCAST_SNOOPING, &no_snooping, sizeof(no_snooping));
    rtnl_nest_end(&request, data);
    rtnl_nest_end(&request, info);
    rc = rtnl_ask(fd, &request);
    if (rc == 0)
        without_ipv6(fd, rtnl_ifindex(fd, name));
    return rc;
}

static int add_veth(int fd, const char *name, const char *peer_name, uint32_t mtu)
{
    struct rtnl_request request = new_link(name);
    struct nlattr *info, *data, *peer;

    rtnl_add(&request, IFLA_MTU, &mtu, sizeof(mtu));
    info = rtnl_nest(&request, IFLA_LINKINFO);
    add_kind(&request, "veth");
    data = rtnl_nest(&request, IFLA_INFO_DATA);
    peer = rtnl_nest(&request, VETH_INFO_PEER);
    request.header.nlmsg_len += (uint32_t)NLMSG_ALIGN(sizeof(struct ifinfomsg)); /* of zeros */
    rtnl_add(&request, IFLA_IFNAME, peer_name, strlen(peer_name) + 1);
    rtnl_add(&request, IFLA_GROUP, &group, sizeof(group));
    rtnl_add(&request, IFLA_MTU, &mtu, sizeof(mtu));
    rtnl_nest_end(&request, peer);
    rtnl_nest_end(&request, data);
    rtnl_nest_end(&request, info);
    return rtnl_ask(fd, &request);
}

int links_add_pair(int fd, const char *upper, int upper_bridge, const char *lower, int lower_bridge,
                   uint32_t mtu)
{
    int rc = add_veth(fd, upper, lower, mtu), upper_index, lower_index;

    if (rc)
        return rc;
    upper_index = rtnl_ifindex(fd, upper);
    lower_index = rtnl_ifindex(fd, lower);
    if (upper_index < 0 || lower_index < 0)
        return -ENODEV;
    without_ipv6(fd, upper_index);
    without_ipv6(fd, lower_index);
    rc = rtnl_enslave(fd, lower_index, lower_bridge);
    if (rc == 0)
        rc = rtnl_enslave(fd, upper_index, upper_bridge);
    if (rc)
        links_delete(fd, upper_index); /* and with it the other end */
    return rc;
}

int links_add_hub(int fd, const char *name, int bridge, int uplink)
{
    struct rtnl_request request = new_link(name);
    struct nlattr *info;

    request.link.ifi_flags = request.link.ifi_change = IFF_UP;
    rtnl_add(&request, IFLA_MASTER, &bridge, sizeof(bridge));
    if (uplink)
        rtnl_add(&request, IFLA_LINK, &uplink, sizeof(uplink));
    info = rtnl_nest(&request, IFLA_LINKINFO);
    add_kind(&request, NOXS_HUB_KIND);
    rtnl_nest_end(&request, info);
    return rtnl_ask(fd, &request);
}

int links_up(int fd, int ifindex)
{
    return rtnl_enslave(fd, ifindex, 0);
}

int links_delete(int fd, int ifindex)
{
    struct rtnl_request request = rtnl_request(RTM_DELLINK, 0, ifindex);
    int rc = rtnl_ask(fd, &request);

    return rc == -ENODEV ? 0 : rc;
}
