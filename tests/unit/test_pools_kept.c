// SPDX-License-Identifier: BSD-3-Clause
/* Pools that were set are there after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pools_kept.h"
#include "scratch.h"

static struct settings settings;
static struct pools before, after;
static struct chaos_error err;

static void begin(struct pools *pools)
{
    assert_int_equal(pools_init(pools, &settings, &err), 0);
}

static int set_up(void **state)
{
    *state = (void *)scratch_make();
    settings_default(&settings);
    begin(&before);
    begin(&after);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pools_free(&before);
    pools_free(&after);
    scratch_remove();
    return 0;
}

static struct pool *set(const struct pool_settings *asked)
{
    assert_int_equal(pools_set(&before, asked, &err), 0);
    return pools_find(&before, asked->name);
}

static void assert_same(const char *name)
{
    const struct pool *was = pools_find(&before, name), *is = pools_find(&after, name);

    assert_non_null(is);
    assert_true(flavour_equal(&was->flavour, &is->flavour));
    assert_int_equal(was->low, is->low);
    assert_int_equal(was->high, is->high);
    assert_true(is->set);
}

static void test_all_that_it_is(void **state)
{
    const struct pool_settings plain = {"plain", {.memory_mib = 1, .vcpus = 1}, 0, 3};
    const struct pool_settings full = {"full",
                                       {.memory_mib = 64,
                                        .vcpus = 2,
                                        .bus = CHAOS_BUS_XENSTORE,
                                        .max_event_channels = 64,
                                        .max_grant_frames = 8,
                                        .nr_vifs = 2,
                                        .bridge = {"xenbr0", "xenbr1"},
                                        .kernel = "/srv/a kernel",
                                        .ramdisk = "/srv/ramdisk"},
                                       2,
                                       5};

    set(&plain);
    set(&full);
    pools_kept_write(&before, *state);
    pools_kept_load(&after, *state);
    assert_same("plain");
    assert_same("full");
}

static void test_what_is_not_kept(void **state)
{
    struct pool_settings asked = {"gone", {.memory_mib = 1, .vcpus = 1}, 1, 1};

    pools_kept_load(&after, *state); /* there is no file yet */
    set(&asked);
    strcpy(asked.name, "conf");
    set(&asked)->set = false;
    strcpy(asked.name, "odd");
    strcpy(asked.flavour.kernel, "/srv/kernel\nlow = 8000");
    set(&asked);
    strcpy(asked.name, "last");
    strcpy(asked.flavour.kernel, "");
    set(&asked);
    pools_close(&before, pools_find(&before, "gone"));
    pools_kept_write(&before, *state);
    pools_kept_load(&after, *state);
    assert_null(pools_find(&after, "gone"));
    assert_null(pools_find(&after, "conf"));
    assert_null(pools_find(&after, "odd"));
    assert_same("last");
}

/* What chaosd.conf says of a pool wins where both cannot be; a file that is damaged is no reason
 * not to start. */
static void test_others_first(void **state)
{
    struct pool_settings asked = {"web", {.memory_mib = 1, .vcpus = 1}, 1, 1};

    set(&asked);
    strcpy(asked.name, "next");
    set(&asked);
    pools_kept_write(&before, *state);
    asked = (struct pool_settings){"web", {.memory_mib = 2, .vcpus = 1}, 4, 4};
    assert_int_equal(pools_set(&after, &asked, &err), 0);
    pools_kept_load(&after, *state);
    assert_int_equal(pools_find(&after, "web")->flavour.memory_mib, 2);
    assert_int_equal(pools_find(&after, "web")->low, 4);
    assert_same("next");
    scratch_file("pools.conf", "[pool new]\nmemory = 1\nlow = 2\nrubbish", 37);
    pools_kept_load(&after, *state);
    assert_null(pools_find(&after, "new"));
    assert_same("next");
}

static void test_limit(void **state)
{
    struct pool_settings asked = {"", {.memory_mib = 1, .vcpus = 1}, 1, 1};

    (void)state;
    for (int i = 0; i < POOLS_MAX; i++) {
        snprintf(asked.name, sizeof(asked.name), "p%d", i);
        set(&asked);
    }
    strcpy(asked.name, "more");
    assert_true(pools_set(&before, &asked, &err) < 0);
    assert_int_equal(err.exit, CHAOS_EXIT_RESOURCE);
    pools_close(&before, pools_find(&before, "p7"));
    assert_int_equal(pools_set(&before, &asked, &err), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_all_that_it_is),
        TEST(test_what_is_not_kept),
        TEST(test_others_first),
        TEST(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
