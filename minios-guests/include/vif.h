/* SPDX-License-Identifier: BSD-3-Clause */
/* vif front-end: frames in, frames out. Its one user is whoever defines vif_up and the others. */
#ifndef VIF_H
#define VIF_H

#include "guest.h"

#define VIF_MAX_FRAME 1514u

struct vif;

struct vif_info {
    uint16_t id;
    uint8_t mac[6];
    uint16_t mtu;
    uint32_t ipv4; /* of the configuration, network byte order; 0: none */
    uint32_t ipv4_prefix;
};
const struct vif_info *vif_info(const struct vif *vif);

/* Provided by the user; called while a thread sleeps or from vif_poll. */
void vif_up(struct vif *vif);
void vif_down(struct vif *vif); /* the vif is gone when this returns */
void vif_work(struct vif *vif); /* something to poll for */

/* Hands at most `budget` frames to `rx`; true: there may be more. checked: TCP and UDP checksums
 * need no check. The frame is the caller's only during the call. */
typedef void vif_rx(void *arg, const void *frame, size_t len, bool checked);
bool vif_poll(struct vif *vif, unsigned budget, vif_rx *rx, void *arg);

/* Broadcast ARP requests for others than ipv4 (0: none), and announcements of others than these
 * peers, are of no use to us: the back-end may keep them. True: this is new, and the back-end does
 * so from its next event on, be it that of a frame or vif_notify. */
bool vif_filter_arp(struct vif *vif, uint32_t ipv4, const uint32_t *peers, unsigned nr);
void vif_notify(struct vif *vif);

/* A place for VIF_MAX_FRAME bytes, or null when the ring is full; then sends what was put there. */
void *vif_tx_buffer(struct vif *vif);
void vif_tx(struct vif *vif, size_t len, bool checked);

#endif
