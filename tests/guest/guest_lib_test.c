/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's strings, numbers and printf against what the C standard says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest_names.h"
#include "kernel/lib.h"

static void format_is(const char *wanted, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Also into a heap block of each smaller size, for the sanitizer to watch. */
static void format_is(const char *wanted, const char *fmt, ...)
{
    size_t len = strlen(wanted);
    va_list ap;

    for (size_t size = 0; size <= len + 2; size++) {
        char *text = malloc(size ? size : 1);

        assert_non_null(text);
        va_start(ap, fmt);
        assert_int_equal(vsnprintf(text, size, fmt, ap), len);
        va_end(ap);
        if (size > 0) {
            size_t fits = size - 1 < len ? size - 1 : len;

            assert_memory_equal(text, wanted, fits);
            assert_int_equal(text[fits], 0);
        }
        free(text);
    }
}

static void test_printf(void **state)
{
    (void)state;
    format_is("plain 100%", "plain %d%%", 100);
    format_is("-1 -2147483648 4294967295", "%d %i %u", -1, INT32_MIN, UINT32_MAX);
    format_is("-9223372036854775808 18446744073709551615", "%ld %lu", INT64_MIN, UINT64_MAX);
    format_is("0 ff deadbeef0", "%x %x %lx", 0u, 255u, 0xdeadbeef0ul);
    format_is("0x1000", "%p", (void *)0x1000);
    format_is("[  42] [42  ] [0042] [-007]", "[%4d] [%-4d] [%04d] [%04d]", 42, 42, 42, -7);
    format_is("[  -7] [123456]", "[%4d] [%4d]", -7, 123456);
    format_is("[ab ] [ ab] [abc] [ab]", "[%-3s] [%3s] [%s] [%.2s]", "ab", "ab", "abc", "abc");
    format_is("c:x", "c:%c", 'x');
    format_is("12 7", "%zu %hu", (size_t)12, (unsigned short)7);
    format_is("", "%s", "");
}

static void test_memory(void **state)
{
    unsigned char a[64], b[64];

    (void)state;
    for (size_t n = 0; n <= 40; n++)
        for (size_t offset = 0; offset < 9; offset++) {
            for (size_t i = 0; i < sizeof(a); i++)
                a[i] = b[i] = (unsigned char)i;
            memmove(a + offset, a, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(a[offset + i], b[i]);
            memcpy(a, b + offset, n);
            assert_int_equal(memcmp(a, b + offset, n), 0);
            memset(a, 0xab, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(a[i], 0xab);
        }
    for (size_t i = 0; i < sizeof(a); i++)
        a[i] = b[i];
    memmove(a, a + 3, 20);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(a[i], b[i + 3]);
    assert_true(memcmp("a\200", "a\1", 2) > 0);
}

static void test_strings(void **state)
{
    (void)state;
    assert_int_equal(strlen(""), 0);
    assert_int_equal(strnlen("abcdef", 3), 3);
    assert_int_equal(strcmp("abc", "abc"), 0);
    assert_true(strcmp("abc", "abd") < 0 && strcmp("abc", "ab") > 0);
    assert_int_equal(strncmp("abcX", "abcY", 3), 0);
    assert_string_equal(strchr("key=value", '='), "=value");
    assert_null(strchr("key", '='));
    assert_non_null(strchr("key", 0));
}

static void test_numbers(void **state)
{
    static const char *const bad[] = {"",
                                      "0x",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "0xg",
                                      "18446744073709551616",
                                      "0x10000000000000000"};
    uint64_t v = 0;

    (void)state;
    assert_true(parse_u64("0", 0, &v) && v == 0);
    assert_true(parse_u64("18446744073709551615", UINT64_MAX, &v) && v == UINT64_MAX);
    assert_true(parse_u64("0xFFffFFffFFffFFff", UINT64_MAX, &v) && v == UINT64_MAX);
    assert_true(parse_u64("255", 255, &v) && v == 255);
    assert_false(parse_u64("256", 255, &v));
    assert_false(parse_u64("9", 8, &v));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_u64(bad[i], UINT64_MAX, &v));
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {
        "",           "1",       "1.2.3",  "1.2.3.4.5", "1.2.3.256", "1..2.3",     "1.2.3.4/",
        "1.2.3.4/33", "a.b.c.d", ".1.2.3", "1.2.3.4 ",  "1.2.3.4/x", "1.2.3.4/-1", "0x1.2.3.4"};
    unsigned prefix = 99;
    uint32_t addr = 0;

    (void)state;
    assert_true(parse_ipv4("10.0.0.2", &addr, &prefix));
    assert_int_equal(addr, 0x0200000a);
    assert_int_equal(prefix, 99);
    assert_true(parse_ipv4("255.255.255.255/0", &addr, &prefix));
    assert_true(addr == UINT32_MAX && prefix == 0);
    assert_true(parse_ipv4("1.2.3.4/32", &addr, &prefix) && prefix == 32);
    assert_false(parse_ipv4("1.2.3.4/24", &addr, NULL));
    addr = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_ipv4(bad[i], &addr, &prefix));
    assert_int_equal(addr, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printf),    cmocka_unit_test(test_memory),
        cmocka_unit_test(test_strings),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
