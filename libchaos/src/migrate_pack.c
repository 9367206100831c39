// SPDX-License-Identifier: BSD-3-Clause
#include "migrate_pack.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define WORD  8
#define GROUP (64 * WORD) /* bytes that a word of bits stands for */

static uint64_t load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static void store(uint8_t *at, uint64_t word)
{
    memcpy(at, &word, sizeof(word));
}

/* One group; returns where the next one begins. Without branches: each word is written, and stays
 * if it is not 0. */
static uint8_t *pack_words(const uint8_t *bytes, size_t words, uint8_t *out)
{
    uint8_t *const bits_at = out;
    uint64_t bits = 0;
    size_t i;

    out += WORD;
    for (i = 0; i < words; i++) {
        const uint64_t word = load(bytes + i * WORD), is_there = word != 0;

        store(out, word);
        out += is_there * WORD;
        bits |= is_there << i;
    }
    store(bits_at, htole64(bits));
    return out;
}

size_t migrate_pack(const uint8_t *bytes, size_t length, uint8_t *out)
{
    uint8_t *at = out + WORD;
    uint8_t last[GROUP];
    size_t done;

    store(out, htole64(length));
    for (done = 0; done + GROUP <= length; done += GROUP)
        at = pack_words(bytes + done, GROUP / WORD, at);
    if (done < length) {
        memset(last, 0, sizeof(last));
        memcpy(last, bytes + done, length - done);
        at = pack_words(last, (length - done + WORD - 1) / WORD, at);
    }
    return (size_t)(at - out);
}

/* Whether there are words behind the first ones. */
static bool is_behind(uint64_t bits, size_t words)
{
    return words < 64 && bits >> words != 0;
}

ptrdiff_t migrate_unpack(const uint8_t *packed, size_t length, uint8_t *out, size_t size)
{
    const uint8_t *at = packed + WORD, *const end = packed + length;
    uint8_t group[GROUP];
    uint64_t wanted, bits;
    size_t done, here;

    if (length < WORD)
        return -1;
    wanted = le64toh(load(packed));
    if (wanted > size)
        return -1;
    for (done = 0; done < wanted; done += here) {
        here = wanted - done < GROUP ? wanted - done : GROUP;
        if ((size_t)(end - at) < WORD)
            return -1;
        bits = le64toh(load(at));
        at += WORD;
        if ((size_t)(end - at) / WORD < (size_t)__builtin_popcountll(bits) ||
            is_behind(bits, (here + WORD - 1) / WORD))
            return -1;
        memset(group, 0, sizeof(group));
        for (; bits != 0; bits &= bits - 1, at += WORD)
            memcpy(group + (size_t)__builtin_ctzll(bits) * WORD, at, WORD);
        memcpy(out + done, group, here);
    }
    return at == end ? (ptrdiff_t)wanted : -1;
}
