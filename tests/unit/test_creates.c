// SPDX-License-Identifier: BSD-3-Clause
/* chaosd's creates, out of pools and the cold way, with calls that fail and hosts that are full. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaosd_model.h"
#include "creates.h"
#include "refill.h"
#include "scratch.h"
#include "wire_parts.h"

static void put_create(struct fixture *f, struct wire_writer *writer, const char *override)
{
    model_begin(f, WIRE_CREATE, writer);
    wire_put_bytes(writer, WIRE_CONFIG, f->config, strlen(f->config));
    if (override)
        wire_put_string(writer, WIRE_OVERRIDE, override);
}

/* Asks, and waits for the answer. */
static void ask_create(struct fixture *f, const char *override)
{
    struct wire_writer writer;

    put_create(f, &writer, override);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_int_equal(f->header.type, WIRE_CREATE);
}

static void ask_destroy(struct fixture *f, const char *which)
{
    struct wire_writer writer;

    model_begin(f, WIRE_DESTROY, &writer);
    wire_put_string(&writer, WIRE_WHICH, which);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
}

static void destroy_web(struct fixture *f)
{
    ask_destroy(f, "web");
    assert_int_equal(f->header.flags, WIRE_REPLY);
}

/* ---------------------------------------------------------------- creates */

static void test_cold(void **state)
{
    struct fixture *f = *state;

    ask_create(f, NULL);
    assert_int_equal(f->header.flags, WIRE_REPLY);
    assert_int_equal(wire_find_number(&f->fields, WIRE_WARM, 9), 0);
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_EXISTS);
    destroy_web(f);
    ask_destroy(f, "web");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_NOT_FOUND);
    assert_int_equal(model_created, 1);
    assert_int_equal(model_destroyed, 1);
}

static void test_warm(void **state)
{
    struct fixture *f = *state;
    struct wire_reader group;
    struct chaos_domain domain;
    struct wire_field field;

    model_set_pool(f, 1, NULL, 3);
    assert_int_equal(model_level(f), 3);
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_WARM, 9), 1);
    assert_true(wire_find(&f->fields, WIRE_DOMAIN, WIRE_GROUP, &field));
    group = wire_group(&field);
    wire_get_domain(&group, &domain);
    assert_string_equal(domain.name, "web");
    assert_true(fake_domain(f->fake, domain.domid)->started);
    assert_int_equal(model_level(f), 2);

    /* A shell that was not touched is as good as before. */
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_EXISTS);
    assert_int_equal(model_level(f), 2);
    destroy_web(f);
    assert_int_equal(model_created, 1);
}

/* Whatever call fails: one answer, and the pool is back at its level. */
static void test_every_call_fails(void **state)
{
    struct fixture *f = *state;
    unsigned int failures;

    model_set_pool(f, 1, NULL, 2);
    assert_int_equal(model_level(f), 2);
    failures = model_fail_each_call(f, ask_create);
    assert_true(failures >= 2);
    assert_int_equal(model_created, 1);
    destroy_web(f);
}

static void test_bad_requests(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    model_begin(f, WIRE_CREATE, &writer);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_non_null(strstr(model_error(f), "no configuration"));

    ask_create(f, "memory=\"x\"");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_CONFIG);
    ask_create(f, "kernel=\"/no/such/kernel\"");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_CONFIG);
    ask_destroy(f, "");
    assert_true(f->header.flags & WIRE_ERROR);
    ask_destroy(f, "0");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_USAGE);
}

static void test_warnings_travel(void **state)
{
    struct fixture *f = *state;

    ask_create(f, "memroy=4");
    assert_non_null(strstr(wire_find_string(&f->fields, WIRE_WARNING, ""), "memroy"));
    destroy_web(f);
    ask_create(f, "memroy=4; memory=\"\"");
    assert_true(f->header.flags & WIRE_ERROR);
    assert_non_null(strstr(wire_find_string(&f->fields, WIRE_WARNING, ""), "memroy"));
}

static void test_relative_path(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    put_create(f, &writer, "kernel=\"kernel\"");
    wire_put_string(&writer, WIRE_DIRECTORY, f->dir);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
    destroy_web(f);
}

static void test_several(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    char name[16];
    uint32_t i;

    ask_create(f, "name=\"web-2\""); /* is in the way of one of them */
    model_set_pool(f, 1, NULL, 2);
    put_create(f, &writer, NULL);
    wire_put_u32(&writer, WIRE_COUNT, 4);
    model_send(f, f->client, &writer);
    model_turn_many(f, 4);
    for (i = 0; i < 4; i++) {
        assert_true(model_receive(f, f->client));
        assert_int_equal(wire_find_number(&f->fields, WIRE_INDEX, 9), i);
        assert_int_equal(f->header.flags & WIRE_MORE, i < 3 ? WIRE_MORE : 0);
        assert_int_equal(f->header.flags & WIRE_ERROR, i == 1 ? WIRE_ERROR : 0);
    }
    for (i = 1; i <= 4; i++) {
        snprintf(name, sizeof(name), "web-%u", i);
        ask_destroy(f, name);
        assert_int_equal(f->header.flags, WIRE_REPLY);
    }
}

static void test_several_with_numbers(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    put_create(f, &writer, "name=\"n{n}x\"; cmdline=\"ip=10.0.0.{n}\"");
    wire_put_u32(&writer, WIRE_COUNT, 2);
    model_send(f, f->client, &writer);
    model_turn_many(f, 3);
    assert_true(model_receive(f, f->client));
    assert_true(model_receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
    ask_destroy(f, "n1x");
    assert_int_equal(f->header.flags, WIRE_REPLY);
    ask_destroy(f, "n2x");
    assert_int_equal(f->header.flags, WIRE_REPLY);

    put_create(f, &writer, "uuid=\"00112233-4455-6677-8899-aabbccddeeff\"");
    wire_put_u32(&writer, WIRE_COUNT, 2);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_non_null(strstr(model_error(f), "uuid is given"));
}

/* What was asked for is made, whether or not anybody is told. */
static void test_client_gone_before_the_answer(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    int fd = model_connect(f);

    put_create(f, &writer, NULL);
    model_send(f, fd, &writer);
    loop_turn(f->daemon.loop, false);
    assert_int_equal(model_jobs(), 1);
    close(fd);
    model_turn(f);
    destroy_web(f);
    assert_int_equal(model_created, 1);
}

/* What is asked for and not begun when it is to end is answered as well. */
static void test_several_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    unsigned int failed = 0;

    put_create(f, &writer, NULL);
    wire_put_u32(&writer, WIRE_COUNT, 5);
    model_send(f, f->client, &writer);
    assert_int_equal(loop_turn(f->daemon.loop, false), 0);
    creates_module.quiesce(&f->daemon);
    assert_true(creates_busy(&f->daemon));
    model_turn_many(f, 10);
    assert_false(creates_busy(&f->daemon));
    for (unsigned int i = 0; i < 5; i++) {
        assert_true(model_receive(f, f->client));
        failed += (f->header.flags & WIRE_ERROR) != 0;
    }
    assert_int_equal(failed, 4);
    assert_non_null(strstr(model_error(f), "is stopping"));
    ask_destroy(f, "web-1");
    assert_int_equal(f->header.flags, WIRE_REPLY);
}

/* ---------------------------------------------------------------- a full host */

static void test_shells_make_room(void **state)
{
    struct fixture *f = *state;

    model_set_pool(f, 16, NULL, 3); /* of 64 MiB in all */
    assert_int_equal(model_level(f), 3);
    ask_create(f, "memory=32");
    assert_int_equal(f->header.flags, WIRE_REPLY);
    assert_true(model_level(f) < 3);
    destroy_web(f);
}

static void test_degraded(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    unsigned int calls;

    model_set_pool(f, 16, NULL, 6); /* more than there is */
    assert_true(model_level(f) < 5);
    model_begin(f, WIRE_STATUS, &writer);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_non_null(strstr(wire_find_string(&f->fields, WIRE_DEGRADED, ""), "memory"));
    calls = f->fake->calls;
    model_turn_many(f, 100); /* it does not try all the time */
    assert_int_equal(f->fake->calls, calls);
}

static void test_failed_creates_fill_no_pool(void **state)
{
    struct fixture *f = *state;
    struct pools *pools = refill_pools(&f->daemon);

    pools->adaptive = true;
    for (unsigned int i = 0; i < 3; i++) {
        ask_create(f, "memory=100");
        assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_RESOURCE);
    }
    assert_null(pools->first);
    for (unsigned int i = 0; i < 2; i++) {
        ask_create(f, NULL);
        destroy_web(f);
    }
    assert_int_equal(pools->first->flavour.memory_mib, 1);
    assert_int_equal(pools->first->target, 2);
    assert_int_equal(pools->first->counts.misses, 2);
}

static void test_failed_creates_leave_nothing(void **state)
{
    struct fixture *f = *state;
    unsigned int before;

    model_set_pool(f, 1, NULL, 1);
    ask_create(f, "kernel=\"/no/such/kernel\"");
    before = model_descriptors();
    for (unsigned int i = 0; i < 2000; i++) {
        struct wire_writer writer;

        put_create(f, &writer, i % 2 ? "kernel=\"/no/such/kernel\"" : "memory=\"x\"");
        model_send(f, f->client, &writer);
        loop_turn(f->daemon.loop, false);
        loop_turn(f->daemon.loop, false);
        while (!model_receive(f, f->client))
            model_turn(f);
        assert_true(f->header.flags & WIRE_ERROR);
    }
    assert_int_equal(model_descriptors(), before);
    assert_int_equal(model_level(f), 1);
}

/* ---------------------------------------------------------------- restart */

static void test_restart_takes_shells_over(void **state)
{
    struct fixture *f = *state;

    model_set_pool(f, 1, NULL, 4);
    f->daemon.settings.drain_on_stop = false;
    f->daemon.settings.adaptive = true;
    close(f->client);
    model_stop(f);
    assert_int_equal(scratch_count("shells"), 4);
    model_start(f);
    f->client = model_connect(f);
    f->daemon.settings.drain_on_stop = true;
    assert_int_equal(refill_pools(&f->daemon)->first->level, 4);
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_WARM, 9), 1);
    destroy_web(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, model_set_up, model_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_cold),
        TEST(test_warm),
        TEST(test_every_call_fails),
        TEST(test_bad_requests),
        TEST(test_warnings_travel),
        TEST(test_relative_path),
        TEST(test_several),
        TEST(test_several_with_numbers),
        TEST(test_client_gone_before_the_answer),
        TEST(test_several_at_the_end),
        TEST(test_shells_make_room),
        TEST(test_degraded),
        TEST(test_failed_creates_fill_no_pool),
        TEST(test_failed_creates_leave_nothing),
        TEST(test_restart_takes_shells_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
