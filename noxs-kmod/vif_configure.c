// SPDX-License-Identifier: GPL-2.0-only
/* A vif that was made for nobody in particular becomes a guest's. */
#include <linux/etherdevice.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>
#include <net/netlink.h>

#include "vif.h"

/* ------------------------------------------------------------------ name */

struct rename_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	struct nlattr attr;
	char name[IFNAMSIZ];
};

struct rename_answer {
	struct nlmsghdr header;
	struct nlmsgerr error;
};

static int ask(struct socket *sock, struct rename_request *request)
{
	/* Without an address, netlink would look for the credentials of an open file. */
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = { .msg_name = &kernel, .msg_namelen = sizeof(kernel) };
	struct rename_answer answer = { };
	struct kvec vec = { request, sizeof(*request) };
	int rc;

	rc = kernel_sendmsg(sock, &msg, &vec, 1, sizeof(*request));
	if (rc < 0)
		return rc;
	/* It was carried out within the call: the answer is there. */
	memset(&msg, 0, sizeof(msg));
	vec = (struct kvec){ &answer, sizeof(answer) };
	rc = kernel_recvmsg(sock, &msg, &vec, 1, sizeof(answer), MSG_DONTWAIT);
	if (rc < 0)
		return rc;
	if (rc < sizeof(answer) || answer.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error;
}

/* The kernel exports no function for it to modules, but every user space can have it done. */
static int rename_netdev(const struct noxs_vif *vif, const char *name)
{
	struct rename_request request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_SETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.link = { .ifi_index = vif->ifindex },
		.attr = {
			.nla_len = NLA_HDRLEN + sizeof(request.name),
			.nla_type = IFLA_IFNAME,
		},
	};
	struct socket *sock;
	int rc;

	BUILD_BUG_ON(offsetof(struct rename_request, attr) != NLMSG_LENGTH(sizeof(request.link)));
	BUILD_BUG_ON(sizeof(request) != NLMSG_SPACE(sizeof(request.link)) + NLA_HDRLEN + IFNAMSIZ);
	strscpy(request.name, name, sizeof(request.name));
	rc = sock_create_kern(&init_net, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, &sock);
	if (rc)
		return rc;
	rc = ask(sock, &request);
	sock_release(sock);
	return rc == -EEXIST ? -EADDRINUSE : rc;
}

static int set_name(const struct noxs_vif *vif, const char *name)
{
	int rc = rename_netdev(vif, name);

	if (rc == -EADDRINUSE) {
		/* The name may be that of a device whose destruction is not over. */
		noxs_vif_flush();
		rc = rename_netdev(vif, name);
	}
	return rc;
}

/* ------------------------------------------------------------------ all of it */

static int set_mtu(const struct noxs_vif *vif, u16 mtu)
{
	int rc;

	rtnl_lock();
	rc = dev_set_mtu(vif->netdev, mtu);
	rtnl_unlock();
	return rc;
}

int noxs_vif_configure(struct noxs_device *dev, struct noxs_dev_config *config)
{
	const struct noxs_vif_config *old = &dev->config.vif;
	struct noxs_vif_config *new = &config->vif;
	const struct noxs_vif *vif = to_vif(dev);
	int rc;

	if (new->bridge[0] && strcmp(new->bridge, old->bridge))
		return -EXDEV;
	memcpy(new->bridge, old->bridge, sizeof(new->bridge));
	if (new->ifname[0] == '\0')
		memcpy(new->ifname, old->ifname, sizeof(new->ifname));
	if (new->mtu != old->mtu) {
		rc = set_mtu(vif, new->mtu);
		if (rc)
			return rc;
	}
	if (strcmp(new->ifname, old->ifname)) {
		rc = set_name(vif, new->ifname);
		if (rc)
			goto err_name;
	}
	dev->config.vif = *new;
	noxs_vif_tell(dev);
	return 0;

err_name:
	if (new->mtu != old->mtu)
		set_mtu(vif, old->mtu);
	return rc;
}
