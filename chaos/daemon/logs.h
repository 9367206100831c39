/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last bytes that a guest wrote to its console. Memory is taken when the first byte comes, and
 * grows to LOG_MAX; then the oldest bytes go. Bytes are numbered from the guest's first one on, so
 * that a reader who was too slow can be told how many are missing.
 */
#ifndef CHAOSD_LOGS_H
#define CHAOSD_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FIRST 256u
#define LOG_MAX   (16u << 10)

struct log {
    char *bytes; /* a ring of `size` bytes, a power of two */
    uint32_t size;
    uint64_t start, end; /* numbers of the oldest byte there is, and of the next one to come */
};

#define LOG_EMPTY                                                                                  \
    {                                                                                              \
        .bytes = NULL                                                                              \
    }

/* Without memory the oldest bytes go earlier, or these are not kept. */
void log_add(struct log *log, const char *bytes, size_t length);
void log_free(struct log *log);

/*
 * Points *bytes to what follows number *at, as far as it lies in one piece, and returns its length;
 * 0: there is no more. An *at that is too old is moved forward, and *lost grows by so much.
 */
size_t log_read(const struct log *log, uint64_t *at, uint64_t *lost, const char **bytes);

/* Where the last so many lines begin; a line without an end counts. */
uint64_t log_tail(const struct log *log, uint32_t lines);

#endif
