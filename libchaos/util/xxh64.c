// SPDX-License-Identifier: BSD-3-Clause
/* By the algorithm's public specification (xxhash_spec.md); little-endian hosts only. */
#include "xxh64.h"

#include <string.h>

#define P1     0x9e3779b185ebca87ull
#define P2     0xc2b2ae3d27d4eb4full
#define P3     0x165667b19e3779f9ull
#define P4     0x85ebca77c2b2ae63ull
#define P5     0x27d4eb2f165667c5ull
#define STRIPE 32u

static uint64_t rotate(uint64_t value, unsigned int by)
{
    return value << by | value >> (64 - by);
}

static uint64_t load64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t load32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t round_of(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * P2, 31) * P1;
}

static const uint8_t *stripes(struct xxh64 *hash, const uint8_t *at, size_t nr)
{
    uint64_t a = hash->lane[0], b = hash->lane[1], c = hash->lane[2], d = hash->lane[3];

    for (; nr > 0; nr--, at += STRIPE) {
        a = round_of(a, load64(at));
        b = round_of(b, load64(at + 8));
        c = round_of(c, load64(at + 16));
        d = round_of(d, load64(at + 24));
    }
    hash->lane[0] = a;
    hash->lane[1] = b;
    hash->lane[2] = c;
    hash->lane[3] = d;
    return at;
}

void xxh64_begin(struct xxh64 *hash)
{
    hash->lane[0] = P1 + P2;
    hash->lane[1] = P2;
    hash->lane[2] = 0;
    hash->lane[3] = 0 - P1;
    hash->length = 0;
}

void xxh64_add(struct xxh64 *hash, const void *bytes, size_t length)
{
    size_t held = hash->length % STRIPE, part;
    const uint8_t *at = bytes;

    hash->length += length;
    if (held > 0) {
        part = STRIPE - held < length ? STRIPE - held : length;
        memcpy(hash->rest + held, at, part);
        if (held + part < STRIPE)
            return;
        stripes(hash, hash->rest, 1);
        at += part;
        length -= part;
    }
    at = stripes(hash, at, length / STRIPE);
    if (length % STRIPE > 0)
        memcpy(hash->rest, at, length % STRIPE);
}

static uint64_t merge(const struct xxh64 *hash)
{
    uint64_t value;
    unsigned int i;

    if (hash->length < STRIPE)
        return P5;
    value = rotate(hash->lane[0], 1) + rotate(hash->lane[1], 7) + rotate(hash->lane[2], 12) +
            rotate(hash->lane[3], 18);
    for (i = 0; i < 4; i++)
        value = (value ^ round_of(0, hash->lane[i])) * P1 + P4;
    return value;
}

uint64_t xxh64_end(const struct xxh64 *hash)
{
    uint64_t value = merge(hash) + hash->length;
    size_t left = hash->length % STRIPE;
    const uint8_t *at = hash->rest;

    for (; left >= 8; left -= 8, at += 8)
        value = rotate(value ^ round_of(0, load64(at)), 27) * P1 + P4;
    if (left >= 4) {
        value = rotate(value ^ load32(at) * P1, 23) * P2 + P3;
        left -= 4;
        at += 4;
    }
    for (; left > 0; left--, at++)
        value = rotate(value ^ *at * P5, 11) * P1;
    value = (value ^ value >> 33) * P2;
    value = (value ^ value >> 29) * P3;
    return value ^ value >> 32;
}
