/* SPDX-License-Identifier: BSD-3-Clause */
/* The XXH64 hash with seed 0, of bytes that come in pieces. Finds accidents, not forgeries. */
#ifndef CHAOS_UTIL_XXH64_H
#define CHAOS_UTIL_XXH64_H

#include <stddef.h>
#include <stdint.h>

struct xxh64 {
    uint64_t lane[4];
    uint64_t length;
    uint8_t rest[32]; /* length % 32 bytes that make no stripe yet */
};

void xxh64_begin(struct xxh64 *hash);
void xxh64_add(struct xxh64 *hash, const void *bytes, size_t length);
uint64_t xxh64_end(const struct xxh64 *hash);

static inline uint64_t xxh64(const void *bytes, size_t length)
{
    struct xxh64 hash;

    xxh64_begin(&hash);
    xxh64_add(&hash, bytes, length);
    return xxh64_end(&hash);
}

#endif
