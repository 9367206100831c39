/* SPDX-License-Identifier: BSD-3-Clause */
/* The front-end's rings against a back-end that does what it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/vif_ring.h"

/* ------------------------------------------------------------------ what the kernel provides */

static size_t pages_out;
static int grants_out;
static int busy_ref = -1;
static size_t fail_after = SIZE_MAX;

void *page_alloc(void)
{
    if (fail_after == 0)
        return NULL;
    fail_after--;
    pages_out++;
    return aligned_alloc(PAGE_SIZE, PAGE_SIZE);
}

void page_free(void *page)
{
    pages_out--;
    free(page);
}

int grant_access(uint16_t domid, const void *page, bool readonly)
{
    (void)domid;
    (void)page;
    (void)readonly;
    if (fail_after == 0)
        return -XEN_ENOSPC;
    fail_after--;
    return 8 + grants_out++;
}

int grant_end(int ref)
{
    assert_true(ref >= 8);
    if (ref == busy_ref)
        return -XEN_EBUSY;
    grants_out--;
    return 0;
}

static size_t told;

void mm_tell_unused(struct noxs_unused *out, const void *first_page, size_t nr_pages)
{
    (void)out;
    assert_non_null(first_page);
    told += nr_pages;
}

/* ------------------------------------------------------------------ helpers */

static struct vif_rings rings;
static unsigned frames;
static size_t last_len;
static bool last_checked;

static void got(void *arg, const void *frame, size_t len, bool checked)
{
    volatile unsigned char sum = 0;

    assert_ptr_equal(arg, &rings);
    for (size_t i = 0; i < len; i++)
        sum ^= ((const unsigned char *)frame)[i];
    frames++;
    last_len = len;
    last_checked = checked;
}

static int make(void **state)
{
    (void)state;
    frames = 0;
    fail_after = SIZE_MAX;
    return vif_rings_make(&rings, 0);
}

static int drop(void **state)
{
    (void)state;
    vif_rings_drop(&rings);
    return pages_out == 0 && grants_out == 0 ? 0 : -1;
}

/* The next response, in the slot of its request as a back-end does. */
static struct netif_rx_response *rx_response(void)
{
    RING_IDX i = rings.rx.sring->rsp_prod++;
    uint16_t id = RING_GET_REQUEST(&rings.rx, i)->id;
    struct netif_rx_response *rsp = RING_GET_RESPONSE(&rings.rx, i);

    *rsp = (struct netif_rx_response){.id = id, .status = 60};
    return rsp;
}

static bool take(unsigned budget)
{
    return vif_rx_take(&rings, budget, got, &rings);
}

/* ------------------------------------------------------------------ tests */

static void test_receive(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < VIF_RX_BUFFERS; i++)
            rx_response()->flags = i % 2 ? NETRXF_csum_blank : 0;
        assert_true(take(VIF_RX_BUFFERS - 1)); /* the budget ends it */
        assert_false(take(10));
        assert_null(rings.broken);
        assert_true(last_checked && last_len == 60);
        vif_rx_refill(&rings);
        assert_int_equal(rings.rx.sring->req_prod - rings.rx.sring->rsp_prod, VIF_RX_BUFFERS);
    }
    assert_int_equal(frames, 100 * VIF_RX_BUFFERS);
}

static void test_receive_several_slots(void **state)
{
    (void)state;
    rx_response()->flags = NETRXF_more_data;
    rx_response()->flags = NETRXF_more_data;
    rx_response();
    rx_response();
    rx_response()->status = NETIF_RSP_ERROR;
    take(64);
    assert_null(rings.broken);
    assert_int_equal(frames, 1); /* only the one that was whole */
}

static void rx_breaks(void)
{
    take(64);
    assert_non_null(rings.broken);
    assert_int_equal(frames, 0);
}

static void test_rx_index(void **state)
{
    (void)state;
    rings.rx.sring->rsp_prod = 257;
    rx_breaks();
    rings.broken = NULL;
    rings.rx.sring->rsp_prod = (RING_IDX)-1;
    rx_breaks();
}

static void test_rx_id(void **state)
{
    (void)state;
    rx_response()->id = VIF_RX_BUFFERS;
    rx_breaks();
    assert_int_equal(rings.nr_rx_free, 0);
}

static void test_rx_same_buffer_twice(void **state)
{
    (void)state;
    rx_response()->id = 3;
    rx_response()->id = 3;
    take(64);
    assert_non_null(rings.broken);
    assert_int_equal(frames, 1);
}

static void test_rx_more_than_given(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= VIF_RX_BUFFERS; i++)
        rx_response();
    take(64);
    assert_non_null(rings.broken);
}

static void test_rx_bounds(void **state)
{
    struct netif_rx_response *rsp = rx_response();

    (void)state;
    rsp->offset = 4000;
    rsp->status = 97;
    rx_breaks();
}

static void test_rx_offset_wraps(void **state)
{
    struct netif_rx_response *rsp = rx_response();

    (void)state;
    rsp->offset = 65535;
    rsp->status = 2;
    rx_breaks();
}

static void test_rx_extra(void **state)
{
    (void)state;
    rx_response()->flags = NETRXF_extra_info;
    rx_breaks();
}

static void test_transmit(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct netif_tx_response *rsp;
        struct netif_tx_request req;
        void *page = vif_tx_page(&rings);

        assert_non_null(page);
        memset(page, 0x55, VIF_MAX_FRAME);
        vif_tx_push(&rings, VIF_MAX_FRAME, round % 2);
        req = *RING_GET_REQUEST(&rings.tx, round);
        assert_int_equal(req.size, VIF_MAX_FRAME);
        assert_int_equal(req.flags, round % 2 ? NETTXF_data_validated : 0);
        assert_ptr_equal(page, rings.tx_buffers[req.id].page);
        rsp = RING_GET_RESPONSE(&rings.tx, round);
        *rsp = (struct netif_tx_response){.id = req.id, .status = NETIF_RSP_OKAY};
        rings.tx.sring->rsp_prod++;
        vif_tx_reap(&rings);
        assert_null(rings.broken);
    }
}

static void test_transmit_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VIF_TX_BUFFERS; i++) {
        assert_non_null(vif_tx_page(&rings));
        vif_tx_push(&rings, 60, true);
    }
    assert_null(vif_tx_page(&rings));
    vif_tx_reap(&rings);
    assert_null(vif_tx_page(&rings));
}

static void test_tx_breaks(void **state)
{
    static const uint16_t ids[] = {VIF_TX_BUFFERS, 0xffff, 0 /* not at the back-end */};

    (void)state;
    vif_tx_push(&rings, 60, true); /* takes the last buffer */
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        rings.broken = NULL;
        rings.tx.rsp_cons = 0;
        rings.tx.sring->rsp_prod = 1;
        *RING_GET_RESPONSE(&rings.tx, 0) = (struct netif_tx_response){.id = ids[i]};
        vif_tx_reap(&rings);
        assert_non_null(rings.broken);
        assert_int_equal(rings.nr_tx_free, VIF_TX_BUFFERS - 1);
    }
    rings.broken = NULL;
    rings.tx.sring->rsp_prod = 1000;
    vif_tx_reap(&rings);
    assert_non_null(rings.broken);
}

/* Everything that the back-end can write is random; nothing but `broken` may come of it. */
static void test_noise(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned char *rx = (unsigned char *)rings.rx.sring;
        unsigned char *tx = (unsigned char *)rings.tx.sring;

        for (unsigned i = 0; i < 20; i++) {
            rx[(unsigned)rand() % PAGE_SIZE] = (unsigned char)rand();
            tx[(unsigned)rand() % PAGE_SIZE] = (unsigned char)rand();
        }
        rings.rx.sring->rsp_prod = rings.rx.rsp_cons + (unsigned)rand() % 4;
        rings.tx.sring->rsp_prod = rings.tx.rsp_cons + (unsigned)rand() % 4;
        rings.broken = NULL;
        take(8);
        vif_tx_reap(&rings);
        vif_rx_refill(&rings);
        if (vif_tx_page(&rings))
            vif_tx_push(&rings, 60, true);
        assert_true(rings.nr_rx_free <= VIF_RX_BUFFERS && rings.nr_tx_free <= VIF_TX_BUFFERS);
    }
}

/* Every allocation in turn fails: nothing stays behind. */
static void test_make_fails(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (size_t n = 0;; n++) {
        fail_after = n;
        if (!vif_rings_make(&rings, 0))
            break;
        failures++;
        assert_true(pages_out == 0 && grants_out == 0);
    }
    assert_int_equal(failures, 2 * (2 + VIF_RX_BUFFERS + VIF_TX_BUFFERS));
    fail_after = SIZE_MAX;
    vif_rings_drop(&rings);
}

static void test_page_still_mapped(void **state)
{
    void *page;

    (void)state;
    assert_int_equal(make(NULL), 0);
    page = rings.tx.sring;
    busy_ref = rings.tx_ref;
    vif_rings_drop(&rings);
    assert_true(pages_out == 1 && grants_out == 1); /* not given to anybody else */
    busy_ref = -1;
    free(page);
    pages_out = 0;
    grants_out = 0;
}

#define ON_RINGS(test) cmocka_unit_test_setup_teardown(test, make, drop)

/* Every page that it has: all are made anew in a restored guest. */
static void test_unused(void **state)
{
    struct noxs_unused list = {.nr = 0};

    (void)state;
    told = 0;
    vif_rings_tell_unused(&rings, &list);
    assert_int_equal(told, pages_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_RINGS(test_receive),
        ON_RINGS(test_receive_several_slots),
        ON_RINGS(test_rx_index),
        ON_RINGS(test_rx_id),
        ON_RINGS(test_rx_same_buffer_twice),
        ON_RINGS(test_rx_more_than_given),
        ON_RINGS(test_rx_bounds),
        ON_RINGS(test_rx_offset_wraps),
        ON_RINGS(test_rx_extra),
        ON_RINGS(test_transmit),
        ON_RINGS(test_transmit_full),
        ON_RINGS(test_tx_breaks),
        ON_RINGS(test_unused),
        ON_RINGS(test_noise),
        cmocka_unit_test(test_make_fails),
        cmocka_unit_test(test_page_still_mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
