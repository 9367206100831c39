// SPDX-License-Identifier: BSD-3-Clause
/* chaosd.conf: what is read from it, and what is said about mistakes in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_port.h"
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

static void test_migration(void **state)
{
    const struct migration_settings *m = &settings.migration;

    (void)state;
    assert_int_equal(parse(""), 0);
    assert_string_equal(m->listen, "");
    assert_int_equal(m->timeout_s, 10);
    assert_int_equal(parse("[migration]\n"
                           "listen = [::1]\n"
                           "authority = /etc/chaos/ca.pem\n"
                           "certificate = /etc/chaos/host.pem\n"
                           "key = /etc/chaos/host.key\n"
                           "timeout = 3\n"
                           "incoming = 0\n"
                           "outgoing = 2\n"
                           "bridges = xenbr0:br1, a:b\n"),
                     0);
    assert_string_equal(m->listen, "[::1]:8002");
    assert_string_equal(m->authority, "/etc/chaos/ca.pem");
    assert_string_equal(m->certificate, "/etc/chaos/host.pem");
    assert_string_equal(m->key, "/etc/chaos/host.key");
    assert_int_equal(m->timeout_s, 3);
    assert_int_equal(m->incoming, 0);
    assert_int_equal(m->outgoing, 2);
    assert_int_equal(m->nr_bridges, 2);
    assert_string_equal(m->bridge[0].theirs, "xenbr0");
    assert_string_equal(m->bridge[0].ours, "br1");
    assert_string_equal(m->bridge[1].ours, "b");
    refused("[migration]\nlisten = ::1\n", "not ADDRESS[:PORT]");
    refused("[migration]\nkey = /k\n", "all three are needed");
    refused("[migration]\nauthority = ca.pem\n", "not an absolute path");
    refused("[migration]\nbridges = a\n", "not THEIRS:OURS");
    refused("[migration]\nbridges = a: b\n", "not THEIRS:OURS");
    refused("[migration]\nbridges = a b:c\n", "\"a\" is not THEIRS:OURS");
    refused("[migration]\nbridges = 0123456789abcdef:b\n", "not THEIRS:OURS");
    refused("[migration]\ntimeout = 0\n", "not a number from 1");
}

static void test_host_port(void **state)
{
    static const char *const good[] = {"web",   "web:1",   "10.0.0.1:8002",
                                       "[::1]", "[::1]:5", "a-b.c_d:65535"};
    static const char *const bad[] = {"",       ":1",    "web:", "web:0", "web:65536",   "web:1x",
                                      "-web",   "a b",   "a;b",  "::1",   "[web]",       "[::1",
                                      "[::1]x", "a/b:1", "a@b",  "$(a)",  "a:4294967297"};
    struct host_port at;
    char text[HOST_PORT_TEXT], longest[HOST_MAX + 2];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(host_port_parse(good[i], &at));
        host_port_format(&at, text);
        assert_string_equal(text, good[i]);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (host_port_parse(bad[i], &at))
            fail_msg("%s", bad[i]);
    memset(longest, 'a', HOST_MAX + 1);
    longest[HOST_MAX + 1] = '\0';
    assert_false(host_port_parse(longest, &at));
    longest[HOST_MAX] = '\0';
    assert_true(host_port_parse(longest, &at));
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
        cmocka_unit_test(test_everything), cmocka_unit_test(test_migration),
        cmocka_unit_test(test_host_port),  cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_files),      cmocka_unit_test(test_histogram),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    settings_free(&settings);
    return failed;
}
