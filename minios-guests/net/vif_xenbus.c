/* SPDX-License-Identifier: BSD-3-Clause */
/* A vif on the XenStore bus, with Linux's netback at the other end. */
#include "net/vif_bus.h"
#include "net/vif_xenbus.h"
#include "xenbus.h"

struct xenbus_vif {
    struct vif vif;
    bool closing; /* the rings are dropped when the back-end has closed, too */
    bool told;    /* the store says that we are */
};

static struct xenbus_vif *of(struct vif *vif)
{
    return container_of(vif, struct xenbus_vif, vif);
}

static void event(void *arg)
{
    struct vif *vif = arg;

    if (vif->up)
        vif_work(vif);
}

static int write_offer(const struct vif *vif)
{
    const struct xenbus_device *dev = vif->dev;
    const struct {
        const char *node;
        unsigned value;
    } nodes[] = {
        {"tx-ring-ref", (unsigned)vif->rings.tx_ref},
        {"rx-ring-ref", (unsigned)vif->rings.rx_ref},
        {"event-channel", (unsigned)vif->port},
        {"request-rx-copy", 1},
        {"feature-rx-notify", 1},
    };
    int rc = 0;

    xs_posted(); /* of others */
    for (size_t i = 0; i < ARRAY_SIZE(nodes) && !rc; i++)
        rc = xenbus_post(dev->front, nodes[i].node, nodes[i].value);
    if (!rc)
        rc = xenbus_write(dev->front, "state", NOXS_STATE_CONNECTED);
    return rc ? rc : xs_posted();
}

static int offer(struct vif *vif)
{
    struct xenbus_device *dev = vif->dev;
    int rc = evtchn_alloc_unbound(vif->back_end, event, vif);

    if (rc < 0)
        return rc;
    vif->port = dev->port = rc;
    rc = write_offer(vif);
    if (rc) {
        xenbus_post(dev->front, "state", NOXS_STATE_CLOSED);
        evtchn_close(dev->port);
    }
    return rc;
}

static void close(struct vif *vif)
{
    of(vif)->closing = true;
    xs_wake();
}

static const struct vif_bus on_xenbus = {
    .offer = offer,
    .close = close,
};

static void drop(struct xenbus_vif *v)
{
    evtchn_close(((struct xenbus_device *)v->vif.dev)->port);
    vif_rings_drop(&v->vif.rings);
    v->closing = v->told = false;
}

/* What cannot be done where close is called, which may be an event or another thread. */
static void work(struct xenbus_device *dev)
{
    struct xenbus_vif *v = dev->priv;

    if (!v->closing)
        return;
    if (!v->told)
        v->told = !xenbus_write(dev->front, "state", NOXS_STATE_CLOSED);
    if (dev->back_state == NOXS_STATE_CLOSED || dev->back_state == NOXS_STATE_UNKNOWN)
        drop(v);
}

static void changed(struct xenbus_device *dev)
{
    struct xenbus_vif *v = dev->priv;

    if (v->closing)
        return;
    vif_back_changed(&v->vif, dev->back_state, 0);
    dev->connected = v->vif.up;
}

static int read_info(const struct xenbus_device *dev, struct vif_info *info)
{
    char text[64];
    uint64_t mtu;
    int rc = xenbus_read(dev->front, "mac", text, sizeof(text));

    if (rc)
        return rc;
    if (!vif_parse_mac(text, info->mac))
        return -XEN_EINVAL;
    info->id = dev->id;
    info->mtu = 1500;
    if (!xenbus_read_number(dev->front, "mtu", 1500, &mtu) && mtu >= 576)
        info->mtu = (uint16_t)mtu;
    if (!xenbus_read(dev->back, "ip", text, sizeof(text)))
        vif_parse_ip(text, &info->ipv4, &info->ipv4_prefix);
    return 0;
}

static int attach(struct xenbus_device *dev)
{
    struct xenbus_vif *v = kzalloc(sizeof(*v));
    int rc;

    if (!v)
        return -XEN_ENOMEM;
    v->vif.bus = &on_xenbus;
    v->vif.dev = dev;
    v->vif.back_end = dev->back_end;
    dev->priv = v;
    rc = read_info(dev, &v->vif.info);
    if (rc)
        kfree(v);
    return rc;
}

/* The device has left the store, and its back-end with it. */
static void detach(struct xenbus_device *dev)
{
    struct xenbus_vif *v = dev->priv;

    vif_disconnect(&v->vif);
    if (v->closing)
        drop(v);
    kfree(v);
}

XENBUS_DRIVER(vif_xenbus_driver) = {
    .type = "vif",
    .attach = attach,
    .detach = detach,
    .changed = changed,
    .work = work,
};
