/* SPDX-License-Identifier: BSD-3-Clause */
/* The rtnetlink sockets: events, requests, dumps. All functions return 0, a descriptor, or a
 * negative errno. */
#ifndef XENDEVD_RTNL_H
#define XENDEVD_RTNL_H

#include "rtnl_parse.h"

/* A socket that hears of each link that appears in the system, and of nothing else. */
int rtnl_open_events(void);

/* A socket for requests. */
int rtnl_open_requests(void);

/* Reads one datagram of events. -EAGAIN: there is none; -ENOBUFS: events were lost. */
int rtnl_read_events(int fd, struct rtnl_reader *reader);

/* Calls reader->link for every link of a kind. */
int rtnl_dump(const char *kind, struct rtnl_reader *reader);

/* Puts a link under master (0: leaves it where it is) and brings it up, in one message. */
int rtnl_enslave(int fd, int ifindex, int master);

/* Index of the interface with this name. */
int rtnl_ifindex(int fd, const char *name);

#endif
