/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vif front-end. A frame is one slot in either direction, and each slot has a page that stays
 * granted; the back-end copies. What the back-end writes is checked as if it were an enemy's.
 */
#include "vif_ring.h"

struct vif {
    struct noxs_device *dev;
    struct vif_info info;
    bool connected; /* rings are there; front-end state Connected */
    bool up;        /* the back-end is Connected, too */
    struct vif_rings rings;
};

const struct vif_info *vif_info(const struct vif *vif)
{
    return &vif->info;
}

static int connect(struct vif *vif)
{
    struct noxs_vif_front *front = &vif->dev->ctrl->vif_front;
    int rc = vif_rings_make(&vif->rings, vif->dev->entry.back_end);

    if (rc)
        return rc;
    front->features = NOXS_VIF_F_CSUM_IPV4;
    front->tx_ring_ref = (uint32_t)vif->rings.tx_ref;
    front->rx_ring_ref = (uint32_t)vif->rings.rx_ref;
    front->ipv4 = 0;
    vif->connected = true;
    noxs_set_state(vif->dev, NOXS_STATE_CONNECTED);
    return 0;
}

static void disconnect(struct vif *vif)
{
    if (!vif->connected)
        return;
    if (vif->up)
        vif_down(vif);
    vif->connected = vif->up = false;
    noxs_set_state(vif->dev, NOXS_STATE_CLOSED);
    vif_rings_drop(&vif->rings);
}

/* The back-end broke the ring protocol. */
static void give_up(struct vif *vif)
{
    kprintf("vif%u: the back-end sent %s: closed\n", vif->info.id, vif->rings.broken);
    disconnect(vif);
}

static void event(struct noxs_device *dev)
{
    struct vif *vif = dev->priv;
    uint32_t state = noxs_back_state(dev);

    if (vif->up && state == NOXS_STATE_CONNECTED) {
        vif_work(vif);
        return;
    }
    if (vif->connected && state == NOXS_STATE_CONNECTED) {
        vif->up = true;
        vif_up(vif);
    } else if (vif->connected && state >= NOXS_STATE_CLOSING) {
        kprintf("vif%u: closed by the back-end: error %u\n", vif->info.id,
                READ_ONCE(dev->ctrl->back.error));
        disconnect(vif);
    } else if (!vif->connected && state == NOXS_STATE_INITWAIT) {
        connect(vif);
    }
}

static int attach(struct noxs_device *dev)
{
    const struct noxs_vif_back *back = &dev->ctrl->vif_back;
    struct vif *vif = kzalloc(sizeof(*vif));
    int rc;

    if (!vif)
        return -XEN_ENOMEM;
    vif->dev = dev;
    vif->info.id = dev->entry.id;
    memcpy(vif->info.mac, back->mac, sizeof(vif->info.mac));
    vif->info.mtu = READ_ONCE(back->mtu);
    if (vif->info.mtu < 576 || vif->info.mtu > 1500)
        vif->info.mtu = 1500;
    vif->info.ipv4 = READ_ONCE(back->ipv4);
    vif->info.ipv4_prefix = READ_ONCE(back->ipv4_prefix);
    if (vif->info.ipv4_prefix > 32)
        vif->info.ipv4_prefix = 32;
    dev->priv = vif;
    rc = connect(vif);
    if (rc)
        kfree(vif);
    return rc;
}

static void detach(struct noxs_device *dev)
{
    disconnect(dev->priv);
    kfree(dev->priv);
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
        evtchn_notify(vif->dev->port);
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
        evtchn_notify(vif->dev->port);
}

void vif_filter_arp(struct vif *vif, uint32_t ipv4, const uint32_t *peers, unsigned nr)
{
    struct noxs_vif_front *front = &vif->dev->ctrl->vif_front;
    uint8_t bits[NOXS_VIF_ARP_PEERS / 8] = {0};

    for (unsigned i = 0; i < nr; i++) {
        uint8_t bit = NOXS_VIF_ARP_BIT((const uint8_t *)&peers[i]);

        bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
    memcpy(front->arp_peers, bits, sizeof(bits));
    wmb();
    WRITE_ONCE(front->ipv4, ipv4);
}

NOXS_DRIVER(vif_driver) = {
    .type = NOXS_DEV_VIF,
    .attach = attach,
    .detach = detach,
    .event = event,
};
