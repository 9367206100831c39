/* SPDX-License-Identifier: BSD-3-Clause */
/* A netlink socket that hears of what the kernel does. */
#ifndef XENDEVD_NETLINK_H
#define XENDEVD_NETLINK_H

#include <linux/filter.h>

struct netlink_events {
    int protocol; /* NETLINK_ROUTE, ... */
    unsigned int groups;
    int buffer;                /* bytes of the kernel's queue */
    struct sock_fprog program; /* which messages are to wake us */
};

/* Does not block. A descriptor or a negative errno. */
int netlink_open_events(const struct netlink_events *events);

#endif
