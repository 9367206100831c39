// SPDX-License-Identifier: BSD-3-Clause
/* What is printed of each of many looks as printf's would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "output.h"

/* What is written to standard output until `printed` is called goes to a pipe. */
static int standard, from;

static void begin(void)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    standard = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    from = ends[0];
}

static const char *printed(void)
{
    static char text[4096];
    struct chaos_error err;
    ssize_t r;

    assert_int_equal(out_flush(&err), 0);
    dup2(standard, STDOUT_FILENO);
    close(standard);
    r = read(from, text, sizeof(text) - 1);
    close(from);
    assert_true(r >= 0);
    text[r] = '\0';
    return text;
}

static void test_numbers(void **state)
{
    static const uint64_t values[] = {0, 1, 9, 10, 99, 100, 32751, 99999, 100000, UINT64_MAX};
    char wanted[4096] = "";
    size_t i, width;

    (void)state;
    begin();
    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (width = 0; width < 7; width++) {
            snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%*llu|", (int)width,
                     (unsigned long long)values[i]);
            out_number(values[i], width);
            out_str("|");
        }
    assert_string_equal(printed(), wanted);
}

static void test_left(void **state)
{
    static const char *const names[] = {"",
                                        "a",
                                        "12345",
                                        "123456",
                                        "longer than that",
                                        "longer than all blanks together, which are forty of them"};
    char wanted[4096] = "";
    size_t i;

    (void)state;
    begin();
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%-6s|%-100s|", names[i],
                 names[i]);
        out_left(names[i], 6);
        out_str("|");
        out_left(names[i], 100);
        out_str("|");
    }
    assert_string_equal(printed(), wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
