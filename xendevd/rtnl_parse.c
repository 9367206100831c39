// SPDX-License-Identifier: BSD-3-Clause
#include "rtnl_parse.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "noxs_ioctl.h"

/* One attribute: type and payload, which lies inside the message. */
struct attribute {
    uint16_t type;
    const unsigned char *data;
    size_t length;
};

struct attributes {
    const unsigned char *at;
    size_t left;
};

/* Takes the next attribute. 1: there is one; 0: the end; -EBADMSG. */
static int next_attribute(struct attributes *list, struct attribute *out)
{
    struct nlattr header;
    size_t step;

    if (list->left < sizeof(header))
        return list->left == 0 ? 0 : -EBADMSG;
    memcpy(&header, list->at, sizeof(header));
    if (header.nla_len < sizeof(header) || header.nla_len > list->left)
        return -EBADMSG;
    out->type = header.nla_type & NLA_TYPE_MASK;
    out->data = list->at + sizeof(header);
    out->length = header.nla_len - sizeof(header);
    step = NLA_ALIGN(header.nla_len);
    if (step > list->left)
        step = list->left; /* the last one needs no padding */
    list->at += step;
    list->left -= step;
    return 1;
}

static int read_string(const struct attribute *a, char *out, size_t size)
{
    size_t length = strnlen((const char *)a->data, a->length);

    if (length == a->length || length >= size)
        return -EBADMSG;
    memcpy(out, a->data, length + 1);
    return 0;
}

static int read_u16(const struct attribute *a, uint16_t *out)
{
    if (a->length != sizeof(*out))
        return -EBADMSG;
    memcpy(out, a->data, sizeof(*out));
    return 0;
}

static int read_index(const struct attribute *a, int *out)
{
    if (a->length != sizeof(*out))
        return -EBADMSG;
    memcpy(out, a->data, sizeof(*out));
    return 0;
}

static int read_u32(const struct attribute *a, uint32_t *out)
{
    if (a->length != sizeof(*out))
        return -EBADMSG;
    memcpy(out, a->data, sizeof(*out));
    return 0;
}

static int read_bridge(struct rtnl_link *link, const struct attribute *data)
{
    struct attributes list = {data->data, data->length};
    struct attribute a;
    int rc;

    while ((rc = next_attribute(&list, &a)) > 0)
        if (a.type == IFLA_BR_VLAN_FILTERING && a.length == 1)
            link->filters_vlans = a.data[0];
    return rc;
}

static int read_vif(struct rtnl_link *link, const struct attribute *data)
{
    struct attributes list = {data->data, data->length};
    struct attribute a;
    int rc;

    while ((rc = next_attribute(&list, &a)) > 0) {
        switch (a.type) {
        case NOXS_VIF_ATTR_DOMID:
            rc = read_u16(&a, &link->domid);
            link->has_domid = true;
            break;
        case NOXS_VIF_ATTR_ID:
            rc = read_u16(&a, &link->id);
            link->has_id = true;
            break;
        case NOXS_VIF_ATTR_BRIDGE:
            rc = read_string(&a, link->bridge, sizeof(link->bridge));
            break;
        }
        if (rc < 0)
            break;
    }
    return rc;
}

/* The kind says what the data means, and may come after it. */
static int read_link_info(struct rtnl_link *link, const struct attribute *info)
{
    struct attributes list = {info->data, info->length};
    struct attribute a, data = {0};
    int rc;

    while ((rc = next_attribute(&list, &a)) > 0) {
        if (a.type == IFLA_INFO_DATA)
            data = a;
        else if (a.type == IFLA_INFO_KIND && read_string(&a, link->kind, sizeof(link->kind)))
            link->kind[0] = '\0'; /* longer than any that we look for */
    }
    if (rc == 0 && data.data && strcmp(link->kind, NOXS_VIF_KIND) == 0)
        rc = read_vif(link, &data);
    else if (rc == 0 && data.data && strcmp(link->kind, "bridge") == 0)
        rc = read_bridge(link, &data);
    return rc;
}

static int read_link_attribute(struct rtnl_link *link, const struct attribute *a)
{
    switch (a->type) {
    case IFLA_IFNAME:
        return read_string(a, link->ifname, sizeof(link->ifname));
    case IFLA_MASTER:
        return read_index(a, &link->master);
    case IFLA_LINK:
        return read_index(a, &link->peer);
    case IFLA_GROUP:
        return read_u32(a, &link->group);
    case IFLA_MTU:
        return read_u32(a, &link->mtu);
    case IFLA_ADDRESS:
        if (a->length == sizeof(link->address)) /* others are not Ethernet's */
            memcpy(link->address, a->data, sizeof(link->address));
        return 0;
    case IFLA_LINKINFO:
        return read_link_info(link, a);
    default:
        return 0;
    }
}

/* Of family AF_BRIDGE: a bridge's view of its port. */
static int read_link(struct rtnl_link *link, const unsigned char *data, size_t length,
                     unsigned char *family)
{
    struct ifinfomsg header;
    struct attributes list;
    struct attribute a;
    int rc;

    if (length < NLMSG_ALIGN(sizeof(header)))
        return -EBADMSG;
    memcpy(&header, data, sizeof(header));
    *family = header.ifi_family;
    link->ifindex = header.ifi_index;
    link->up = header.ifi_flags & IFF_UP;
    list.at = data + NLMSG_ALIGN(sizeof(header));
    list.left = length - NLMSG_ALIGN(sizeof(header));
    while ((rc = next_attribute(&list, &a)) > 0) {
        rc = read_link_attribute(link, &a);
        if (rc < 0)
            break;
    }
    return rc;
}

static int read_new_link(struct rtnl_reader *reader, const unsigned char *data, size_t length)
{
    struct rtnl_link link = {0};
    unsigned char family;
    int rc = read_link(&link, data, length, &family);

    if (rc == 0 && family == AF_UNSPEC)
        reader->link(reader->opaque, &link);
    return rc;
}

static int read_lost_link(struct rtnl_reader *reader, const unsigned char *data, size_t length)
{
    struct rtnl_link link = {0};
    unsigned char family;
    int rc = read_link(&link, data, length, &family);

    if (rc == 0 && family == AF_BRIDGE && reader->left)
        reader->left(reader->opaque, &link);
    return rc;
}

static int read_answer(struct rtnl_reader *reader, const unsigned char *data, size_t length)
{
    int error;

    if (length < sizeof(error))
        return -EBADMSG;
    memcpy(&error, data, sizeof(error));
    reader->answered = true;
    if (error < 0 && error >= -4095)
        reader->error = -error;
    else if (error)
        reader->error = EPROTO;
    return 0;
}

static int read_message(struct rtnl_reader *reader, const struct nlmsghdr *header,
                        const unsigned char *data, size_t length)
{
    if (header->nlmsg_flags & NLM_F_DUMP_INTR)
        reader->interrupted = true;
    switch (header->nlmsg_type) {
    case RTM_NEWLINK:
        return read_new_link(reader, data, length);
    case RTM_DELLINK:
        return read_lost_link(reader, data, length);
    case NLMSG_ERROR:
        return read_answer(reader, data, length);
    case NLMSG_DONE: /* may carry an error as well */
        reader->done = true;
        return length < sizeof(int) ? 0 : read_answer(reader, data, length);
    case NLMSG_OVERRUN:
        reader->interrupted = true;
        return 0;
    default:
        return 0;
    }
}

int rtnl_parse(struct rtnl_reader *reader, const void *data, size_t length)
{
    const unsigned char *at = data;
    struct nlmsghdr header;
    size_t step;
    int rc = 0;

    while (length && rc == 0) {
        if (length < sizeof(header))
            return -EBADMSG;
        memcpy(&header, at, sizeof(header));
        if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length)
            return -EBADMSG;
        rc = read_message(reader, &header, at + sizeof(header), header.nlmsg_len - sizeof(header));
        step = NLMSG_ALIGN(header.nlmsg_len);
        if (step > length)
            step = length;
        at += step;
        length -= step;
    }
    return rc;
}
