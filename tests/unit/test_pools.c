// SPDX-License-Identifier: BSD-3-Clause
/* Which shells chaosd wants, hands out and gives up; the shells are empty structs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pools.h"
#include "shell_record.h"

#define SECOND 1000000000u

struct fixture {
    struct settings settings;
    struct pools pools;
    struct chaos_config config;
    struct chaos_error err;
    uint64_t now;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    settings_default(&f->settings);
    f->settings.refill_rate = 1000000;
    f->config.kernel = (char *)"/kernel";
    f->config.cmdline = (char *)"";
    f->config.memory_mib = 4;
    f->config.vcpus = 1;
    f->now = 10ull * SECOND;
    assert_int_equal(pools_init(&f->pools, &f->settings, &f->err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (struct pool *p = f->pools.first; p; p = p->next)
        while (p->level > 0)
            free(p->shells[--p->level]);
    pools_free(&f->pools);
    settings_free(&f->settings);
    free(f);
    return 0;
}

static void set_pool(struct fixture *f, const char *name, uint32_t mib, uint32_t low, uint32_t high)
{
    struct pool_settings settings = {
        .flavour = {.memory_mib = mib, .vcpus = 1}, .low = low, .high = high};

    strcpy(settings.name, name);
    if (pools_set(&f->pools, &settings, &f->err) < 0)
        fail_msg("%s", f->err.text);
}

/* Prepares shells until none is wanted now; how many. */
static unsigned int refill(struct fixture *f)
{
    unsigned int nr = 0;
    struct pool *pool;
    uint64_t when;

    f->now += SECOND / 10;
    while ((pool = pools_next_refill(&f->pools, f->now, &when))) {
        struct shell *shell = calloc(1, sizeof(*shell));

        shell->flavour = pool->flavour;
        assert_true(pools_refilled(&f->pools, pool, shell, NULL, f->now));
        f->now += SECOND / 1000;
        nr++;
    }
    return nr;
}

/* Whether a shell was there for the request, of which a guest is made in any case. */
static bool ask(struct fixture *f)
{
    struct shell *shell = pools_take(&f->pools, &f->config, flavour_misfit, f->now);
    struct flavour wanted;
    const bool any = flavour_of(&f->config, &wanted);

    pools_served(&f->pools, any ? &wanted : NULL, shell ? shell_flavour(shell) : NULL);
    free(shell);
    return shell != NULL;
}

static unsigned int drop_surplus(struct fixture *f)
{
    unsigned int nr = 0;
    struct shell *shell;

    while ((shell = pools_surplus(&f->pools))) {
        free(shell);
        nr++;
    }
    return nr;
}

static void test_filled_to_the_low_mark(void **state)
{
    struct fixture *f = *state;

    set_pool(f, "web", 4, 3, 10);
    assert_int_equal(refill(f), 3);
    assert_int_equal(pools_find(&f->pools, "web")->level, 3);
    assert_true(ask(f));
    assert_int_equal(refill(f), 1);
}

static void test_demand_raises_the_target(void **state)
{
    struct fixture *f = *state;
    struct pool *pool;

    set_pool(f, "web", 4, 1, 8);
    pool = pools_find(&f->pools, "web");
    refill(f);
    for (unsigned int i = 0; i < 6; i++)
        ask(f);
    assert_int_equal(pool->target, 6);
    assert_int_equal(refill(f), 6);
    for (unsigned int i = 0; i < 20; i++)
        ask(f);
    assert_int_equal(pool->target, 8); /* the high mark */
    assert_int_equal(pool->counts.hits, 1 + 6);
    assert_int_equal(pool->counts.misses, 5 + 14);
    refill(f);
    for (unsigned int i = 0; i < 60; i++)
        pools_tick(&f->pools);
    assert_int_equal(pool->target, 1); /* back at the low one */
    assert_int_equal(drop_surplus(f), 7);
    assert_int_equal(pool->level, 1);
}

static void test_smallest_that_fits(void **state)
{
    struct fixture *f = *state;
    struct shell *shell;

    f->pools.adaptive = false;
    set_pool(f, "large", 64, 1, 1);
    set_pool(f, "small", 2, 1, 1);
    set_pool(f, "six", 6, 1, 1);
    set_pool(f, "eight", 8, 1, 1);
    refill(f);
    shell = pools_take(&f->pools, &f->config, flavour_misfit, f->now);
    assert_non_null(shell);
    assert_int_equal(shell_flavour(shell)->memory_mib, 6); /* not less than was asked for */
    free(shell);
    shell = pools_take(&f->pools, &f->config, flavour_misfit, f->now);
    assert_int_equal(shell_flavour(shell)->memory_mib, 8);
    free(shell);
    assert_false(ask(f)); /* 64 MiB for 4 would be a waste */
}

/* A guest of a checkpoint keeps its memory, and best leaves shells alone that have an image. */
static void test_restored_fits(void **state)
{
    struct fixture *f = *state;
    struct shell *shell;

    f->pools.adaptive = false;
    set_pool(f, "six", 6, 1, 1);
    set_pool(f, "warm", 4, 1, 1);
    strcpy(pools_find(&f->pools, "warm")->flavour.kernel, "/kernel");
    set_pool(f, "web", 4, 1, 1);
    refill(f);
    shell = pools_take(&f->pools, &f->config, flavour_misfit_restored, f->now);
    assert_string_equal(shell_flavour(shell)->kernel, "");
    free(shell);
    shell = pools_take(&f->pools, &f->config, flavour_misfit_restored, f->now);
    assert_string_equal(shell_flavour(shell)->kernel, "/kernel");
    free(shell);
    assert_null(pools_take(&f->pools, &f->config, flavour_misfit_restored, f->now));
}

static void test_other_devices_do_not_fit(void **state)
{
    struct fixture *f = *state;

    f->pools.adaptive = false;
    set_pool(f, "web", 4, 2, 2);
    refill(f);
    f->config.nr_vifs = 1;
    strcpy(f->config.vifs[0].bridge, "xenbr0");
    assert_false(ask(f));
    f->config.nr_vifs = 0;
    f->config.vcpus = 2;
    assert_false(ask(f));
    f->config.vcpus = 1;
    f->config.cpu_affinity[0] = 1;
    assert_false(ask(f));
    f->config.cpu_affinity[0] = 0;
    assert_true(ask(f));
}

static void test_adaptive(void **state)
{
    struct fixture *f = *state;

    assert_false(ask(f));
    assert_int_equal(refill(f), 0); /* once may be never again */
    assert_false(ask(f));
    assert_int_equal(refill(f), 2);
    assert_true(f->pools.first->adaptive);
    assert_true(ask(f));
    for (unsigned int i = 0; i < 100; i++) {
        pools_tick(&f->pools);
        drop_surplus(f);
    }
    assert_null(f->pools.first); /* nobody asks any more */
    assert_int_equal(pools_counts(&f->pools).hits, 1);
    assert_int_equal(pools_counts(&f->pools).misses, 2);
}

/* What this host cannot make is no demand, however often it is asked for. */
static void test_failures_are_no_demand(void **state)
{
    struct fixture *f = *state;
    struct pool *pool;

    f->config.memory_mib = 3022;
    for (unsigned int i = 0; i < 10; i++)
        assert_null(pools_take(&f->pools, &f->config, flavour_misfit, f->now));
    assert_null(f->pools.first);
    f->config.memory_mib = 4;
    set_pool(f, "web", 4, 1, 8);
    pool = pools_find(&f->pools, "web");
    refill(f);
    for (unsigned int i = 0; i < 5; i++) {
        free(pools_take(&f->pools, &f->config, flavour_misfit, f->now)); /* spent on a failure */
        assert_int_equal(refill(f), 1);
    }
    assert_int_equal(pool->target, 1);
}

static void test_adaptive_pools_are_few(void **state)
{
    struct fixture *f = *state;
    unsigned int nr = 0;

    for (uint32_t mib = 1; mib <= 10 * POOLS_ADAPTIVE; mib++) {
        f->config.memory_mib = mib;
        assert_false(ask(f));
        if (mib % 5 == 0)
            pools_tick(&f->pools); /* so that older ones may go */
    }
    for (const struct pool *p = f->pools.first; p; p = p->next)
        nr++;
    assert_int_equal(nr, POOLS_ADAPTIVE);
    f->config.memory_mib = 10 * POOLS_ADAPTIVE; /* the latest is known */
    ask(f);
    assert_true(refill(f) > 0);
}

static void test_off(void **state)
{
    struct fixture *f = *state;

    f->pools.adaptive = false;
    assert_false(ask(f));
    assert_false(ask(f));
    assert_null(f->pools.first);
}

static void test_rate_limit(void **state)
{
    struct fixture *f = *state;
    uint64_t when, start;
    struct pool *pool;

    f->pools.refill_rate = 100;
    set_pool(f, "web", 4, 2, 2);
    start = f->now;
    pool = pools_next_refill(&f->pools, start, &when);
    assert_non_null(pool);
    assert_null(pools_next_refill(&f->pools, start, &when));
    assert_int_equal(when, start + SECOND / 100);
    assert_ptr_equal(pools_next_refill(&f->pools, when, &when), pool);
    assert_null(pools_next_refill(&f->pools, start + SECOND, &when)); /* both are under way */
    assert_true(when == UINT64_MAX);
}

static void test_calm_after_a_request(void **state)
{
    struct fixture *f = *state;
    uint64_t when;

    set_pool(f, "web", 4, 4, 4);
    refill(f);
    assert_true(ask(f));
    assert_null(pools_next_refill(&f->pools, f->now, &when));
    assert_int_equal(when, f->now + POOLS_CALM_NS);
    assert_true(ask(f));
    assert_true(ask(f)); /* less than half are left: at once */
    assert_non_null(pools_next_refill(&f->pools, f->now, &when));
}

static void test_back_off(void **state)
{
    struct fixture *f = *state;
    uint64_t when, expected = POOLS_RETRY_NS;
    struct pool *pool;

    set_pool(f, "web", 4, 2, 2);
    chaos_error_set(&f->err, -ENOMEM, CHAOS_EXIT_RESOURCE, "no memory");
    for (unsigned int i = 0; i < 20; i++) {
        pool = pools_next_refill(&f->pools, f->now, &when);
        assert_non_null(pool);
        assert_false(pools_refilled(&f->pools, pool, NULL, &f->err, f->now));
        assert_null(pools_next_refill(&f->pools, f->now, &when));
        assert_int_equal(when - f->now, expected);
        assert_string_equal(pools_degraded(&f->pools), "no memory");
        f->now = when;
        expected = expected * 2 < POOLS_RETRY_MAX ? expected * 2 : POOLS_RETRY_MAX;
    }
    assert_int_equal(pools_find(&f->pools, "web")->counts.failures, 20);
    f->now += POOLS_RETRY_MAX;
    assert_int_equal(refill(f), 2);
    assert_null(pools_degraded(&f->pools));
}

static void test_reclaim(void **state)
{
    struct fixture *f = *state;
    struct shell *shell;
    uint64_t when;

    set_pool(f, "small", 4, 2, 2);
    set_pool(f, "large", 64, 1, 1);
    refill(f);
    shell = pools_reclaim(&f->pools, f->now);
    assert_int_equal(shell->flavour.memory_mib, 64);
    free(shell);
    /* What was given up is not taken back at once. */
    assert_null(pools_next_refill(&f->pools, f->now, &when));
    assert_int_equal(when, f->now + POOLS_YIELD_NS);
    free(pools_reclaim(&f->pools, f->now));
    free(pools_reclaim(&f->pools, f->now));
    assert_null(pools_reclaim(&f->pools, f->now));
}

static void test_untake(void **state)
{
    struct fixture *f = *state;
    struct shell *shell;
    struct pool *pool;

    set_pool(f, "web", 4, 1, 1);
    refill(f);
    pool = pools_find(&f->pools, "web");
    shell = pools_take(&f->pools, &f->config, flavour_misfit, f->now);
    assert_int_equal(pool->counts.hits, 1);
    assert_true(pools_untake(&f->pools, shell));
    assert_int_equal(pool->counts.hits, 0);
    assert_int_equal(pool->level, 1);

    /* The pool went meanwhile. */
    shell = pools_take(&f->pools, &f->config, flavour_misfit, f->now);
    pool->adaptive = true;
    pools_close(&f->pools, pool);
    assert_false(pools_untake(&f->pools, shell));
    free(shell);
}

static void test_drain(void **state)
{
    struct fixture *f = *state;
    struct pool *pool;
    struct shell *late = calloc(1, sizeof(*late));
    uint64_t when;

    set_pool(f, "web", 4, 2, 2);
    refill(f);
    pools_find(&f->pools, "web")->configured = true;
    pools_close(&f->pools, pools_find(&f->pools, "web"));
    assert_int_equal(drop_surplus(f), 2);
    assert_int_equal(refill(f), 0);
    assert_non_null(pools_find(&f->pools, "web")); /* a configured one stays */
    set_pool(f, "other", 5, 2, 2);
    refill(f);
    pools_close(&f->pools, pools_find(&f->pools, "other"));
    assert_null(pools_find(&f->pools, "other"));
    assert_int_equal(drop_surplus(f), 2);
    set_pool(f, "web", 4, 1, 1);
    assert_int_equal(refill(f), 1);
    pools_close(&f->pools, pools_find(&f->pools, "web"));
    drop_surplus(f);

    /* An adaptive one goes, once the refill that is under way is back. */
    f->config.memory_mib = 9;
    ask(f);
    ask(f);
    f->now += SECOND;
    pool = pools_next_refill(&f->pools, f->now, &when);
    pools_close(&f->pools, pool);
    assert_null(pools_find(&f->pools, "auto-1"));
    assert_false(pools_refilled(&f->pools, pool, late, NULL, f->now));
    free(late);
    assert_null(f->pools.first->next);
}

static void test_set_checks_the_flavour(void **state)
{
    struct fixture *f = *state;
    struct pool_settings other = {.name = "web", .flavour = {.memory_mib = 8}, .high = 1};

    set_pool(f, "web", 4, 1, 1);
    assert_int_equal(pools_set(&f->pools, &other, &f->err), -EEXIST);
}

static void test_adoption(void **state)
{
    struct fixture *f = *state;
    struct shell *shells[5];

    set_pool(f, "web", 4, 1, 3);
    for (unsigned int i = 0; i < 5; i++) {
        shells[i] = calloc(1, sizeof(*shells[i]));
        shells[i]->flavour = pools_find(&f->pools, "web")->flavour;
    }
    for (unsigned int i = 0; i < 3; i++)
        assert_true(pools_adopt(&f->pools, shells[i]));
    assert_false(pools_adopt(&f->pools, shells[3])); /* above the high mark */
    assert_int_equal(refill(f), 0);
    /* One of a flavour that has no pool is somebody's who asked: kept, for a while. */
    shells[4]->flavour.memory_mib = 16;
    assert_true(pools_adopt(&f->pools, shells[4]));
    assert_int_equal(drop_surplus(f), 0);
    free(shells[3]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_filled_to_the_low_mark),
        TEST(test_failures_are_no_demand),
        TEST(test_demand_raises_the_target),
        TEST(test_smallest_that_fits),
        TEST(test_restored_fits),
        TEST(test_other_devices_do_not_fit),
        TEST(test_adaptive),
        TEST(test_adaptive_pools_are_few),
        TEST(test_off),
        TEST(test_rate_limit),
        TEST(test_calm_after_a_request),
        TEST(test_back_off),
        TEST(test_reclaim),
        TEST(test_untake),
        TEST(test_drain),
        TEST(test_set_checks_the_flavour),
        TEST(test_adoption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
