/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the vif front-end and the two buses that it may be on. */
#ifndef NET_VIF_BUS_H
#define NET_VIF_BUS_H

#include "net/vif_ring.h"

/* As in struct noxs_vif_front. */
struct vif_arp_filter {
    uint32_t ipv4;
    uint8_t peers[NOXS_VIF_ARP_PEERS / 8], peers_low[NOXS_VIF_ARP_PEERS_LOW / 8];
};

/* How a vif's two ends talk of anything but frames. */
struct vif_bus {
    int (*offer)(struct vif *vif);  /* tells the back-end of the rings, which are made */
    void (*close)(struct vif *vif); /* ends that, and drops the rings, now or later */
    /* May be null. True: it is another one, and the back-end is to be notified. */
    bool (*filter_arp)(struct vif *vif, const struct vif_arp_filter *filter);
};

struct vif {
    const struct vif_bus *bus;
    void *dev;         /* the bus's */
    uint16_t back_end; /* domain id */
    int port;
    struct vif_info info;
    bool connected; /* rings are there */
    bool up;        /* and the back-end serves them */
    struct vif_rings rings;
    struct vif *next; /* of those that are connected */
};

/* vif.c, for the buses. The rings are dropped by vif_rings_drop. */
int vif_connect(struct vif *vif);
void vif_disconnect(struct vif *vif);
void vif_back_changed(struct vif *vif, uint32_t state, uint32_t error);

#endif
