/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vif front-end. A frame is one slot in either direction, and each slot has a page that stays
 * granted; the back-end copies. What the back-end writes is checked as if it were an enemy's.
 */
#include "net/vif_bus.h"

const struct vif_info *vif_info(const struct vif *vif)
{
    return &vif->info;
}

static struct vif *connected;

void net_tell_unused(struct noxs_unused *out)
{
    for (const struct vif *vif = connected; vif; vif = vif->next)
        vif_rings_tell_unused(&vif->rings, out);
}

static void forget(struct vif *vif)
{
    struct vif **p = &connected;

    while (*p != vif)
        p = &(*p)->next;
    *p = vif->next;
    vif->connected = false;
}

int vif_connect(struct vif *vif)
{
    int rc = vif_rings_make(&vif->rings, vif->back_end);

    if (rc)
        return rc;
    vif->connected = true;
    vif->next = connected;
    connected = vif;
    rc = vif->bus->offer(vif);
    if (rc) {
        forget(vif);
        vif_rings_drop(&vif->rings);
    }
    return rc;
}

void vif_disconnect(struct vif *vif)
{
    if (!vif->connected)
        return;
    if (vif->up)
        vif_down(vif);
    vif->up = false;
    forget(vif);
    vif->bus->close(vif);
}

/* The back-end broke the ring protocol. */
static void give_up(struct vif *vif)
{
    kprintf("vif%u: the back-end sent %s: closed\n", vif->info.id, vif->rings.broken);
    vif_disconnect(vif);
}

void vif_back_changed(struct vif *vif, uint32_t state, uint32_t error)
{
    if (vif->connected && !vif->up && state == NOXS_STATE_CONNECTED) {
        vif->up = true;
        vif_up(vif);
    } else if (vif->connected && state >= NOXS_STATE_CLOSING) {
        kprintf("vif%u: closed by the back-end: error %u\n", vif->info.id, error);
        vif_disconnect(vif);
    } else if (!vif->connected && state == NOXS_STATE_INITWAIT) {
        vif_connect(vif);
    }
}

bool vif_poll(struct vif *vif, unsigned budget, vif_rx *rx, void *arg)
{
    bool more;

    if (!vif->up)
        return false;
    vif_tx_reap(&vif->rings);
    more = vif_rx_take(&vif->rings, budget, rx, arg);
    if (vif->rings.broken) {
        give_up(vif);
        return false;
    }
    if (vif_rx_refill(&vif->rings))
        evtchn_notify(vif->port);
    return more;
}

void *vif_tx_buffer(struct vif *vif)
{
    if (!vif->up || vif->rings.broken)
        return NULL;
    if (!vif_tx_page(&vif->rings))
        vif_tx_reap(&vif->rings);
    return vif_tx_page(&vif->rings);
}

void vif_tx(struct vif *vif, size_t len, bool checked)
{
    if (vif_tx_push(&vif->rings, len, checked))
        evtchn_notify(vif->port);
}

static void set_bit(uint8_t *bits, unsigned bit)
{
    bits[bit / 8] |= (uint8_t)(1u << bit % 8);
}

bool vif_filter_arp(struct vif *vif, uint32_t ipv4, const uint32_t *peers, unsigned nr)
{
    struct vif_arp_filter filter = {.ipv4 = ipv4};

    if (!vif->bus->filter_arp)
        return false;
    for (unsigned i = 0; i < nr; i++) {
        const uint8_t *octet = (const uint8_t *)&peers[i];

        set_bit(filter.peers, NOXS_VIF_ARP_BIT(octet));
        set_bit(filter.peers_low, NOXS_VIF_ARP_BIT_LOW(octet));
    }
    return vif->bus->filter_arp(vif, &filter);
}

void vif_notify(struct vif *vif)
{
    evtchn_notify(vif->port);
}
