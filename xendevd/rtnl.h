/* SPDX-License-Identifier: BSD-3-Clause */
/* The rtnetlink sockets: events, requests, dumps. All functions return 0, a descriptor, or a
 * negative errno. */
#ifndef XENDEVD_RTNL_H
#define XENDEVD_RTNL_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "rtnl_parse.h"

/* A request under construction: what is asked of one link. */
struct rtnl_request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    unsigned char attributes[256];
};

/* A socket that hears of each link that appears in the system, and of each port that leaves a
 * bridge. */
int rtnl_open_events(void);

/* A socket for requests. */
int rtnl_open_requests(void);

/* Reads one datagram of events. -EAGAIN: there is none; -ENOBUFS: events were lost. */
int rtnl_read_events(int fd, struct rtnl_reader *reader);

/* Calls reader->link for every link of a kind (NULL: of any). */
int rtnl_dump(const char *kind, struct rtnl_reader *reader);

struct rtnl_request rtnl_request(uint16_t type, uint16_t flags, int ifindex);
struct nlattr *rtnl_add(struct rtnl_request *request, uint16_t type, const void *data,
                        size_t length);
/* The attributes that are added until the end of the nest are part of it. */
struct nlattr *rtnl_nest(struct rtnl_request *request, uint16_t type);
void rtnl_nest_end(struct rtnl_request *request, struct nlattr *nest);

/* Sends a request and waits for the answer. */
int rtnl_ask(int fd, const struct rtnl_request *request);

/* Puts a link under master (0: leaves it where it is) and brings it up, in one message. */
int rtnl_enslave(int fd, int ifindex, int master);

/* Index of the interface with this name. */
int rtnl_ifindex(int fd, const char *name);

#endif
