/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings and buffers; nothing here knows of states or devices. */
#include "vif_ring.h"

static int make_buffers(struct vif_buffer *buffers, unsigned nr, uint16_t back_end, bool readonly)
{
    for (unsigned i = 0; i < nr; i++) {
        buffers[i].page = page_alloc();
        buffers[i].at_back_end = false;
        if (!buffers[i].page)
            return -XEN_ENOMEM;
        buffers[i].ref = grant_access(back_end, buffers[i].page, readonly);
        if (buffers[i].ref < 0)
            return buffers[i].ref;
    }
    return 0;
}

/* A page that the back-end still has mapped is not memory of ours to use again. */
static void drop_page(void *page, int ref)
{
    if (page && (ref < 0 || !grant_end(ref)))
        page_free(page);
}

static void drop_buffers(struct vif_buffer *buffers, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        drop_page(buffers[i].page, buffers[i].ref);
        buffers[i] = (struct vif_buffer){.ref = -1};
    }
}

static int make_rings(struct vif_rings *r, uint16_t back_end)
{
    r->rx.sring = page_alloc();
    r->tx.sring = page_alloc();
    if (!r->rx.sring || !r->tx.sring)
        return -XEN_ENOMEM;
    XEN_FRONT_RING_INIT(&r->rx, r->rx.sring, PAGE_SIZE);
    XEN_FRONT_RING_INIT(&r->tx, r->tx.sring, PAGE_SIZE);
    /* A transmit buffer that comes back is no reason to wake up: half of them are. */
    r->tx.sring->rsp_event = VIF_TX_BUFFERS / 2;
    r->rx_ref = grant_access(back_end, r->rx.sring, false);
    if (r->rx_ref < 0)
        return r->rx_ref;
    r->tx_ref = grant_access(back_end, r->tx.sring, false);
    return r->tx_ref < 0 ? r->tx_ref : 0;
}

int vif_rings_make(struct vif_rings *r, uint16_t back_end)
{
    int rc;

    memset(r, 0, sizeof(*r));
    r->rx_ref = r->tx_ref = -1;
    rc = make_rings(r, back_end);
    if (!rc)
        rc = make_buffers(r->rx_buffers, VIF_RX_BUFFERS, back_end, false);
    if (!rc)
        rc = make_buffers(r->tx_buffers, VIF_TX_BUFFERS, back_end, true);
    if (rc) {
        vif_rings_drop(r);
        return rc;
    }
    for (unsigned i = 0; i < VIF_TX_BUFFERS; i++)
        r->tx_free[r->nr_tx_free++] = i;
    for (unsigned i = 0; i < VIF_RX_BUFFERS; i++)
        r->rx_free[r->nr_rx_free++] = i;
    vif_rx_refill(r);
    return 0;
}

void vif_rings_drop(struct vif_rings *r)
{
    drop_page(r->rx.sring, r->rx_ref);
    drop_page(r->tx.sring, r->tx_ref);
    r->rx.sring = NULL;
    r->tx.sring = NULL;
    drop_buffers(r->rx_buffers, VIF_RX_BUFFERS);
    drop_buffers(r->tx_buffers, VIF_TX_BUFFERS);
}

static void tell_buffers(const struct vif_buffer *buffers, unsigned nr, struct noxs_unused *out)
{
    for (unsigned i = 0; i < nr; i++)
        mm_tell_unused(out, buffers[i].page, 1);
}

void vif_rings_tell_unused(const struct vif_rings *r, struct noxs_unused *out)
{
    mm_tell_unused(out, r->rx.sring, 1);
    mm_tell_unused(out, r->tx.sring, 1);
    tell_buffers(r->rx_buffers, VIF_RX_BUFFERS, out);
    tell_buffers(r->tx_buffers, VIF_TX_BUFFERS, out);
}

bool vif_rx_refill(struct vif_rings *r)
{
    int notify;

    if (!r->nr_rx_free)
        return false;
    while (r->nr_rx_free) {
        unsigned i = r->rx_free[--r->nr_rx_free];
        struct netif_rx_request *req = RING_GET_REQUEST(&r->rx, r->rx.req_prod_pvt++);

        req->id = (uint16_t)i;
        req->gref = (grant_ref_t)r->rx_buffers[i].ref;
        r->rx_buffers[i].at_back_end = true;
    }
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&r->rx, notify);
    return notify;
}

/* One response; returns what is wrong with it, or null. */
static const char *rx_one(struct vif_rings *r, vif_rx *rx, void *arg)
{
    struct netif_rx_response rsp;
    struct vif_buffer *b;
    bool skip = r->skipping;

    RING_COPY_RESPONSE(&r->rx, r->rx.rsp_cons, &rsp);
    r->rx.rsp_cons++;
    if (rsp.flags & NETRXF_extra_info)
        return "extra slots on the receive ring, which were not offered";
    if (rsp.id >= VIF_RX_BUFFERS || !r->rx_buffers[rsp.id].at_back_end)
        return "a receive buffer that it does not have";
    b = &r->rx_buffers[rsp.id];
    b->at_back_end = false;
    r->rx_free[r->nr_rx_free++] = rsp.id;
    r->skipping = rsp.flags & NETRXF_more_data;
    if (rsp.status > 0 && (uint32_t)rsp.offset + (uint16_t)rsp.status > PAGE_SIZE)
        return "a frame beyond the end of its buffer";
    if (rsp.status > 0 && !skip && !r->skipping)
        rx(arg, (char *)b->page + rsp.offset, (size_t)rsp.status,
           rsp.flags & (NETRXF_csum_blank | NETRXF_data_validated));
    return NULL;
}

bool vif_rx_take(struct vif_rings *r, unsigned budget, vif_rx *rx, void *arg)
{
    RING_IDX prod = READ_ONCE(r->rx.sring->rsp_prod);
    int more;

    rmb();
    if (RING_RESPONSE_PROD_OVERFLOW(&r->rx, prod)) {
        r->broken = "more responses on the receive ring than requests";
        return false;
    }
    while (r->rx.rsp_cons != prod && budget-- && !r->broken)
        r->broken = rx_one(r, rx, arg);
    if (r->rx.rsp_cons != prod)
        return true;
    RING_FINAL_CHECK_FOR_RESPONSES(&r->rx, more);
    return more;
}

void vif_tx_reap(struct vif_rings *r)
{
    RING_IDX prod = READ_ONCE(r->tx.sring->rsp_prod);
    struct netif_tx_response rsp;

    rmb();
    if (RING_RESPONSE_PROD_OVERFLOW(&r->tx, prod)) {
        r->broken = "more responses on the transmit ring than requests";
        return;
    }
    while (r->tx.rsp_cons != prod) {
        RING_COPY_RESPONSE(&r->tx, r->tx.rsp_cons, &rsp);
        r->tx.rsp_cons++;
        if (rsp.id >= VIF_TX_BUFFERS || !r->tx_buffers[rsp.id].at_back_end) {
            r->broken = "a transmit buffer that it does not have";
            return;
        }
        r->tx_buffers[rsp.id].at_back_end = false;
        r->tx_free[r->nr_tx_free++] = rsp.id;
    }
    r->tx.sring->rsp_event = r->tx.rsp_cons + VIF_TX_BUFFERS / 2;
}

void *vif_tx_page(struct vif_rings *r)
{
    return r->nr_tx_free ? r->tx_buffers[r->tx_free[r->nr_tx_free - 1]].page : NULL;
}

bool vif_tx_push(struct vif_rings *r, size_t len, bool checked)
{
    unsigned i = r->tx_free[--r->nr_tx_free];
    struct netif_tx_request *req = RING_GET_REQUEST(&r->tx, r->tx.req_prod_pvt++);
    int notify;

    r->tx_buffers[i].at_back_end = true;
    req->gref = (grant_ref_t)r->tx_buffers[i].ref;
    req->offset = 0;
    req->flags = checked ? NETTXF_data_validated : 0;
    req->id = (uint16_t)i;
    req->size = (uint16_t)len;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&r->tx, notify);
    return notify;
}
