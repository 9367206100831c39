// SPDX-License-Identifier: BSD-3-Clause
/* The bounded log of a console. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logs.h"

static size_t read_all(const struct log *log, uint64_t at, uint64_t *lost, char *out)
{
    size_t length, total = 0;
    const char *bytes;

    *lost = 0;
    while ((length = log_read(log, &at, lost, &bytes)) > 0) {
        memcpy(out + total, bytes, length);
        total += length;
        at += length;
        assert_in_range(total, 1, LOG_MAX);
    }
    return total;
}

static void test_empty(void **state)
{
    struct log log = LOG_EMPTY;
    char out[LOG_MAX];
    uint64_t lost;

    (void)state;
    assert_int_equal(read_all(&log, 0, &lost, out), 0);
    assert_int_equal(log_tail(&log, 5), 0);
    log_add(&log, "", 0);
    log_free(&log);
    assert_null(log.bytes);
}

static void test_grows(void **state)
{
    struct log log = LOG_EMPTY;
    char out[LOG_MAX];
    uint64_t lost;

    (void)state;
    log_add(&log, "hello\n", 6);
    assert_int_equal(log.size, LOG_FIRST);
    for (int i = 0; i < 100; i++)
        log_add(&log, "0123456789", 10);
    assert_int_equal(log.size, 1024);
    assert_int_equal(read_all(&log, 0, &lost, out), 1006);
    assert_int_equal(lost, 0);
    assert_memory_equal(out, "hello\n0123456789", 16);
    log_free(&log);
}

/* Against a model: all that was ever written, in one array. */
static void test_bounded(void **state)
{
    static char all[300000], out[LOG_MAX], chunk[2 * LOG_MAX + 10];
    struct log log = LOG_EMPTY;
    size_t written = 0, i, length;
    uint64_t lost;

    (void)state;
    srandom(1);
    while (written < sizeof(all)) {
        length = (size_t)random() % (random() % 8 ? 700 : sizeof(chunk));
        if (length > sizeof(all) - written)
            length = sizeof(all) - written;
        for (i = 0; i < length; i++)
            chunk[i] = (char)random();
        memcpy(all + written, chunk, length);
        log_add(&log, chunk, length);
        written += length;
        assert_int_equal(log.end, written);
        length = read_all(&log, 0, &lost, out);
        assert_int_equal(length + lost, written);
        assert_true(length == written || length > LOG_MAX / 2);
        assert_memory_equal(out, all + lost, length);
    }
    assert_int_equal(log.size, LOG_MAX);
    log_free(&log);
}

static void check_tail(const struct log *log, uint32_t lines, const char *expected)
{
    char out[LOG_MAX];
    uint64_t lost;
    size_t length = read_all(log, log_tail(log, lines), &lost, out);

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
}

static void test_tail(void **state)
{
    struct log log = LOG_EMPTY;

    (void)state;
    log_add(&log, "one\ntwo\n\nfour\n", 14);
    check_tail(&log, 0, "");
    check_tail(&log, 1, "four\n");
    check_tail(&log, 2, "\nfour\n");
    check_tail(&log, 3, "two\n\nfour\n");
    check_tail(&log, 4, "one\ntwo\n\nfour\n");
    check_tail(&log, 9, "one\ntwo\n\nfour\n");
    log_add(&log, "five", 4);
    check_tail(&log, 1, "five");
    check_tail(&log, 2, "four\nfive");
    log_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_tail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
