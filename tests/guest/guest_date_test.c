/* SPDX-License-Identifier: BSD-3-Clause */
/* Dates against the host's calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "apps/daytime/date.h"

static void date_is_hosts(uint64_t seconds)
{
    time_t t = (time_t)seconds;
    char wanted[80], got[80];
    struct tm tm;
    size_t n;

    assert_non_null(gmtime_r(&t, &tm));
    n = strftime(wanted, sizeof(wanted), "%A, %B ", &tm);
    snprintf(wanted + n, sizeof(wanted) - n, "%d, %d %02d:%02d:%02d-UTC\r\n", tm.tm_mday,
             tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    assert_int_equal(date_format(got, sizeof(got), seconds), (int)n + (int)strlen(wanted + n));
    assert_string_equal(got, wanted);
}

static void test_dates(void **state)
{
    static const uint64_t interesting[] = {
        0,         86399,     86400,      68169599,   68169600,   951782399,
        951782400, 951868800, 4107542399, 4107542400, 1795231812, 253402300799,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(interesting) / sizeof(interesting[0]); i++)
        date_is_hosts(interesting[i]);
    for (uint64_t s = 0; s < 30000000000; s += 86399 * 11)
        date_is_hosts(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dates)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
