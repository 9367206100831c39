/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of the XenStore in pieces, and a store that does what it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/vif_xenbus.h"
#include "xenstore/xs_wire.h"

static struct xenstore_domain_interface ring;
static struct xs_message message;

static int reset(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof(ring));
    memset(&message, 0xa5, sizeof(message));
    message.got = 0;
    return 0;
}

/* The store's side: puts what fits, returns how much that was. */
static size_t store_puts(const void *data, size_t len)
{
    size_t n = 0;

    while (n < len && ring.rsp_prod - ring.rsp_cons < XENSTORE_RING_SIZE)
        ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] = ((const char *)data)[n++];
    return n;
}

static void store_says(uint32_t type, const char *payload, uint32_t len)
{
    struct xsd_sockmsg header = {.type = type, .req_id = 7, .len = len};

    assert_int_equal(store_puts(&header, sizeof(header)), sizeof(header));
    assert_int_equal(store_puts(payload, len), len);
}

static void test_put_wraps_and_fills(void **state)
{
    char data[XENSTORE_RING_SIZE + 100];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)i;
    ring.req_prod = ring.req_cons = 0xfffffff0u; /* indices wrap, too */
    assert_int_equal(xs_ring_put(&ring, data, sizeof(data)), XENSTORE_RING_SIZE);
    assert_int_equal(xs_ring_put(&ring, data, 1), 0);
    for (uint32_t i = 0; i < XENSTORE_RING_SIZE; i++)
        assert_int_equal(ring.req[MASK_XENSTORE_IDX(0xfffffff0u + i)], (char)i);
    ring.req_cons += 10;
    assert_int_equal(xs_ring_put(&ring, data, 100), 10);
}

static void test_take_wraps(void **state)
{
    char data[100];

    (void)state;
    ring.rsp_prod = ring.rsp_cons = XENSTORE_RING_SIZE - 3;
    assert_int_equal(xs_ring_take(&ring, data, sizeof(data)), 0);
    assert_int_equal(store_puts("abcdef", 6), 6);
    assert_int_equal(xs_ring_take(&ring, data, 4), 4);
    assert_memory_equal(data, "abcd", 4);
    assert_int_equal(xs_ring_take(&ring, data, sizeof(data)), 2);
    assert_memory_equal(data, "ef", 2);
    assert_int_equal(ring.rsp_cons, ring.rsp_prod);
}

static void test_indices(void **state)
{
    char c = 0;

    (void)state;
    ring.rsp_prod = XENSTORE_RING_SIZE + 1;
    assert_int_equal(xs_ring_take(&ring, &c, 1), -XEN_EIO);
    assert_int_equal(xs_message_pull(&message, &ring), -XEN_EIO);
    ring.rsp_prod = ring.rsp_cons - 1;
    assert_int_equal(xs_ring_take(&ring, &c, 1), -XEN_EIO);
    ring.req_cons = 1;
    assert_int_equal(xs_ring_put(&ring, &c, 1), -XEN_EIO);
}

static void test_whole_message(void **state)
{
    (void)state;
    store_says(XS_READ, "value", 5);
    assert_int_equal(xs_message_pull(&message, &ring), 1);
    assert_int_equal(message.header.req_id, 7);
    assert_string_equal(message.payload, "value");
    assert_int_equal(xs_message_error(&message), 0);
    message.got = 0;
    store_says(XS_WRITE, "", 0);
    assert_int_equal(xs_message_pull(&message, &ring), 1);
    assert_string_equal(message.payload, "");
}

/* The largest message, which is four times the ring, a few bytes at a time. */
static void test_message_in_pieces(void **state)
{
    struct {
        struct xsd_sockmsg header;
        char payload[XENSTORE_PAYLOAD_MAX];
    } whole = {.header = {.type = XS_DIRECTORY, .len = XENSTORE_PAYLOAD_MAX}};
    const char *from = (const char *)&whole;
    size_t sent = 0;
    int rc = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(whole.payload); i++)
        whole.payload[i] = (char)(i * 31);
    while (sent < sizeof(whole)) {
        size_t n = sizeof(whole) - sent < 7 ? sizeof(whole) - sent : 7;

        assert_int_equal(rc, 0);
        sent += store_puts(from + sent, n);
        rc = xs_message_pull(&message, &ring);
    }
    assert_int_equal(rc, 1);
    assert_memory_equal(message.payload, whole.payload, sizeof(whole.payload));
    assert_int_equal(message.payload[XENSTORE_PAYLOAD_MAX], '\0');
}

static void test_message_too_long(void **state)
{
    struct xsd_sockmsg header = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};

    (void)state;
    store_puts(&header, sizeof(header));
    assert_int_equal(xs_message_pull(&message, &ring), -XEN_EIO);
}

static int error_of(const char *payload, uint32_t len)
{
    reset(NULL);
    store_says(XS_ERROR, payload, len);
    assert_int_equal(xs_message_pull(&message, &ring), 1);
    return xs_message_error(&message);
}

static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(error_of("ENOENT", 7), -XEN_ENOENT);
    assert_int_equal(error_of("ENOENT", 6), -XEN_ENOENT); /* without its zero */
    assert_int_equal(error_of("EACCES", 7), -XEN_EACCES);
    assert_int_equal(error_of("EWHATEVER", 10), -XEN_EIO);
    assert_int_equal(error_of("", 0), -XEN_EIO);
}

static bool token_of(const char *payload, uint32_t len, uint64_t *token)
{
    reset(NULL);
    store_says(XS_WATCH_EVENT, payload, len);
    assert_int_equal(xs_message_pull(&message, &ring), 1);
    return xs_message_token(&message, token);
}

static void test_tokens(void **state)
{
    uint64_t token = 0;

    (void)state;
    assert_true(token_of("a/b\00042\0", 7, &token));
    assert_int_equal(token, 42);
    assert_true(token_of("a/b\00043", 6, &token)); /* without its zero */
    assert_int_equal(token, 43);
    assert_false(token_of("a/b", 3, &token)); /* none at all */
    assert_false(token_of("a/b\0", 4, &token));
    assert_false(token_of("a/b\0x\0", 6, &token));
    assert_false(token_of("a\00099999999999999999999\0", 23, &token));
    assert_false(token_of("", 0, &token));
    message.header.type = XS_READ;
    assert_false(xs_message_token(&message, &token));
}

static void test_names(void **state)
{
    static const char names[] = "0\0001\0\00012"; /* the last lacks its zero within the length */
    size_t at = 0;

    (void)state;
    assert_string_equal(xs_next_name(names, 7, &at), "0");
    assert_string_equal(xs_next_name(names, 7, &at), "1");
    assert_string_equal(xs_next_name(names, 7, &at), "");
    assert_null(xs_next_name(names, 7, &at));
    at = 0;
    assert_null(xs_next_name(names, 0, &at));
}

/* A ring full of noise: every pull ends, within its bounds (the sanitizers look on). */
static void test_noise(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t token;

        for (unsigned i = 0; i < 40; i++)
            ring.rsp[(unsigned)rand() % XENSTORE_RING_SIZE] = (char)(rand() % 3 ? 0 : rand());
        ring.rsp_prod = ring.rsp_cons + (unsigned)rand() % (XENSTORE_RING_SIZE + 2);
        for (int rc = 1; rc == 1;) {
            rc = xs_message_pull(&message, &ring);
            if (rc == 1) {
                assert_true(message.header.len <= XENSTORE_PAYLOAD_MAX);
                xs_message_error(&message);
                xs_message_token(&message, &token);
            }
            if (rc)
                message.got = 0;
        }
    }
}

static void test_mac(void **state)
{
    static const uint8_t want[6] = {0x00, 0x16, 0x3e, 0xab, 0xCD, 0x05};
    static const char *const bad[] = {"",
                                      "00",
                                      "00:16:3e:ab:cd",
                                      "00:16:3e:ab:cd:0",
                                      "00:16:3e:ab:cd:05:",
                                      "00:16:3e:ab:cd:0g",
                                      "00-16-3e-ab-cd-05"};
    uint8_t mac[6];

    (void)state;
    assert_true(vif_parse_mac("00:16:3e:ab:CD:05", mac));
    assert_memory_equal(mac, want, sizeof(mac));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(vif_parse_mac(bad[i], mac));
}

static void test_ip(void **state)
{
    static const uint8_t want[4] = {10, 0, 0, 7};
    uint32_t ip = 0, prefix = 0;

    (void)state;
    assert_true(vif_parse_ip("10.0.0.7", &ip, &prefix));
    assert_memory_equal(&ip, want, 4);
    assert_int_equal(prefix, 24);
    assert_true(vif_parse_ip("10.0.0.7/16 10.0.0.8", &ip, &prefix));
    assert_int_equal(prefix, 16);
    assert_false(vif_parse_ip("", &ip, &prefix));
    assert_false(vif_parse_ip("fe80::1", &ip, &prefix));
    assert_false(vif_parse_ip("10.0.0.7/0000000000000000000024", &ip, &prefix));
}

#define FRESH(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_put_wraps_and_fills),
        FRESH(test_take_wraps),
        FRESH(test_indices),
        FRESH(test_whole_message),
        FRESH(test_message_in_pieces),
        FRESH(test_message_too_long),
        FRESH(test_errors),
        FRESH(test_tokens),
        FRESH(test_names),
        FRESH(test_noise),
        FRESH(test_mac),
        FRESH(test_ip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
