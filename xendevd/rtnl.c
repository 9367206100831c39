// SPDX-License-Identifier: BSD-3-Clause
#include "rtnl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

#ifndef EVENT_BUFFER            /* the tests have it overflow */
#define EVENT_BUFFER (16 << 20) /* bytes of the kernel's queue: about 8000 links */
#endif
#define DUMP_ATTEMPTS 10 /* links that come and go make a dump start over */

static int open_socket(unsigned int groups)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int rc;

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

/*
 * The kernel sends an RTM_NEWLINK for each change of each link, several for one that we put on a
 * bridge. Those of a link that appears have all bits of ifi_change set; the others need not wake
 * us. Of the ends, that of a bridge's port says which bridge it was.
 */
int rtnl_open_events(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWLINK), 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NLMSG_HDRLEN + offsetof(struct ifinfomsg, ifi_change)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 3, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELLINK), 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct ifinfomsg, ifi_family)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct netlink_events events = {
        .protocol = NETLINK_ROUTE,
        .groups = RTMGRP_LINK,
        .buffer = EVENT_BUFFER,
        .program = {.len = sizeof(program) / sizeof(program[0]), .filter = program},
    };

    return netlink_open_events(&events);
}

int rtnl_open_requests(void)
{
    return open_socket(0);
}

/* One datagram; those that are not from the kernel are dropped. */
static ssize_t receive(int fd, void *buffer, size_t size)
{
    struct sockaddr_nl from;
    struct iovec data = {buffer, size};
    struct msghdr message = {
        .msg_name = &from,
        .msg_iov = &data,
        .msg_iovlen = 1,
    };

    for (;;) {
        ssize_t r;

        message.msg_namelen = sizeof(from);
        r = recvmsg(fd, &message, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (message.msg_namelen != sizeof(from) || from.nl_pid != 0)
            continue;
        return message.msg_flags & MSG_TRUNC ? -ENOBUFS : r;
    }
}

int rtnl_read_events(int fd, struct rtnl_reader *reader)
{
    static unsigned char buffer[16384] __attribute__((aligned(8)));
    ssize_t r = receive(fd, buffer, sizeof(buffer));

    return r < 0 ? (int)r : rtnl_parse(reader, buffer, (size_t)r);
}

/* Where the message ends so far. */
static unsigned char *end_of(struct rtnl_request *request)
{
    return (unsigned char *)request + NLMSG_ALIGN(request->header.nlmsg_len);
}

struct rtnl_request rtnl_request(uint16_t type, uint16_t flags, int ifindex)
{
    return (struct rtnl_request){
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                   .nlmsg_type = type,
                   .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)},
        .link = {.ifi_index = ifindex},
    };
}

struct nlattr *rtnl_add(struct rtnl_request *request, uint16_t type, const void *data,
                        size_t length)
{
    struct nlattr header = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + length)};
    unsigned char *at = end_of(request);

    assert(request->header.nlmsg_len + NLA_HDRLEN + NLA_ALIGN(length) + NLA_ALIGNTO <=
           sizeof(*request));
    memcpy(at, &header, sizeof(header));
    if (length)
        memcpy(at + NLA_HDRLEN, data, length);
    request->header.nlmsg_len =
        (uint32_t)(at - (unsigned char *)request) + NLA_ALIGN(header.nla_len);
    return (struct nlattr *)(void *)at;
}

struct nlattr *rtnl_nest(struct rtnl_request *request, uint16_t type)
{
    return rtnl_add(request, type, NULL, 0);
}

void rtnl_nest_end(struct rtnl_request *request, struct nlattr *nest)
{
    nest->nla_len = (uint16_t)(end_of(request) - (unsigned char *)nest);
}

static int send_request(int fd, const struct rtnl_request *request)
{
    static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t r;

    do {
        r = sendto(fd, request, request->header.nlmsg_len, 0, (const struct sockaddr *)&kernel,
                   sizeof(kernel));
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static int dump_once(int fd, const char *kind, struct rtnl_reader *reader)
{
    /* The kernel's own limit. Not static: for a link of a dump, another may be made. */
    unsigned char buffer[32768] __attribute__((aligned(8)));
    struct rtnl_request request = rtnl_request(RTM_GETLINK, NLM_F_DUMP, 0);
    struct nlattr *info;
    ssize_t r;
    int rc;

    request.header.nlmsg_flags &= (uint16_t)~NLM_F_ACK;
    if (kind) {
        info = rtnl_nest(&request, IFLA_LINKINFO);
        rtnl_add(&request, IFLA_INFO_KIND, kind, strlen(kind) + 1);
        rtnl_nest_end(&request, info);
    }
    if (reader->begin)
        reader->begin(reader->opaque);
    reader->done = reader->interrupted = reader->answered = false;
    reader->error = 0;
    rc = send_request(fd, &request);
    while (rc == 0 && !reader->done && !reader->error) {
        r = receive(fd, buffer, sizeof(buffer));
        rc = r < 0 ? (int)r : rtnl_parse(reader, buffer, (size_t)r);
    }
    return rc ? rc : -reader->error;
}

int rtnl_dump(const char *kind, struct rtnl_reader *reader)
{
    int fd = open_socket(0); /* of its own: requests are made while it goes on */
    int rc = fd < 0 ? fd : 0;

    for (int i = 0; rc == 0 && i < DUMP_ATTEMPTS; i++) {
        rc = dump_once(fd, kind, reader);
        if (rc == 0 && !reader->interrupted)
            break;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

static void no_link(void *opaque, const struct rtnl_link *link)
{
    (void)opaque;
    (void)link;
}

int rtnl_ask(int fd, const struct rtnl_request *request)
{
    struct rtnl_reader reader = {.link = no_link};
    unsigned char answer[1024] __attribute__((aligned(8))); /* it repeats the request */
    int rc = send_request(fd, request);
    ssize_t r;

    while (rc == 0 && !reader.answered) {
        r = receive(fd, answer, sizeof(answer));
        rc = r < 0 ? (int)r : rtnl_parse(&reader, answer, (size_t)r);
    }
    return rc ? rc : -reader.error;
}

int rtnl_enslave(int fd, int ifindex, int master)
{
    struct rtnl_request request = rtnl_request(RTM_SETLINK, 0, ifindex);

    request.link.ifi_flags = request.link.ifi_change = IFF_UP;
    if (master)
        rtnl_add(&request, IFLA_MASTER, &master, sizeof(master));
    return rtnl_ask(fd, &request);
}

int rtnl_ifindex(int fd, const char *name)
{
    struct ifreq request = {0};
    size_t length = strlen(name);

    if (length >= sizeof(request.ifr_name))
        return -ENODEV;
    memcpy(request.ifr_name, name, length);
    return ioctl(fd, SIOCGIFINDEX, &request) ? -errno : request.ifr_ifindex;
}
