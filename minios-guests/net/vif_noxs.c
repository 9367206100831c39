/* SPDX-License-Identifier: BSD-3-Clause */
/* A vif on the noxs bus: all is said in its control page. */
#include "net/vif_bus.h"

static int offer(struct vif *vif)
{
    struct noxs_device *dev = vif->dev;
    struct noxs_vif_front *front = &dev->ctrl->vif_front;

    front->features = NOXS_VIF_F_CSUM_IPV4;
    front->tx_ring_ref = (uint32_t)vif->rings.tx_ref;
    front->rx_ring_ref = (uint32_t)vif->rings.rx_ref;
    front->ipv4 = 0;
    noxs_set_state(dev, NOXS_STATE_CONNECTED);
    return 0;
}

static void close(struct vif *vif)
{
    noxs_set_state(vif->dev, NOXS_STATE_CLOSED);
    vif_rings_drop(&vif->rings);
}

static bool filter_arp(struct vif *vif, const struct vif_arp_filter *filter)
{
    struct noxs_device *dev = vif->dev;
    struct noxs_vif_front *front = &dev->ctrl->vif_front;

    if (front->arp_generation && front->ipv4 == filter->ipv4 &&
        !memcmp(front->arp_peers, filter->peers, sizeof(filter->peers)) &&
        !memcmp(front->arp_peers_low, filter->peers_low, sizeof(filter->peers_low)))
        return false;
    front->ipv4 = filter->ipv4;
    memcpy(front->arp_peers, filter->peers, sizeof(filter->peers));
    memcpy(front->arp_peers_low, filter->peers_low, sizeof(filter->peers_low));
    wmb();
    WRITE_ONCE(front->arp_generation, front->arp_generation + 1);
    return true;
}

static const struct vif_bus on_noxs = {
    .offer = offer,
    .close = close,
    .filter_arp = filter_arp,
};

static void event(struct noxs_device *dev)
{
    struct vif *vif = dev->priv;
    uint32_t state = noxs_back_state(dev);

    if (vif->up && state == NOXS_STATE_CONNECTED)
        vif_work(vif);
    else
        vif_back_changed(vif, state, READ_ONCE(dev->ctrl->back.error));
}

static void read_info(struct vif_info *info, const struct noxs_vif_back *back)
{
    memcpy(info->mac, back->mac, sizeof(info->mac));
    info->mtu = READ_ONCE(back->mtu);
    if (info->mtu < 576 || info->mtu > 1500)
        info->mtu = 1500;
    info->ipv4 = READ_ONCE(back->ipv4);
    info->ipv4_prefix = READ_ONCE(back->ipv4_prefix);
    if (info->ipv4_prefix > 32)
        info->ipv4_prefix = 32;
}

static int attach(struct noxs_device *dev)
{
    struct vif *vif = kzalloc(sizeof(*vif));
    int rc;

    if (!vif)
        return -XEN_ENOMEM;
    vif->bus = &on_noxs;
    vif->dev = dev;
    vif->back_end = dev->entry.back_end;
    vif->port = dev->port;
    vif->info.id = dev->entry.id;
    read_info(&vif->info, &dev->ctrl->vif_back);
    dev->priv = vif;
    rc = vif_connect(vif);
    if (rc)
        kfree(vif);
    return rc;
}

static void detach(struct noxs_device *dev)
{
    vif_disconnect(dev->priv);
    kfree(dev->priv);
}

NOXS_DRIVER(vif_noxs_driver) = {
    .type = NOXS_DEV_VIF,
    .attach = attach,
    .detach = detach,
    .event = event,
};
