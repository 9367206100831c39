/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads rtnetlink messages about links. Trusts no length in them. */
#ifndef XENDEVD_RTNL_PARSE_H
#define XENDEVD_RTNL_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What we want to know of a link; strings are "" and numbers 0 where the message says nothing. */
struct rtnl_link {
    int ifindex;
    int master; /* interface index of the bridge that it is on */
    bool up;
    int peer;       /* of a pair: index of the other end */
    uint32_t group; /* a number that whoever makes a link can give it */
    uint32_t mtu;
    uint8_t address[6];
    bool filters_vlans; /* a bridge that knows VLANs */
    char ifname[16];
    char kind[16];
    /* Of our kind: attributes of enum noxs_vif_attr. */
    bool has_domid, has_id;
    uint16_t domid, id;
    char bridge[16];
};

struct rtnl_reader {
    void (*begin)(void *opaque); /* optional: a dump begins, maybe not for the first time */
    void (*link)(void *opaque, const struct rtnl_link *link); /* for each RTM_NEWLINK */
    /* Optional: for each port (link->ifindex) that left its bridge (link->master). */
    void (*left)(void *opaque, const struct rtnl_link *link);
    void *opaque;
    bool done;        /* a dump is complete */
    bool answered;    /* a request was answered: error says how */
    bool interrupted; /* the dump is not consistent: do it again */
    int error;        /* positive errno */
};

/* Reads all messages of a datagram. 0, or -EBADMSG if it is malformed (what came before counts). */
int rtnl_parse(struct rtnl_reader *reader, const void *data, size_t length);

#endif
