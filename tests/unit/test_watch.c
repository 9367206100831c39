// SPDX-License-Identifier: BSD-3-Clause
/* chaosd's view of guests: who comes and goes, and what is done about their ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "lifecycle.h"
#include "life_fixture.h"
#include "noxs_abi.h"
#include "restart.h"
#include "scratch.h"
#include "suspended.h"
#include "suspensions.h"

/* ---------------------------------------------------------------- guests that come and go */

static void test_others_make_and_unmake(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct guest *guest;

    subscribe(f);
    domain = create(f);
    settle(f, 5);
    guest = watch_find(&f->daemon, "web");
    assert_non_null(guest);
    assert_int_equal(guest->domid, domain.domid);
    assert_int_equal(guest->policy.on_crash, CHAOS_ACTION_RESTART);
    assert_int_equal(f->fake->mapped, 1);
    assert_int_equal(f->fake->bound, 2); /* the VIRQ, and its console */
    assert_int_equal(chaos_domain_rename(f->other, &domain, "db", &f->err), 0);
    settle(f, 5);
    assert_null(watch_find(&f->daemon, "web"));
    assert_ptr_equal(watch_find(&f->daemon, "name:db"), guest);
    assert_int_equal(f->fake->mapped, 1);
    /* The fake refuses to destroy a domain of which pages are mapped: we let go in time. */
    strcpy(domain.name, "db");
    consoles_detach(&f->daemon, guest);
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    settle(f, 10);
    assert_null(watch_find(&f->daemon, "db"));
    assert_string_equal(events_so_far(f), "created started renamed destroyed ");
}

static void test_we_make_and_unmake(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    subscribe(f);
    domain = create(f);
    daemon_created(&f->daemon, &domain, &f->config);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "created started ");
    assert_false(watch_find(&f->daemon, "web")->announced);
    consoles_detach(&f->daemon, watch_find(&f->daemon, "web"));
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    daemon_destroyed(&f->daemon, &domain);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "created started destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

/* A domain of our record goes, and nobody told: xl destroy. */
static void test_vanishes(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    subscribe(f);
    domain = create(f);
    settle(f, 5);
    consoles_detach(&f->daemon, watch_find(&f->daemon, "web"));
    assert_int_equal(f->fake->hv.ops->destroy(&f->fake->hv, domain.domid), 0);
    fake_virq(f->fake, NOXS_VIRQ);
    settle(f, 5);
    assert_int_equal(scratch_count("domains"), 0);
    assert_string_equal(events_so_far(f), "created started destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

/* ---------------------------------------------------------------- ends */

static void test_poweroff(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    subscribe(f);
    domid = create(f).domid;
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_null(fake_domain(f->fake, domid));
    assert_string_equal(events_so_far(f), "created started shutdown destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

static void test_preserve_and_suspend(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    f->config.on_crash = CHAOS_ACTION_PRESERVE;
    subscribe(f);
    domid = create(f).domid;
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_SUSPEND);
    settle(f, 5);
    assert_int_equal(f->fake->mapped, 1); /* it may go on */
    fake_domain(f->fake, domid)->shutdown = false;
    fake_note_change(f->fake, domid);
    fake_virq(f->fake, NOXS_VIRQ);
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_SUSPEND);
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_CRASH); /* nobody told us that it went on */
    settle(f, 5);
    fake_virq(f->fake, NOXS_VIRQ);
    settle(f, 5);
    assert_non_null(fake_domain(f->fake, domid));
    assert_int_equal(f->fake->mapped, 0);
    assert_string_equal(events_so_far(f),
                        "created started suspended resumed suspended crashed preserved ");
}

static bool runs(struct fixture *f, uint32_t domid)
{
    return !fake_domain(f->fake, domid)->shutdown;
}

/* As a save does that gives up, or dies: the note stays, and nobody holds it. */
static void test_suspends_too_late(void **state)
{
    struct fixture *f = *state;
    const struct chaos_domain domain = create(f);
    struct registry_claim note;
    struct hv_info info;

    subscribe(f);
    settle(f, 5);
    assert_int_equal(f->other->hv->ops->info(f->other->hv, domain.domid, &info), 0);
    assert_int_equal(suspended_note(f->other, &info, &note, &f->err), 0);
    end(f, domain.domid, CHAOS_SHUTDOWN_SUSPEND);
    settle(f, SUSPENSIONS_FIRST_NS / 1000000 + 300);
    assert_false(runs(f, domain.domid)); /* somebody is at it still */
    registry_release(&note);
    settle(f, 2 * SUSPENSIONS_FIRST_NS / 1000000);
    assert_true(runs(f, domain.domid));
    assert_int_equal(watch_guests(&f->daemon)->first->state, GUEST_RUNNING);
}

/* It ended before anybody could look at it. */
static void test_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    subscribe(f);
    domain = create(f);
    end(f, domain.domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "created started shutdown destroyed ");
}

static void test_crash_loop(void **state)
{
    struct fixture *f = *state;
    uint32_t domid, first;
    uint8_t uuid[16];

    subscribe(f);
    first = create(f).domid;
    settle(f, 5);
    memcpy(uuid, watch_find(&f->daemon, "web")->uuid, sizeof(uuid));
    end(f, first, CHAOS_SHUTDOWN_CRASH);
    settle(f, 5);
    domid = domid_of(f, "web");
    assert_int_not_equal(domid, first);
    assert_int_not_equal(domid, 0);
    assert_int_equal(scratch_count("restarts"), 0);
    assert_memory_equal(fake_domain(f->fake, domid)->uuid, uuid, sizeof(uuid));
    assert_string_equal(events_so_far(f), "created started crashed restarted ");
    /* The second time within ten seconds it waits. */
    f->told[0] = '\0';
    end(f, domid, CHAOS_SHUTDOWN_CRASH);
    settle(f, 200);
    assert_int_equal(domid_of(f, "web"), domid);
    assert_string_equal(events_so_far(f), "crashed backoff ");
    settle(f, 400);
    assert_int_not_equal(domid_of(f, "web"), domid);
    assert_string_equal(events_so_far(f), "crashed backoff restarted ");
    assert_int_equal(watch_find(&f->daemon, "web")->history.restarts, 2);
}

static void test_destroyed_in_backoff(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    create(f);
    settle(f, 5);
    end(f, domid_of(f, "web"), CHAOS_SHUTDOWN_CRASH);
    settle(f, 5);
    end(f, domid_of(f, "web"), CHAOS_SHUTDOWN_CRASH);
    settle(f, 5);
    subscribe(f);
    assert_int_equal(chaos_domain_find(f->other, "web", &domain, &f->err), 0);
    consoles_detach(&f->daemon, watch_find(&f->daemon, "web"));
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    settle(f, 700);
    assert_int_equal(domid_of(f, "web"), 0);
    assert_string_equal(events_so_far(f), "destroyed ");
}

/* Somebody else restarts it at the same time, and is first. */
static void test_other_restarter(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, again;

    domain = create(f);
    settle(f, 5);
    subscribe(f);
    hold_jobs = true;
    end(f, domain.domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5); /* our job waits */
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    memcpy(f->config.uuid, domain.uuid, sizeof(domain.uuid));
    again = create(f);
    hold_jobs = false;
    settle(f, 10);
    assert_int_equal(domid_of(f, "web"), again.domid);
    assert_int_equal(watch_find(&f->daemon, "web")->domid, again.domid);
    assert_int_equal(watch_guests(&f->daemon)->nr, 1);
    assert_int_equal(scratch_count("restarts"), 0);
    assert_int_equal(f->fake->mapped, 1);
}

static void test_restart_fails(void **state)
{
    struct fixture *f = *state;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    subscribe(f);
    create_failures = 1;
    end(f, domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "shutdown failed ");
    assert_int_equal(scratch_count("restarts"), 1);
    assert_int_equal(domid_of(f, "web"), 0);
    settle(f, 600);
    assert_string_equal(events_so_far(f), "shutdown failed restarted ");
    assert_int_equal(scratch_count("restarts"), 0);
}

static void test_restart_called_off(void **state)
{
    struct fixture *f = *state;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    subscribe(f);
    create_failures = 1;
    end(f, domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5);
    assert_true(chaos_domain_call_off_restart(f->other, "web"));
    settle(f, 600);
    assert_string_equal(events_so_far(f), "shutdown failed destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
    assert_int_equal(scratch_count("pending"), 0);
}

/* ---------------------------------------------------------------- chaosd comes later */

static void test_adopts(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct chaos_config config;
    char out[LOG_MAX];
    struct wire_header header;
    uint64_t lost;

    stop(f);
    domain = create(f);
    strcpy(f->config.name, "off");
    end(f, create(f).domid, CHAOS_SHUTDOWN_POWEROFF); /* while nobody looked */
    strcpy(f->config.name, "half");
    {
        struct chaos_domain half = create(f);

        assert_int_equal(restart_begin(f->other, &half, &config, &f->err), 0);
        chaos_config_free(&config);
    }
    start(f);
    settle(f, 10);
    assert_int_equal(watch_find(&f->daemon, "web")->domid, domain.domid);
    assert_null(watch_find(&f->daemon, "off"));
    assert_int_equal(domid_of(f, "off"), 0);
    assert_int_not_equal(domid_of(f, "half"), 0);
    assert_int_equal(watch_find(&f->daemon, "half")->domid, domid_of(f, "half"));
    assert_int_equal(scratch_count("restarts"), 0);
    assert_int_equal(f->fake->mapped, 2);
    connect_client(f);
    ask(f, WIRE_LOGS, "off", UINT32_MAX, false, NULL);
    settle(f, 5);
    data_so_far(f, out, &lost, &header);
    assert_true(header.flags & WIRE_ERROR); /* it never said anything */
}

static void test_polls(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    stop(f);
    f->fake->no_virq = 1u << NOXS_VIRQ | 1u << VIRQ_DOM_EXC;
    start(f);
    domid = create(f).domid;
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 250);
    assert_int_equal(domid_of(f, "web"), 0);
}

/* Xen says which domains changed, and only these are looked at, however many there are. */
static void test_told_which(void **state)
{
    struct fixture *f = *state;
    unsigned int lists, id;
    uint32_t domid;

    f->fake->last_domid = 500; /* behind what is told first */
    domid = create(f).domid;
    settle(f, 5);
    lists = f->fake->lists;
    for (id = 1; id < 200; id++) /* more than one turn of the loop takes, and none of ours */
        fake_note_change(f->fake, id);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_int_equal(domid_of(f, "web"), 0);
    assert_null(fake_domain(f->fake, domid));
    assert_int_equal(f->fake->lists, lists);
    fake_virq(f->fake, NOXS_VIRQ); /* of its death */
    settle(f, 5);
    assert_false(f->fake->changed[domid]);
}

/* An older Xen does not. */
static void test_not_told_which(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    f->fake->stock = true;
    domid = create(f).domid;
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_int_equal(domid_of(f, "web"), 0);
    assert_true(f->fake->lists > 0);
}

/* Another chaosd of this host has the VIRQ: what it is to be told is not taken away from it. */
static void test_others_are_told(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    stop(f);
    f->fake->no_virq = 1u << NOXS_VIRQ;
    start(f);
    domid = create(f).domid;
    settle(f, 5);
    fake_note_change(f->fake, 7000); /* a guest of the other one */
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    fake_virq(f->fake, VIRQ_DOM_EXC);
    settle(f, 5);
    assert_int_equal(domid_of(f, "web"), 0);
    assert_true(f->fake->changed[7000]);
}

/* Each call that can fail does in turn: no guest is lost, nothing is left behind. */
static void test_failing_calls(void **state)
{
    struct fixture *f = *state;
    unsigned int n;

    for (n = 1; n < 60; n++) {
        uint32_t domid;

        f->config.on_crash = n % 2 ? CHAOS_ACTION_RESTART : CHAOS_ACTION_DESTROY;
        domid = create(f).domid;
        settle(f, 3);
        f->fake->calls = 0;
        f->fake->fail_at = n;
        end(f, domid, CHAOS_SHUTDOWN_CRASH);
        settle(f, 3);
        fake_virq(f->fake, NOXS_VIRQ); /* if it was the look at the domains that failed */
        settle(f, 3);
        f->fake->fail_at = 0;
        for (int i = 0; i < 100 && (scratch_count("restarts") || domid_of(f, "web") == domid);
             i++) {
            fake_virq(f->fake, NOXS_VIRQ);
            settle(f, 20);
        }
        if (n % 2 == 0) {
            assert_int_equal(domid_of(f, "web"), 0);
            continue;
        }
        assert_int_not_equal(domid_of(f, "web"), 0);
        assert_int_not_equal(domid_of(f, "web"), domid);
        settle(f, 5);
        end(f, domid_of(f, "web"), CHAOS_SHUTDOWN_POWEROFF);
        for (int i = 0; i < 20 && domid_of(f, "web"); i++)
            settle(f, 20);
        assert_int_equal(domid_of(f, "web"), 0);
        assert_int_equal(watch_guests(&f->daemon)->nr, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_others_make_and_unmake),
        TEST(test_we_make_and_unmake),
        TEST(test_vanishes),
        TEST(test_poweroff),
        TEST(test_preserve_and_suspend),
        TEST(test_suspends_too_late),
        TEST(test_ends_at_once),
        TEST(test_crash_loop),
        TEST(test_destroyed_in_backoff),
        TEST(test_other_restarter),
        TEST(test_restart_fails),
        TEST(test_restart_called_off),
        TEST(test_adopts),
        TEST(test_polls),
        TEST(test_told_which),
        TEST(test_not_told_which),
        TEST(test_others_are_told),
        TEST(test_failing_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
