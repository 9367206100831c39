// SPDX-License-Identifier: BSD-3-Clause
/* chaosd.conf: what is read from it, and what is said about mistakes in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "settings.h"
#include "stats.h"

static struct chaos_error err;
static struct settings settings;

static int parse(const char *text)
{
    settings_free(&settings);
    settings_default(&settings);
    return settings_parse("file", text, strlen(text), &settings, &err);
}

static void refused(const char *text, const char *why)
{
    assert_int_equal(parse(text), -EINVAL);
    assert_int_equal(err.exit, CHAOS_EXIT_CONFIG);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" is not in \"%s\"", why, err.text);
}

static void test_everything(void **state)
{
    const struct pool_settings *pool;

    (void)state;
    assert_int_equal(parse("# comment\n"
                           "\n"
                           "[daemon]\n"
                           "clients_per_user = 7   # of it\n"
                           "checkpoint_cache_mib = 0\n"
                           "  shells_on_stop=destroy\r\n"
                           "[pools]\n"
                           "adaptive = no\n"
                           "adaptive_high = 5\n"
                           "refill_rate = 50\n"
                           "[pool web]\n"
                           "memory = 4\n"
                           "vcpus = 2\n"
                           "bus = xenstore\n"
                           "vif = xenbr0 br-1\n"
                           "kernel = /srv/a b.elf\n"
                           "ramdisk = /srv/rd\n"
                           "max_event_channels = 9\n"
                           "max_grant_frames = 8\n"
                           "low = 3\n"
                           "high = 30\n"
                           "[pool  small]\n"
                           "memory = 1\n"
                           "low = 2"),
                     0);
    assert_int_equal(settings.clients_per_user, 7);
    assert_int_equal(settings.checkpoint_cache_mib, 0);
    assert_true(settings.drain_on_stop);
    assert_false(settings.adaptive);
    assert_int_equal(settings.adaptive_high, 5);
    assert_int_equal(settings.refill_rate, 50);
    assert_int_equal(settings.nr_pools, 2);
    pool = &settings.pools[0];
    assert_string_equal(pool->name, "web");
    assert_int_equal(pool->flavour.memory_mib, 4);
    assert_int_equal(pool->flavour.vcpus, 2);
    assert_int_equal(pool->flavour.bus, CHAOS_BUS_XENSTORE);
    assert_int_equal(pool->flavour.nr_vifs, 2);
    assert_string_equal(pool->flavour.bridge[1], "br-1");
    assert_string_equal(pool->flavour.kernel, "/srv/a b.elf");
    assert_string_equal(pool->flavour.ramdisk, "/srv/rd");
    assert_int_equal(pool->flavour.max_event_channels, 9);
    assert_int_equal(pool->flavour.max_grant_frames, 8);
    assert_int_equal(pool->low, 3);
    assert_int_equal(pool->high, 30);
    assert_string_equal(settings.pools[1].name, "small");
    assert_int_equal(settings.pools[1].high, 2);
}

static void test_mistakes(void **state)
{
    (void)state;
    refused("memory = 4\n", "file:1: \"memory\" stands before the first section");
    refused("[pool a]\nmemroy = 4\n", "file:2: unknown key \"memroy\" (did you mean \"memory\"?)");
    refused("[daemon]\nmemory = 4\n", "unknown key \"memory\"");
    refused("[pool a]\nmemory = 4M\n", "not a number from 1 to");
    refused("[pool a]\nmemory = 0\n", "not a number from 1 to");
    refused("[pool a]\nmemory = 99999999999999999999\n", "not a number from 1 to");
    refused("[pool a]\nmemory = -1\n", "not a number from 1 to");
    refused("[pool a]\nmemory =\n", "not a number from 1 to");
    refused("[pool a]\nmemory\n", "neither a section nor");
    refused("[pool a]\nlow = 1\n", "pool \"a\" has no memory");
    refused("[pool a]\nmemory = 1\nlow = 5\nhigh = 4\n", "low (5) is to be at most high (4)");
    refused("[pool a]\nmemory = 1\n[pool a]\nmemory = 1\n", "file:3: there is a pool \"a\"");
    refused("[pool a/b]\n", "pool");
    refused("[pool ]\n", "pool");
    refused("[pool abcdefghijklmnopqrstuvwxyz0123456789]\n", "longer than 31 bytes");
    refused("[pool a\n", "']' is missing");
    refused("[\n", "']' is missing");
    refused("[ponds]\n", "unknown section [ponds]");
    refused("[pool a]\nmemory = 1\nkernel = a.elf\n", "not an absolute path");
    refused("[pool a]\nmemory = 1\nramdisk = /a\n", "a ramdisk and no kernel");
    refused("[pool a]\nmemory = 1\nvif = 0123456789abcdef\n", "longer than 15 bytes");
    refused("[pool a]\nmemory = 1\nvif = b b b b b b b b b b b b b b b\n", "more than 14");
    refused("[pool a]\nmemory = 1\nbus = pci\n", "neither \"noxs\" nor \"xenstore\"");
    refused("[pools]\nadaptive = true\n", "neither \"no\" nor \"yes\"");
    assert_int_equal(settings_parse("file", "[daemon]\n\0", 10, &settings, &err), -EINVAL);
}

static void test_files(void **state)
{
    static const char text[] = "[daemon]\nclients_per_user = 3\n";
    char missing[256];

    (void)state;
    scratch_make();
    settings_free(&settings);
    settings_default(&settings);
    assert_int_equal(settings_load(scratch_file("conf", text, strlen(text)), true, &settings, &err),
                     0);
    assert_int_equal(settings.clients_per_user, 3);
    strcpy(missing, scratch_file("conf", text, 1));
    strcat(missing, "-not");
    assert_int_equal(settings_load(missing, false, &settings, &err), 0);
    assert_int_equal(settings_load(missing, true, &settings, &err), -ENOENT);
    assert_int_equal(settings_load("/", true, &settings, &err), -EINVAL);
    scratch_remove();
}

static void test_histogram(void **state)
{
    static struct histogram h;
    uint64_t p50, p99;

    (void)state;
    assert_int_equal(histogram_quantile(&h, 500), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_add(&h, i * 1000);
    p50 = histogram_quantile(&h, 500);
    p99 = histogram_quantile(&h, 990);
    assert_in_range(p50, 500000, 500000 * 17 / 16);
    assert_in_range(p99, 990000, 1000000);
    assert_int_equal(histogram_quantile(&h, 1000), 1000000);
    histogram_add(&h, UINT64_MAX);
    assert_int_equal(h.max, UINT64_MAX);
    assert_true(histogram_quantile(&h, 1000) > 1000000);
    memset(&h, 0, sizeof(h));
    for (uint64_t i = 0; i < 40; i++) { /* exact while small, and never below the value */
        histogram_add(&h, i);
        assert_true(histogram_quantile(&h, 1000) == i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_histogram),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    settings_free(&settings);
    return failed;
}
