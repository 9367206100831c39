// SPDX-License-Identifier: BSD-3-Clause
/* Options, errors, suggestions and JSON: the small parts that the commands share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "nearest.h"
#include "opt.h"

struct options {
    bool paused, quiet;
    const char *output, *timing, *file;
    uint32_t timeout;
};

static const struct opt_spec specs[] = {
    OPT_FLAG(struct options, paused, 'p', "paused", "help"),
    OPT_FLAG(struct options, quiet, 'q', "quiet", "help"),
    OPT_STRING(struct options, output, 'o', "output", "table|json|name", "help"),
    OPT_STRING(struct options, file, 'f', "file", "FILE", "help"),
    OPT_STRING_OPTIONAL(struct options, timing, 0, "timing", "text|json", "text", "help"),
    OPT_UNSIGNED(struct options, timeout, 't', "timeout", "SECONDS", 1, 3600, "help"),
    OPT_END,
};

#define WORDS_MAX 12

struct parsed {
    struct options options;
    char memory[WORDS_MAX][40];
    char *argv[WORDS_MAX + 1];
    int nr_args;
    bool help;
    struct chaos_error err;
};

/* Parses words, which end with NULL. */
static int parse(struct parsed *p, const char *const *words)
{
    int argc = 0;

    memset(p, 0, sizeof(*p));
    for (; words[argc]; argc++) {
        strcpy(p->memory[argc], words[argc]);
        p->argv[argc] = p->memory[argc];
    }
    return opt_parse(specs, &p->options, argc, p->argv, &p->nr_args, &p->help, &p->err);
}

#define PARSE(p, ...) parse(p, (const char *const[]){__VA_ARGS__, NULL})

static void test_options_anywhere(void **state)
{
    struct parsed p;

    (void)state;
    assert_int_equal(PARSE(&p, "a", "-p", "b", "--output=json", "-", "-t", "30", "--", "-q"), 0);
    assert_true(p.options.paused);
    assert_false(p.options.quiet);
    assert_string_equal(p.options.output, "json");
    assert_int_equal(p.options.timeout, 30);
    assert_int_equal(p.nr_args, 4);
    assert_string_equal(p.argv[0], "a");
    assert_string_equal(p.argv[1], "b");
    assert_string_equal(p.argv[2], "-");
    assert_string_equal(p.argv[3], "-q");
}

static void test_option_forms(void **state)
{
    struct parsed p;

    (void)state;
    assert_int_equal(PARSE(&p, "-pqoname"), 0);
    assert_true(p.options.paused && p.options.quiet);
    assert_string_equal(p.options.output, "name");
    assert_int_equal(PARSE(&p, "--output", "table", "--timing", "x"), 0);
    assert_string_equal(p.options.output, "table");
    assert_string_equal(p.options.timing, "text");
    assert_int_equal(p.nr_args, 1);
    assert_int_equal(PARSE(&p, "--timing=json", "--file="), 0);
    assert_string_equal(p.options.timing, "json");
    assert_string_equal(p.options.file, "");
    assert_int_equal(PARSE(&p, "x", "-h"), 0);
    assert_true(p.help);
    assert_int_equal(PARSE(&p, "--help"), 0);
    assert_true(p.help);
}

static void refuses(const char *text, const char *const *words)
{
    struct parsed p;

    assert_int_equal(parse(&p, words), -EINVAL);
    assert_int_equal(p.err.exit, CHAOS_EXIT_USAGE);
    assert_string_equal(p.err.text, text);
}

#define REFUSES(text, ...) refuses(text, (const char *const[]){__VA_ARGS__, NULL})

static void test_option_errors(void **state)
{
    (void)state;
    REFUSES("unknown option '--pausde' (did you mean '--paused'?)", "--pausde");
    REFUSES("unknown option '--hlep' (did you mean '--help'?)", "--hlep");
    REFUSES("unknown option '--zzz'", "--zzz=1");
    REFUSES("unknown option '-x'", "-x");
    REFUSES("unknown option '-1'", "-1");
    REFUSES("option '--paused' takes no argument", "--paused=1");
    REFUSES("option '-o' needs an argument (table|json|name)", "-o");
    REFUSES("option '--file' needs an argument (FILE)", "x", "--file");
    REFUSES("--output: 'xml' is not one of table|json|name", "-oxml");
    REFUSES("--output: 'tab' is not one of table|json|name", "-otab");
    REFUSES("--output: '' is not one of table|json|name", "--output=");
    REFUSES("--timing: 'x' is not one of text|json", "--timing=x");
    REFUSES("--timeout: '0' is not a number from 1 to 3600", "-t0");
    REFUSES("--timeout: '3601' is not a number from 1 to 3600", "-t3601");
    REFUSES("--timeout: '99999999999999999999' is not a number from 1 to 3600",
            "-t99999999999999999999");
    REFUSES("--timeout: '1s' is not a number from 1 to 3600", "-t1s");
    REFUSES("--timeout: '' is not a number from 1 to 3600", "--timeout=");
}

static const char *suggestion(const char *word)
{
    static const char *const words[] = {"create", "destroy", "list", "pause", "unpause"};
    struct nearest n;

    nearest_init(&n, word);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        nearest_offer(&n, words[i]);
    return n.best ? n.best : "";
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(suggestion("craete"), "create");
    assert_string_equal(suggestion("lst"), "list");
    assert_string_equal(suggestion("puase"), "pause");
    assert_string_equal(suggestion("unpase"), "unpause");
    assert_string_equal(suggestion("destry"), "destroy");
    assert_string_equal(suggestion("x"), "");
    assert_string_equal(suggestion("ls"), "");
    assert_string_equal(suggestion(""), "");
    assert_string_equal(suggestion("kubernetes"), "");
    assert_string_equal(suggestion("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "");
}

static void test_error(void **state)
{
    struct chaos_error err = {0};
    char text[2 * CHAOS_ERROR_TEXT];

    (void)state;
    assert_int_equal(chaos_error_set(&err, -ENOENT, CHAOS_EXIT_NOT_FOUND, "no %s", "x"), -ENOENT);
    assert_int_equal(err.code, -ENOENT);
    assert_int_equal(err.exit, CHAOS_EXIT_NOT_FOUND);
    assert_int_equal(chaos_error_wrap(&err, "domain %d", 5), -ENOENT);
    assert_string_equal(err.text, "domain 5: no x");
    /* from its own text */
    chaos_error_set(&err, -EIO, CHAOS_EXIT_FAILURE, "again: %s", err.text);
    assert_string_equal(err.text, "again: domain 5: no x");
    /* too long: cut, never over the end */
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    chaos_error_set(&err, -EIO, CHAOS_EXIT_FAILURE, "%s", text);
    assert_int_equal(strlen(err.text), CHAOS_ERROR_TEXT - 1);
    chaos_error_wrap(&err, "b");
    assert_int_equal(strlen(err.text), CHAOS_ERROR_TEXT - 1);
    assert_memory_equal(err.text, "b: aaa", 6);
    chaos_error_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.text), CHAOS_ERROR_TEXT - 1);
}

static void append(void *opaque, const char *text, size_t length)
{
    char *to = opaque;

    strncat(to, text, length);
}

static void test_json(void **state)
{
    char text[1024] = "";
    struct json j;

    (void)state;
    json_init(&j, append, text);
    json_object(&j, NULL);
    json_string(&j, "quoted", "\"\\\n\t\x1b\x7f");
    json_string(&j, "utf8", "\xc3\xa9 \xff \xed\xa0\x80");
    json_string(&j, "none", NULL);
    json_unsigned(&j, "large", UINT64_MAX);
    json_signed(&j, "small", INT64_MIN);
    json_array(&j, "empty");
    json_array_end(&j);
    json_array(&j, "two");
    json_bool(&j, NULL, true);
    json_object(&j, NULL);
    json_object_end(&j);
    json_array_end(&j);
    json_object_end(&j);
    assert_string_equal(text, "{\n"
                              "  \"quoted\": \"\\\"\\\\\\n\\u0009\\u001b\\u007f\",\n"
                              "  \"utf8\": \"\xc3\xa9 \\ufffd \\ufffd\\ufffd\\ufffd\",\n"
                              "  \"none\": null,\n"
                              "  \"large\": 18446744073709551615,\n"
                              "  \"small\": -9223372036854775808,\n"
                              "  \"empty\": [],\n"
                              "  \"two\": [\n"
                              "    true,\n"
                              "    {}\n"
                              "  ]\n"
                              "}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_anywhere),
        cmocka_unit_test(test_option_forms),
        cmocka_unit_test(test_option_errors),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
