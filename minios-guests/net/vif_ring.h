/* SPDX-License-Identifier: BSD-3-Clause */
/* The two rings of a vif: buffers, slots, and the checks of what comes back. */
#ifndef NET_VIF_RING_H
#define NET_VIF_RING_H

#include "kernel/kernel.h"
#include "noxs.h"
#include "vif.h"

#include <xen/grant_table.h>
#include <xen/io/netif.h>

#define VIF_RX_BUFFERS 32u
#define VIF_TX_BUFFERS 16u

struct vif_buffer {
    void *page;
    int ref;
    bool at_back_end;
};

struct vif_rings {
    struct netif_rx_front_ring rx;
    struct netif_tx_front_ring tx;
    int rx_ref;
    int tx_ref;
    struct vif_buffer rx_buffers[VIF_RX_BUFFERS];
    struct vif_buffer tx_buffers[VIF_TX_BUFFERS];
    unsigned tx_free[VIF_TX_BUFFERS]; /* stack of buffers that may be filled */
    unsigned nr_tx_free;
    unsigned rx_free[VIF_RX_BUFFERS]; /* to be given to the back-end again */
    unsigned nr_rx_free;
    bool skipping;      /* the rest of a frame in several slots */
    const char *broken; /* what the back-end did against the protocol; null: nothing */
};

int vif_rings_make(struct vif_rings *r, uint16_t back_end);
void vif_rings_drop(struct vif_rings *r);
/* All of it is made anew in a restored guest: frames that are on the way are lost, as on any net.
 */
void vif_rings_tell_unused(const struct vif_rings *r, struct noxs_unused *out);

bool vif_rx_take(struct vif_rings *r, unsigned budget, vif_rx *rx, void *arg); /* true: more */
void vif_tx_reap(struct vif_rings *r);

/* These return whether the back-end wants to be notified. */
bool vif_rx_refill(struct vif_rings *r);
bool vif_tx_push(struct vif_rings *r, size_t len, bool checked);

void *vif_tx_page(struct vif_rings *r); /* the buffer that vif_tx_push sends, or null */

#endif
