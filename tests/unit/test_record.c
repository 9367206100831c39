// SPDX-License-Identifier: BSD-3-Clause
/* What is kept about a domain, there and back. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"

static const struct record record = {
    .domid = 42,
    .uuid = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
    .console_frame = 0x123456789,
    .console_port = 7,
};

static struct chaos_config full_config(void)
{
    struct chaos_config config = {
        .name = "web-1.x",
        .kernel = (char *)"/k \"quoted\" \\ and\ttab",
        .ramdisk = (char *)"/r",
        .cmdline = (char *)"a='b' c=\"d\"\n\x01#end",
        .memory_mib = 77,
        .vcpus = 3,
        .cpu_affinity = {5, 0, 0, 1ull << 63},
        .on_poweroff = CHAOS_ACTION_RESTART,
        .on_reboot = CHAOS_ACTION_PRESERVE,
        .on_crash = CHAOS_ACTION_DESTROY,
        .nr_vifs = 2,
        .max_event_channels = 100,
        .max_grant_frames = 9,
        .vifs = {{.mac = {2, 0, 0, 0xab, 0xcd, 0xef},
                  .mtu = 9000,
                  .ipv4_prefix = 24,
                  .bridge = "xenbr0",
                  .ifname = "tap.x",
                  .id = 4},
                 {.bridge = "br-1", .id = 1}},
    };

    inet_pton(AF_INET, "192.0.2.17", &config.vifs[0].ipv4);
    return config;
}

/* As in a process: from a buffer that is too small for it. */
static char *format(const struct record *from, const struct chaos_config *config, size_t *length)
{
    struct chaos_error err;
    struct text text;
    char room[16], *copy;

    text_begin(&text, room, sizeof(room));
    assert_int_equal(record_format(from, config, &text, &err), 0);
    assert_int_equal(strlen(text.bytes), text.length);
    copy = strdup(text.bytes);
    *length = text.length;
    text_release(&text);
    return copy;
}

static void test_disks(void **state)
{
    struct chaos_disk_config disks[] = {
        {.target = (char *)"/a 'quoted', \"twice\" \\ and\ttab", .vdev = "xvda", .number = 51712},
        {.target = (char *)"/b",
         .vdev = "sda1",
         .number = 2049,
         .readonly = true,
         .no_discard = true},
    };
    struct chaos_config in = full_config(), out;
    struct chaos_error err;
    struct record parsed;
    size_t length, i;
    char *text;

    (void)state;
    in.disks = disks;
    in.nr_disks = 2;
    in.bus = CHAOS_BUS_XENSTORE;
    text = format(&record, &in, &length);
    assert_int_equal(record_parse(text, length, &parsed, &err), 0);
    assert_int_equal(parsed.bus, CHAOS_BUS_XENSTORE);
    if (record_config(&parsed, &out, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(out.bus_given && out.bus == CHAOS_BUS_XENSTORE);
    assert_int_equal(out.nr_disks, 2);
    for (i = 0; i < 2; i++) {
        assert_string_equal(out.disks[i].target, disks[i].target);
        assert_string_equal(out.disks[i].vdev, disks[i].vdev);
        assert_int_equal(out.disks[i].number, disks[i].number);
        assert_int_equal(out.disks[i].readonly, disks[i].readonly);
        assert_int_equal(out.disks[i].no_discard, disks[i].no_discard);
    }
    chaos_config_free(&out);
    free(text);
}

static void test_round_trip(void **state)
{
    struct chaos_config in = full_config(), out;
    struct chaos_error err;
    struct record parsed;
    size_t length, i;
    char *text;

    (void)state;
    text = format(&record, &in, &length);
    assert_int_equal(record_parse(text, length, &parsed, &err), 0);
    assert_int_equal(parsed.domid, 42);
    assert_int_equal(parsed.bus, CHAOS_BUS_NOXS);
    assert_memory_equal(parsed.uuid, record.uuid, 16);
    assert_int_equal(parsed.console_frame, 0x123456789);
    assert_int_equal(parsed.console_port, 7);
    if (record_config(&parsed, &out, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(out.name, in.name);
    assert_string_equal(out.kernel, in.kernel);
    assert_string_equal(out.ramdisk, in.ramdisk);
    assert_string_equal(out.cmdline, in.cmdline);
    assert_memory_equal(out.uuid, record.uuid, 16);
    assert_int_equal(out.memory_mib, 77);
    assert_int_equal(out.vcpus, 3);
    assert_memory_equal(out.cpu_affinity, in.cpu_affinity, sizeof(in.cpu_affinity));
    assert_int_equal(out.on_poweroff, in.on_poweroff);
    assert_int_equal(out.on_reboot, in.on_reboot);
    assert_int_equal(out.on_crash, in.on_crash);
    assert_int_equal(out.max_event_channels, 100);
    assert_int_equal(out.max_grant_frames, 9);
    assert_int_equal(out.nr_vifs, 2);
    for (i = 0; i < 2; i++) {
        assert_memory_equal(out.vifs[i].mac, in.vifs[i].mac, 6);
        assert_int_equal(out.vifs[i].mtu, in.vifs[i].mtu);
        assert_int_equal(out.vifs[i].ipv4, in.vifs[i].ipv4);
        assert_int_equal(out.vifs[i].ipv4_prefix, in.vifs[i].ipv4_prefix);
        assert_string_equal(out.vifs[i].bridge, in.vifs[i].bridge);
        assert_string_equal(out.vifs[i].ifname, in.vifs[i].ifname);
        assert_int_equal(out.vifs[i].id, in.vifs[i].id);
    }
    chaos_config_free(&out);
    free(text);
}

static void test_update(void **state)
{
    struct chaos_config config = full_config();
    struct record changed = record, parsed;
    struct chaos_error err;
    size_t length;
    char *text;

    (void)state;
    text = format(&(struct record){0}, &config, &length);
    changed.domid = 32751;
    changed.console_frame = 9999999999999999u;
    changed.console_port = UINT32_MAX;
    record_update(text, &changed);
    assert_int_equal(strlen(text), length);
    assert_int_equal(record_parse(text, length, &parsed, &err), 0);
    assert_int_equal(parsed.domid, 32751);
    assert_int_equal(parsed.console_frame, 9999999999999999u);
    assert_int_equal(parsed.console_port, UINT32_MAX);
    free(text);
}

/* Cut off or with any byte of the header changed: refused or read, never out of bounds. */
static void test_damaged(void **state)
{
    struct chaos_config config = full_config();
    struct chaos_error err;
    struct record parsed;
    size_t length, i, header;
    char *text, *copy;

    (void)state;
    text = format(&record, &config, &length);
    header = (size_t)(strstr(text, "--\n") - text) + 3;
    for (i = 0; i < header; i++) {
        copy = malloc(i + 1); /* of the exact size: the sanitizers watch its end */
        memcpy(copy, text, i);
        copy[i] = '\0';
        assert_int_not_equal(record_parse(copy, i, &parsed, &err), 0);
        free(copy);
    }
    for (i = 0; i < header; i++) {
        char was = text[i];

        text[i] = '\x7f';
        assert_int_not_equal(record_parse(text, length, &parsed, &err), 0);
        text[i] = was;
    }
    text[3] = '\0';
    assert_int_not_equal(record_parse(text, length, &parsed, &err), 0);
    free(text);
}

/* The console's numbers in a record, and whether it can be read. */
static bool reads(const char *numbers, struct record *parsed)
{
    char text[200];
    struct chaos_error err;
    int length = snprintf(text, sizeof(text),
                          "chaos-record 1\nuuid deadbeef-0102-0304-0506-0708090a0b0c\ndomid 42\n"
                          "console %s\n--\n",
                          numbers);

    return record_parse(text, (size_t)length, parsed, &err) == 0;
}

static void test_numbers(void **state)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "1 ",
                                      " 1 2",
                                      "1  2",
                                      "1 2 ",
                                      "1 2 3",
                                      "-1 2",
                                      "+1 2",
                                      "1 -2",
                                      "0x1 2",
                                      "1 2x",
                                      "a b",
                                      "1,2",
                                      "18446744073709551616 1",
                                      "18446744073709551620 1",
                                      "99999999999999999999999 1",
                                      "1 4294967296"};
    struct record parsed;
    size_t i;

    (void)state;
    assert_true(reads("0 0", &parsed));
    assert_true(reads("18446744073709551615 4294967295", &parsed));
    assert_int_equal(parsed.console_frame, UINT64_MAX);
    assert_int_equal(parsed.console_port, UINT32_MAX);
    assert_true(reads("0000000000000000000000007 08", &parsed));
    assert_int_equal(parsed.console_frame, 7);
    assert_int_equal(parsed.console_port, 8);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (reads(bad[i], &parsed))
            fail_msg("\"%s\" is read", bad[i]);
}

static void test_uuid(void **state)
{
    static const char *const bad[] = {
        "",
        "deadbeef",
        "deadbeef-0102-0304-0506-0708090a0b0",
        "deadbeef-0102-0304-0506-0708090a0b0c0",
        "deadbeef-0102-0304-05060-708090a0b0c",
        "deadbeef-0102-0304-0506-0708090a0b0g",
    };
    uint8_t uuid[16];
    char text[UUID_TEXT];
    size_t i;

    (void)state;
    uuid_format(record.uuid, text);
    assert_string_equal(text, "deadbeef-0102-0304-0506-0708090a0b0c");
    assert_true(uuid_parse(text, uuid));
    assert_memory_equal(uuid, record.uuid, 16);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(uuid_parse(bad[i], uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_disks),
        cmocka_unit_test(test_update),     cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_uuid),       cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
