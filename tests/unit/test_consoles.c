// SPDX-License-Identifier: BSD-3-Clause
/* What chaosd tells: events, and what guests write to their consoles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <xen/xen.h>

#include <xen/io/console.h>

#include "life_fixture.h"

/* ---------------------------------------------------------------- events */

static void test_slow_subscriber(void **state)
{
    struct fixture *f = *state;
    struct wire_reader fields, group;
    struct wire_header header;
    struct wire_field field;
    uint64_t seen = 0, lost = 0, next = 0, number;
    unsigned int i;

    subscribe(f);
    for (i = 0; i < 5 * EVENTS_KEPT; i++) {
        events_tell(&f->daemon, EVENT_CREATED, NULL, "%u", i);
        if (i % 7 == 0)
            loop_turn(f->daemon.loop, false);
    }
    for (i = 0; i < 200; i++) {
        settle(f, 1);
        while (receive(f, &header, &fields)) {
            if (!wire_find(&fields, WIRE_EVENT, WIRE_GROUP, &field))
                continue;
            group = wire_group(&field);
            number = wire_find_number(&group, WIRE_INDEX, 0);
            lost += wire_find_number(&group, WIRE_LOST, 0);
            if (next)
                assert_int_equal(number, next + wire_find_number(&group, WIRE_LOST, 0));
            next = number + 1;
            seen++;
        }
        if (seen + lost == 5 * EVENTS_KEPT)
            break;
    }
    assert_int_equal(seen + lost, 5 * EVENTS_KEPT);
    assert_true(lost > 0);
}

static void test_event_tail(void **state)
{
    struct fixture *f = *state;

    create(f);
    settle(f, 5);
    connect_client(f);
    ask(f, WIRE_SUBSCRIBE, NULL, 1, false, NULL);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "started ");
}

/* ---------------------------------------------------------------- consoles */

static struct xencons_interface *ring_of(struct fixture *f, uint32_t domid)
{
    struct start_info *info =
        fake_virtual(f->fake, domid, fake_domain(f->fake, domid)->vcpu.start_info, NULL);

    return fake_frame(f->fake, info->console.domU.mfn);
}

static void say(struct fixture *f, uint32_t domid, struct xencons_interface *ring, const char *text)
{
    for (; *text; text++)
        ring->out[ring->out_prod++ % sizeof(ring->out)] = *text;
    fake_event(f->fake, domid, fake_domain(f->fake, domid)->nr_ports);
}

static void test_logs(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring;
    struct wire_header header;
    char out[2 * LOG_MAX];
    uint64_t lost;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    ring = ring_of(f, domid);
    say(f, domid, ring, "one\ntwo\n");
    settle(f, 1);
    connect_client(f);
    ask(f, WIRE_LOGS, "web", 1, false, NULL);
    settle(f, 1);
    assert_int_equal(data_so_far(f, out, &lost, &header), 4);
    assert_string_equal(out, "two\n");
    assert_false(header.flags & WIRE_MORE);
    ask(f, WIRE_LOGS, "web", UINT32_MAX, true, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "one\ntwo\n");
    say(f, domid, ring, "three\n");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "three\n");
    assert_true(header.flags & WIRE_MORE);
    /* Its last words, unannounced, and then the end. */
    memcpy(ring->out + ring->out_prod, "bye", 3);
    ring->out_prod += 3;
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "bye");
    assert_false(header.flags & WIRE_MORE);
    /* It is gone, and can still be read. */
    ask(f, WIRE_LOGS, "web", UINT32_MAX, true, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "one\ntwo\nthree\nbye");
    assert_false(header.flags & WIRE_MORE);
}

/* The log goes on through restarts, and so does who follows it. */
static void test_logs_through_restart(void **state)
{
    struct fixture *f = *state;
    struct wire_header header;
    char out[2 * LOG_MAX];
    uint64_t lost;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    connect_client(f);
    ask(f, WIRE_LOGS, "web", UINT32_MAX, true, NULL);
    say(f, domid, ring_of(f, domid), "first\n");
    settle(f, 1);
    end(f, domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5);
    domid = domid_of(f, "web");
    say(f, domid, ring_of(f, domid), "second\n");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "first\nsecond\n");
    assert_true(header.flags & WIRE_MORE);
}

static void test_flood(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring, *calm;
    struct console *console;
    uint32_t domid = create(f).domid, other, i;
    uint64_t start, before;

    strcpy(f->config.name, "calm");
    other = create(f).domid;
    settle(f, 5);
    ring = ring_of(f, domid);
    calm = ring_of(f, other);
    console = watch_find(&f->daemon, "web")->console;
    start = loop_now();
    for (i = 0; i < 200; i++) {
        ring->out_prod = ring->out_cons + sizeof(ring->out);
        fake_event(f->fake, domid, 1);
        loop_turn(f->daemon.loop, false);
    }
    if (loop_now() - start < CONSOLE_PERIOD_NS)
        assert_in_range(console->log.end, CONSOLE_QUOTA / 2, CONSOLE_QUOTA + sizeof(ring->out));
    assert_true(console->throttled);
    say(f, other, calm, "hello");
    settle(f, 1);
    assert_int_equal(watch_find(&f->daemon, "calm")->console->log.end, 5);
    before = console->log.end;
    settle(f, 150);
    assert_true(console->log.end > before);
    assert_int_equal(console->log.size, LOG_MAX);
}

static size_t read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(out, 1, size - 1, file) : 0;

    out[length] = '\0';
    if (file)
        fclose(file);
    return length;
}

static void test_files(void **state)
{
    struct fixture *f = *state;
    char path[128], former[136], out[4096], line[101];
    uint32_t domid;
    int i;

    stop(f);
    f->console_logs = f->dir;
    start(f);
    snprintf(path, sizeof(path), "%s/web.log", f->dir);
    snprintf(former, sizeof(former), "%s.1", path);
    domid = create(f).domid;
    settle(f, 5);
    say(f, domid, ring_of(f, domid), "first\n");
    settle(f, 250);
    read_file(path, out, sizeof(out));
    assert_string_equal(out, "first\n");
    memset(line, 'x', 100);
    line[100] = '\0';
    for (i = 0; i < 10; i++) {
        say(f, domid, ring_of(f, domid), line);
        settle(f, 1);
    }
    settle(f, 250);
    assert_int_equal(read_file(path, out, sizeof(out)), 1006);
    say(f, domid, ring_of(f, domid), "a line more than there is room for");
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    stop(f); /* writes what is left, also of those that are gone */
    assert_int_equal(read_file(former, out, sizeof(out)), 1006);
    read_file(path, out, sizeof(out));
    assert_string_equal(out, "a line more than there is room for");
    start(f);
}

static void test_broken_ring(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    ring = ring_of(f, domid);
    say(f, domid, ring, "good");
    settle(f, 1);
    ring->out_prod += sizeof(ring->out) + 1;
    fake_event(f->fake, domid, 1);
    settle(f, 1);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(watch_find(&f->daemon, "web")->console->log.end, 4);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

static void test_console(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring;
    struct wire_header header;
    char out[2 * LOG_MAX], many[1501];
    uint64_t lost;
    uint32_t domid = create(f).domid;
    int first;

    settle(f, 5);
    ring = ring_of(f, domid);
    say(f, domid, ring, "hello");
    settle(f, 1);
    connect_client(f);
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "x"); /* not attached */
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_true(header.flags & WIRE_ERROR);
    ask(f, WIRE_CONSOLE, "web", 0, false, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "hello");
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "ls\n");
    settle(f, 1);
    assert_int_equal(ring->in_prod, 3);
    assert_memory_equal(ring->in, "ls\n", 3);
    /* More than there is room for is answered when the guest has taken enough. */
    memset(many, 'y', 1500);
    many[1500] = '\0';
    data_so_far(f, out, &lost, &header);
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, many);
    settle(f, 1);
    assert_int_equal(ring->in_prod, 1024);
    header.type = 0;
    data_so_far(f, out, &lost, &header);
    assert_int_equal(header.type, 0);
    ring->in_cons = 1000;
    fake_event(f->fake, domid, 1);
    settle(f, 1);
    assert_int_equal(ring->in_prod, 1503);
    data_so_far(f, out, &lost, &header);
    assert_int_equal(header.type, WIRE_CONSOLE_INPUT);
    assert_false(header.flags & WIRE_ERROR);
    /* A second one looks on, until the first one leaves. */
    first = f->client;
    connect_client(f);
    ask(f, WIRE_CONSOLE, "web", 0, false, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "hello");
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "z");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_true(header.flags & WIRE_ERROR);
    close(first);
    settle(f, 1);
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "z");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_false(header.flags & WIRE_ERROR);
    assert_int_equal(ring->in_prod, 1504);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_slow_subscriber),      TEST(test_event_tail), TEST(test_logs),
        TEST(test_logs_through_restart), TEST(test_flood),      TEST(test_files),
        TEST(test_broken_ring),          TEST(test_console),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
