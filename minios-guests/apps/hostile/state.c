/* SPDX-License-Identifier: BSD-3-Clause */
/* Attacks on the control page and on the event channel. */
#include "hostile.h"

static void states(struct victim *v)
{
    for (unsigned i = 0; i < 10000; i++) {
        noxs_set_state(&v->dev, i % 7);
        if (i % 500 == 0)
            nap();
    }
}

static void garbage(struct victim *v)
{
    static const uint32_t values[] = {7, 8, 255, 0x10004, 0x7fffffff, 0x80000000, 0xffffffff};

    connect(v);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        noxs_set_state(&v->dev, values[i]);
        nap();
    }
}

/* Connected without rings, with wrong ones, with one for both. */
static void badrings(struct victim *v)
{
    struct noxs_vif_front *front = &v->dev.ctrl->vif_front;
    static const uint32_t refs[] = {0, 1, 7, 100, 511, 512, 1000000, 0x80000000, 0xffffffff};
    void *page = page_zalloc();
    int ref = grant_access(v->dev.entry.back_end, page, false);

    for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
        front->tx_ring_ref = refs[i];
        front->rx_ring_ref = refs[ARRAY_SIZE(refs) - 1 - i];
        noxs_set_state(&v->dev, NOXS_STATE_CONNECTED);
        nap();
        noxs_set_state(&v->dev, NOXS_STATE_CLOSED);
        nap();
        noxs_set_state(&v->dev, NOXS_STATE_INITIALISING);
    }
    front->tx_ring_ref = front->rx_ring_ref = (uint32_t)ref;
    noxs_set_state(&v->dev, NOXS_STATE_CONNECTED);
    nap();
}

/* Rings that another end may only read. */
static void rorings(struct victim *v)
{
    struct noxs_vif_front *front = &v->dev.ctrl->vif_front;

    front->tx_ring_ref = (uint32_t)grant_access(v->dev.entry.back_end, page_zalloc(), true);
    front->rx_ring_ref = (uint32_t)grant_access(v->dev.entry.back_end, page_zalloc(), true);
    noxs_set_state(&v->dev, NOXS_STATE_CONNECTED);
    nap();
}

static void scribbles(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 500; i++) {
        scribble(v->dev.ctrl, PAGE_SIZE);
        evtchn_notify(v->dev.port);
        if (i % 20 == 0)
            nap();
    }
}

/* Everything random but a state that makes the back-end act on it. */
static void features(struct victim *v)
{
    for (unsigned i = 0; i < 200; i++) {
        scribble(&v->dev.ctrl->vif_front, sizeof(v->dev.ctrl->vif_front));
        noxs_set_state(&v->dev, NOXS_STATE_CONNECTED);
        if (i % 10 == 0)
            nap();
    }
}

/* Another filter with each event, and one that changes while it is read. */
static void filters(struct victim *v)
{
    struct noxs_vif_front *front = &v->dev.ctrl->vif_front;
    size_t len = offsetof(struct noxs_vif_front, reserved) - offsetof(struct noxs_vif_front, ipv4);

    connect(v);
    for (unsigned i = 0; i < 20000; i++) {
        scribble(&front->ipv4, len);
        if (i % 3)
            evtchn_notify(v->dev.port);
        if (i % 500 == 0)
            nap();
    }
}

static void events(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 200000; i++)
        evtchn_notify(v->dev.port);
}

static void reconnect(struct victim *v)
{
    for (unsigned i = 0; i < 1000; i++) {
        connect(v);
        disconnect(v);
    }
}

/* Gone from the event channel while connected, and back on it. */
static void portclose(struct victim *v)
{
    connect(v);
    evtchn_close(v->dev.port);
    nap();
    v->dev.port = evtchn_bind_interdomain(v->dev.entry.back_end, v->dev.entry.evtchn, NULL, NULL);
    if (v->dev.port >= 0)
        evtchn_notify(v->dev.port);
}

const struct attack state_attacks[] = {
    {"states", states},
    {"garbage", garbage},
    {"badrings", badrings},
    {"rorings", rorings},
    {"scribble", scribbles},
    {"features", features},
    {"filters", filters},
    {"events", events},
    {"reconnect", reconnect},
    {"portclose", portclose},
    {NULL, NULL},
};
