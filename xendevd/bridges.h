/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spreads the vifs of one bridge over several. A Linux bridge ends at 1023 ports, and takes longer
 * for each port the more it has. Beyond a number of vifs the next ones go to part bridges, each
 * linked to the first by a pair of veths: one network as before. A bridge with many vifs also gets
 * a hub, which spares them its broadcasts. All of it is found again in the kernel's list of links.
 */
#ifndef XENDEVD_BRIDGES_H
#define XENDEVD_BRIDGES_H

#include <stdbool.h>
#include <stdint.h>

#include "rtnl_parse.h"

struct bridge {
    int ifindex;
    int whole;         /* index of the bridge that it is a part of; its own: of none */
    unsigned int vifs; /* on it */
    uint32_t mtu;
    int hub; /* 0: none */
    bool hub_is_ours;
    int pair, uplink; /* of a part: the ends of the veth pair on it, and on the whole */
    bool up;          /* of a part: it is complete */
    bool full;        /* the kernel says so, until a port leaves */
    bool plain;       /* never to be spread, and without a hub: it filters VLANs */
    bool hub_refused; /* the module has none, or its bridge has another */
    char name[16];
};

/* Where a vif is. */
struct placed {
    int vif, bridge; /* indices of the links */
};

struct bridges {
    int fd;                       /* rtnetlink requests */
    unsigned int vifs_per_bridge; /* 0: never spread */
    bool hubs;
    struct bridge *list;
    unsigned int nr, room;
    struct placed *placed; /* in the order of vif */
    size_t nr_placed, room_placed;
    bool untidy; /* something came or went since bridges_tidy() */
};

/* Forgets all and asks the kernel; removes what an earlier xendevd left half made. */
int bridges_scan(struct bridges *b);

/* Frees what it knows; the kernel's state stays. */
void bridges_release(struct bridges *b);

/*
 * Puts a link on the bridge of this name, or on a part of it, and brings it up. 0 or a negative
 * errno.
 */
int bridges_put(struct bridges *b, int ifindex, const char *name);

/* Why that failed; error is positive. */
const char *bridges_explain(const struct bridges *b, const char *name, int error);

/* Is master the bridge of this name, or a part of it? */
bool bridges_has(const struct bridges *b, const char *name, int master);

/* Was the link put on a bridge, and did not leave it since? */
bool bridges_holds(const struct bridges *b, int vif);

/* A port left a bridge. */
void bridges_left(struct bridges *b, const struct rtnl_link *port);

/* When there is time: makes room ahead and hubs, removes parts and hubs that nobody needs. */
void bridges_tidy(struct bridges *b);

#endif
