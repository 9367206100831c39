// SPDX-License-Identifier: BSD-3-Clause
/*
 * Xen's own parser as the oracle: texts of random tokens must be taken by both or by neither, and
 * what is taken must hold the same strings. Left out is where ours differs on purpose: escapes by
 * number (Xen's are broken), carriage returns, comments without newline, and tokens without space
 * between them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_disk.h"
#include "config_value.h"

#define TEXTS      20000
#define TOKENS_MAX 24

static uint32_t random_state = 1;

static unsigned int pick(unsigned int nr)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % nr;
}

static const char *const keys[] = {"name", "memory", "vif", "a.b", "x_1"};
static const char *const values[] = {"'s'", "\"two words\"", "7", "0x1f", "\"q\\\"\\n\\\\\"", "''"};
static const char *const wrong[] = {"=", "[", "]", ",", ";", "\n", "+=", "Word", "key", "-"};

static void put(char *text, const char *token)
{
    strcat(text, token);
    strcat(text, " ");
}

static void put_value(char *text, int depth)
{
    unsigned int nr = pick(4);

    if (depth > 2 || pick(3)) {
        put(text, values[pick(6)]);
        return;
    }
    put(text, "[");
    for (unsigned int i = 0; i < nr; i++) {
        if (pick(4) == 0)
            put(text, "# comment\n");
        put_value(text, depth + 1);
        if (i + 1 < nr || pick(4) == 0)
            put(text, pick(3) ? "," : ",\n");
    }
    put(text, "]");
}

static void make_text(char *text)
{
    unsigned int statements = pick(4);

    text[0] = '\0';
    for (unsigned int i = 0; i < statements; i++) {
        put(text, keys[pick(5)]);
        put(text, pick(4) ? "=" : "+=");
        put_value(text, 0);
        if (pick(8) == 0)
            put(text, wrong[pick(10)]);
        put(text, pick(3) ? "\n" : pick(2) ? ";" : "# end\n");
    }
}

static void compare_value(XLU_Config *oracle, XLU_ConfigValue *theirs,
                          const struct config_value *ours, const char *text)
{
    XLU_ConfigList *list;
    char *string;
    int i = 0;

    if (!ours->is_list) {
        if (xlu_cfg_value_get_string(oracle, theirs, &string, 1))
            fail_msg("no string in:\n%s", text);
        assert_string_equal(ours->string, string);
        return;
    }
    if (xlu_cfg_value_get_list(oracle, theirs, &list, 1))
        fail_msg("no list in:\n%s", text);
    for (const struct config_value *v = ours->first; v; v = v->next)
        compare_value(oracle, xlu_cfg_get_listitem2(list, i++), v, text);
    assert_null(xlu_cfg_get_listitem2(list, i));
}

static void compare_setting(XLU_Config *oracle, const struct config_setting *ours, const char *text)
{
    const char *string;
    XLU_ConfigList *list;
    int entries, i = 0;

    if (!ours->value->is_list) {
        if (xlu_cfg_get_string(oracle, ours->name, &string, 1))
            fail_msg("%s is no string in:\n%s", ours->name, text);
        assert_string_equal(ours->value->string, string);
        return;
    }
    if (xlu_cfg_get_list(oracle, ours->name, &list, &entries, 1))
        fail_msg("%s is no list in:\n%s", ours->name, text);
    for (const struct config_value *v = ours->value->first; v; v = v->next)
        compare_value(oracle, xlu_cfg_get_listitem2(list, i++), v, text);
    assert_int_equal(i, entries);
}

static bool compare(const char *text, FILE *sink)
{
    XLU_Config *oracle = xlu_cfg_init(sink, "t");
    struct config_report report;
    struct config_document document;
    int theirs;
    bool both;

    assert_non_null(oracle);
    config_report_init(&report, NULL);
    config_document_init(&document, &report);
    theirs = xlu_cfg_readdata(oracle, text, (int)strlen(text));
    assert_int_equal(config_document_parse(&document, "t", text, strlen(text)), 0);
    both = theirs == 0 && report.errors == 0;
    if ((theirs == 0) != (report.errors == 0))
        fail_msg("xl says %d, we say '%s' of:\n%s", theirs, report.error.text, text);
    for (const struct config_setting *s = document.settings; both && s; s = s->next)
        compare_setting(oracle, s, text);
    config_document_free(&document);
    xlu_cfg_destroy(oracle);
    return both;
}

static void test_same_as_xl(void **state)
{
    FILE *sink = fopen("/dev/null", "w");
    unsigned int taken = 0;
    char text[8192];

    (void)state;
    assert_non_null(sink);
    for (int i = 0; i < TEXTS; i++) {
        make_text(text);
        taken += compare(text, sink);
    }
    fclose(sink);
    assert_in_range(taken, TEXTS / 4, TEXTS - TEXTS / 20); /* both outcomes were tried */
}

/* ---------------------------------------------------------------- disks */

static const char *const parameters[] = {
    "/img/a",
    "phy:/dev/b",
    "file:/img/c",
    "vg/d",
    "raw",
    "",
    "xvda",
    "xvdb1",
    "sda",
    "hdc:disk",
    "r",
    "ro",
    "w",
    "rw",
    "format=raw",
    "vdev=xvdc",
    "access=ro",
    "access=rw",
    "devtype=disk",
    "backendtype=phy",
    "no-discard",
    "discard",
    "direct-io-safe",
    "target=/i,j",
    "target=/img/k",
    "format=qcow2",
    "qcow2:/img/l",
    "cdrom",
    "tap:aio:/m",
    "bad=1",
};

static void make_disk(char *text)
{
    unsigned int nr = 1 + pick(5);

    text[0] = '\0';
    for (unsigned int i = 0; i < nr; i++) {
        strcat(text, i == 0 ? "" : pick(4) ? "," : ", ");
        /* Places and values that go together, mostly. */
        strcat(text, parameters[pick(3) == 0 ? pick(30)
                                : i == 0     ? pick(4)
                                : i == 3     ? 10 + pick(4)
                                : i == 2     ? 6 + pick(4)
                                             : 4 + pick(2)]);
    }
}

/* What we take, xl takes for the same. */
static bool compare_disk(const char *text, FILE *sink)
{
    XLU_Config *oracle = xlu_cfg_init(sink, "t");
    struct config_place place = {"t", 1};
    struct chaos_disk_config ours;
    struct config_report report;
    libxl_device_disk theirs;
    bool out_of_memory = false, good;
    const char *target;

    assert_non_null(oracle);
    config_report_init(&report, NULL);
    libxl_device_disk_init(&theirs);
    good = config_disk_parse(&report, place, 0, text, &ours, &out_of_memory);
    if (good && xlu_disk_parse(oracle, 1, &text, &theirs))
        fail_msg("xl does not take '%s'", text);
    if (good) {
        target = theirs.pdev_path[0] == '/' ? ours.target : ours.target + strlen("/dev/");
        if (strcmp(target, theirs.pdev_path) != 0 || strcmp(ours.vdev, theirs.vdev) != 0 ||
            ours.readonly != !theirs.readwrite)
            fail_msg("'%s': xl has %s %s %d, we have %s %s %d", text, theirs.pdev_path, theirs.vdev,
                     theirs.readwrite, ours.target, ours.vdev, !ours.readonly);
    }
    free(ours.target);
    libxl_device_disk_dispose(&theirs);
    xlu_cfg_destroy(oracle);
    return good;
}

static void test_disks_as_xl(void **state)
{
    FILE *sink = fopen("/dev/null", "w");
    unsigned int taken = 0;
    char text[256];

    (void)state;
    assert_non_null(sink);
    for (int i = 0; i < TEXTS; i++) {
        make_disk(text);
        taken += compare_disk(text, sink);
    }
    fclose(sink);
    assert_in_range(taken, TEXTS / 50, TEXTS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_xl),
                                       cmocka_unit_test(test_disks_as_xl)};

    return cmocka_run_group_tests_name("xlutil", tests, NULL, NULL);
}
