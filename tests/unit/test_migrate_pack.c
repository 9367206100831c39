// SPDX-License-Identifier: BSD-3-Clause
/* What is packed comes out as it was; what is damaged is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "migrate_pack.h"

#define MOST 5000

static uint32_t seed = 1;

static uint32_t some(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* In exactly as much memory as there may be: for the sanitizers. */
static uint8_t *copy(const uint8_t *bytes, size_t length)
{
    uint8_t *at = malloc(length ? length : 1);

    memcpy(at, bytes, length);
    return at;
}

static size_t goes_through(const uint8_t *bytes, size_t length)
{
    uint8_t *in = copy(bytes, length), *packed = malloc(MIGRATE_PACKED_MAX(length));
    size_t size = migrate_pack(in, length, packed);
    uint8_t *sent = copy(packed, size), *out = malloc(length + 1);

    assert_true(size <= MIGRATE_PACKED_MAX(length));
    out[length] = 0x5a;
    assert_int_equal(migrate_unpack(sent, size, out, length), length);
    assert_memory_equal(out, bytes, length);
    assert_int_equal(out[length], 0x5a);
    if (length > 0)
        assert_int_equal(migrate_unpack(sent, size, out, length - 1), -1);
    free(out);
    free(sent);
    free(packed);
    free(in);
    return size;
}

static void test_lengths(void **state)
{
    uint8_t bytes[MOST];
    size_t length, i;
    uint32_t share;

    (void)state;
    for (share = 0; share <= 4; share++)
        for (length = 0; length < MOST; length += length < 1100 ? 1 : 61) {
            for (i = 0; i < length; i++)
                bytes[i] = some(4) < share ? (uint8_t)some(256) : 0;
            goes_through(bytes, length);
        }
}

static void test_sizes(void **state)
{
    uint8_t bytes[4096];

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(goes_through(bytes, 4096), 8 + 8 * 8);
    bytes[4095] = 1;
    assert_int_equal(goes_through(bytes, 4096), 8 + 8 * 8 + 8);
    memset(bytes, 1, sizeof(bytes));
    assert_int_equal(goes_through(bytes, 4096), 8 + 8 * 8 + 4096);
}

static int64_t unpacked(const uint8_t *packed, size_t length, size_t size)
{
    uint8_t *in = copy(packed, length), *out = malloc(size ? size : 1);
    int64_t got = migrate_unpack(in, length, out, size);

    free(out);
    free(in);
    return got;
}

static void test_damaged(void **state)
{
    uint8_t bytes[1000], packed[MIGRATE_PACKED_MAX(1000) + 8];
    size_t length, i;

    (void)state;
    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = i % 24 < 8 ? 0 : (uint8_t)i | 1;
    length = migrate_pack(bytes, sizeof(bytes), packed);
    for (i = 0; i < length; i++) /* cut short */
        assert_int_equal(unpacked(packed, i, sizeof(bytes)), -1);
    memset(packed + length, 0, 8);
    assert_int_equal(unpacked(packed, length + 8, sizeof(bytes)), -1);
    for (i = 0; i < 64; i++) { /* lengths, and which words there are */
        const uint64_t other = sizeof(bytes) ^ (uint64_t)1 << i;
        uint8_t flipped[sizeof(packed)];
        int64_t got;

        memcpy(flipped, packed, length);
        flipped[i / 8] ^= (uint8_t)(1 << i % 8);
        got = unpacked(flipped, length, sizeof(bytes));
        assert_true(got == -1 || (other < sizeof(bytes) && got == (int64_t)other));
        memcpy(flipped, packed, length);
        flipped[8 + i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(unpacked(flipped, length, sizeof(bytes)), -1);
    }
    bytes[sizeof(bytes) - 1] = 1; /* a word behind the end */
    length = migrate_pack(bytes, sizeof(bytes), packed);
    packed[0] = (uint8_t)(sizeof(bytes) - 8);
    assert_int_equal(unpacked(packed, length, sizeof(bytes)), -1);
}

static void test_garbage(void **state)
{
    uint8_t bytes[200];
    int round;
    size_t i;

    (void)state;
    for (round = 0; round < 20000; round++) {
        const size_t length = some(sizeof(bytes));

        for (i = 0; i < length; i++)
            bytes[i] = (uint8_t)some(256);
        if (length >= 8) {
            memset(bytes, 0, 8);
            bytes[0] = (uint8_t)some(256);
        }
        assert_true(unpacked(bytes, length, 100) <= 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
