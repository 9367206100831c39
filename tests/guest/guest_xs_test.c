/* SPDX-License-Identifier: BSD-3-Clause */
/* The XenStore client against a small store that runs whenever the client sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/kernel.h"
#include "xenstore/xs.h"
#include "xenstore/xs_wire.h"

/* ------------------------------------------------------------------ what the kernel provides */

static struct start_info info = {.store_mfn = 77, .store_evtchn = 3};
const struct start_info *start_info = &info;
static struct xenstore_domain_interface ring;
static uint64_t entry = 1;
static void store_runs(void);
static unsigned sleeps;

void *kzalloc(size_t size)
{
    return calloc(1, size);
}

void *mfn_to_virt(uint64_t mfn)
{
    return mfn == 77 ? &ring : NULL;
}

uint64_t *pt_entry(uintptr_t va)
{
    (void)va;
    return &entry;
}

int map_own(void *page)
{
    (void)page;
    return 0;
}

int evtchn_adopt(uint32_t port, evtchn_handler *handler, void *arg)
{
    (void)handler;
    (void)arg;
    return (int)port;
}

int evtchn_notify(int port)
{
    return port == 3 ? 0 : -XEN_EINVAL;
}

bool wait_on(struct wait_queue *q, uint64_t deadline_ns)
{
    (void)q;
    (void)deadline_ns;
    if (++sleeps > 10000)
        fail_msg("it waits for ever");
    store_runs();
    return true;
}

void wake_all(struct wait_queue *q)
{
    (void)q;
}

void kprintf(const char *fmt, ...)
{
    (void)fmt;
}

/* ------------------------------------------------------------------ the store */

static char last_request[XENSTORE_PAYLOAD_MAX + 64]; /* header and payload */
static size_t got;
static char out[3 * XENSTORE_PAYLOAD_MAX]; /* replies that wait for room */
static size_t out_len;
static unsigned requests;
static const char *reply; /* to what is read */
static size_t reply_len;
static const char *error; /* to everything */
static bool events_first; /* a watch event before each reply */
static uint32_t id_off;   /* added to the id of a reply, once */

static void say(uint32_t type, uint32_t id, const void *payload, size_t len)
{
    struct xsd_sockmsg header = {.type = type, .req_id = id, .len = (uint32_t)len};

    assert_true(out_len + sizeof(header) + len <= sizeof(out));
    memcpy(out + out_len, &header, sizeof(header));
    memcpy(out + out_len + sizeof(header), payload, len);
    out_len += sizeof(header) + len;
}

static void answer(const struct xsd_sockmsg *request)
{
    requests++;
    if (events_first)
        say(XS_WATCH_EVENT, 0, "some/path\0001\0", 12);
    if (id_off) {
        say(XS_READ, request->req_id + id_off, "wrong", 5);
        id_off = 0;
    }
    if (error)
        say(XS_ERROR, request->req_id, error, strlen(error) + 1);
    else if (request->type == XS_READ || request->type == XS_DIRECTORY)
        say(request->type, request->req_id, reply, reply_len);
    else
        say(request->type, request->req_id, "OK", 3);
}

static void store_runs(void)
{
    const struct xsd_sockmsg *header = (const struct xsd_sockmsg *)last_request;
    size_t n = 0;

    while (ring.req_cons != ring.req_prod) {
        last_request[got++] = ring.req[MASK_XENSTORE_IDX(ring.req_cons++)];
        if (got >= sizeof(*header) && got == sizeof(*header) + header->len) {
            answer(header);
            got = 0;
        }
    }
    for (; n < out_len && ring.rsp_prod - ring.rsp_cons < XENSTORE_RING_SIZE; n++)
        ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] = out[n];
    memmove(out, out + n, out_len - n);
    out_len -= n;
}

/* ------------------------------------------------------------------ tests */

static int connect(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof(ring));
    got = out_len = 0;
    sleeps = requests = id_off = 0;
    error = NULL;
    events_first = false;
    reply = "value";
    reply_len = 5;
    return xs_reconnect();
}

static void test_read_and_write(void **state)
{
    char value[8];

    (void)state;
    for (unsigned i = 0; i < 200; i++) { /* around the ring, and again */
        assert_int_equal(xs_read("a/path", value, sizeof(value)), 0);
        assert_string_equal(value, "value");
        assert_int_equal(xs_write("another/path", "something"), 0);
        assert_memory_equal(last_request + sizeof(struct xsd_sockmsg), "another/path\0something",
                            22);
    }
    assert_int_equal(xs_read("a/path", value, 6), 0);
    assert_int_equal(xs_read("a/path", value, 5), -XEN_E2BIG);
    reply_len = 0;
    assert_int_equal(xs_read("a/path", value, sizeof(value)), 0);
    assert_string_equal(value, "");
}

static void test_long_directory(void **state)
{
    static char names[XENSTORE_PAYLOAD_MAX];
    const char *list;
    size_t len;

    (void)state;
    reply = names;
    reply_len = sizeof(names);
    assert_int_equal(xs_directory("device/vif", &list, &len), 0);
    assert_int_equal(len, sizeof(names));
}

static void test_long_path(void **state)
{
    static char path[XENSTORE_PAYLOAD_MAX + 1];
    char value[8];

    (void)state;
    memset(path, 'x', XENSTORE_PAYLOAD_MAX);
    assert_int_equal(xs_read(path, value, sizeof(value)), -XEN_E2BIG);
    assert_int_equal(requests, 0);
    path[3000] = '\0'; /* more than the ring holds */
    assert_int_equal(xs_read(path, value, sizeof(value)), 0);
}

static void test_errors(void **state)
{
    char value[8];

    (void)state;
    error = "ENOENT";
    assert_int_equal(xs_read("a", value, sizeof(value)), -XEN_ENOENT);
    error = "EACCES";
    assert_int_equal(xs_write("a", "b"), -XEN_EACCES);
    error = NULL;
    assert_int_equal(xs_write("a", "b"), 0);
}

static void test_posts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(xs_post("a/node", "1"), 0);
    assert_int_equal(sleeps, 0);
    assert_int_equal(xs_write("a/node", "2"), 0);
    assert_int_equal(requests, 7);
    assert_int_equal(xs_posted(), 0);
    error = "ENOSPC";
    assert_int_equal(xs_post("a/node", "1"), 0);
    store_runs();
    error = NULL;
    assert_int_equal(xs_write("a/node", "2"), 0);
    assert_int_equal(xs_posted(), -XEN_ENOSPC);
    assert_int_equal(xs_posted(), 0);
}

/* Watches have the tokens that they were set with; the store here fires the first for everything.
 */
static void test_watches(void **state)
{
    struct xs_watch first = {0}, second = {0};
    char event[32], value[8];

    (void)state;
    assert_int_equal(xs_watch(&first, "control"), 0);
    assert_int_equal(xs_watch(&second, "device"), 0);
    assert_false(xs_watch_taken(&first));
    memcpy(event, "x\0", 2);
    say(XS_WATCH_EVENT, 0, event,
        2 + 1 + (size_t)snprintf(event + 2, sizeof(event) - 2, "%lu", second.token));
    assert_int_equal(xs_read("a", value, sizeof(value)), 0);
    assert_false(xs_watch_taken(&first));
    assert_true(xs_watch_taken(&second));
    assert_false(xs_watch_taken(&second));
    xs_wake();
    xs_wait();
    say(XS_WATCH_EVENT, 0, event, 2 + strlen(event + 2) + 1);
    sleeps = 0;
    xs_wait();
    assert_true(sleeps > 0 && second.fired);
    xs_unwatch(&second, "device");
    say(XS_WATCH_EVENT, 0, event, 2 + strlen(event + 2) + 1);
    assert_int_equal(xs_read("a", value, sizeof(value)), 0); /* fires nothing */
    xs_unwatch(&first, "control");
    error = "EINVAL";
    assert_int_equal(xs_watch(&first, "no/such"), -XEN_EINVAL);
    assert_int_equal(first.token, 0);
}

static void test_events_between(void **state)
{
    char value[8];

    (void)state;
    events_first = true;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(xs_read("a", value, sizeof(value)), 0);
}

static void test_reply_to_another(void **state)
{
    char value[8];

    (void)state;
    id_off = 5;
    assert_int_equal(xs_read("a", value, sizeof(value)), 0);
    assert_string_equal(value, "value");
}

/* A store that breaks the protocol is not used any more, until there is another one. */
static void test_broken(void **state)
{
    struct xs_watch w = {0};
    char value[8];

    (void)state;
    assert_int_equal(xs_watch(&w, "control"), 0);
    ring.rsp_prod = ring.rsp_cons + XENSTORE_RING_SIZE + 1;
    assert_int_equal(xs_write("a", "b"), -XEN_EIO);
    ring.rsp_prod = ring.rsp_cons;
    assert_int_equal(xs_read("a", value, sizeof(value)), -XEN_EIO);
    memset(&ring, 0, sizeof(ring));
    got = out_len = 0;
    assert_int_equal(xs_reconnect(), 0);
    assert_int_equal(w.token, 0);
    assert_int_equal(xs_read("a", value, sizeof(value)), 0);
    info.store_mfn = 78; /* not a page of ours */
    assert_true(xs_reconnect() < 0);
    assert_true(xs_read("a", value, sizeof(value)) < 0);
    info.store_mfn = 77;
}

#define CONNECTED(test) cmocka_unit_test_setup(test, connect)

static int start(void **state)
{
    (void)state;
    return xs_connect();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNECTED(test_read_and_write), CONNECTED(test_long_directory),
        CONNECTED(test_long_path),      CONNECTED(test_errors),
        CONNECTED(test_posts),          CONNECTED(test_watches),
        CONNECTED(test_events_between), CONNECTED(test_reply_to_another),
        CONNECTED(test_broken),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
