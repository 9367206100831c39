// SPDX-License-Identifier: BSD-3-Clause
#include "logs.h"

#include <stdlib.h>
#include <string.h>

static uint32_t place(const struct log *log, uint64_t number)
{
    return (uint32_t)(number & (log->size - 1));
}

static void copy_in(struct log *log, const char *bytes, size_t length)
{
    uint32_t at = place(log, log->end);
    size_t first = log->size - at;

    if (first > length)
        first = length;
    memcpy(log->bytes + at, bytes, first);
    memcpy(log->bytes, bytes + first, length - first);
    log->end += length;
    if (log->end - log->start > log->size)
        log->start = log->end - log->size;
}

/* Makes room for so many bytes, if there may and can be. */
static void grow(struct log *log, uint64_t needed)
{
    struct log larger = *log;
    const char *old;
    uint64_t at = log->start, lost = 0;
    size_t length;

    if (larger.size == 0)
        larger.size = LOG_FIRST;
    while (larger.size < needed && larger.size < LOG_MAX)
        larger.size *= 2;
    if (larger.size == log->size)
        return;
    larger.bytes = malloc(larger.size);
    if (!larger.bytes)
        return;
    larger.end = log->start;
    while ((length = log_read(log, &at, &lost, &old)) > 0) {
        copy_in(&larger, old, length);
        at += length;
    }
    free(log->bytes);
    *log = larger;
}

void log_add(struct log *log, const char *bytes, size_t length)
{
    uint64_t needed = log->end - log->start + length;

    if (needed > log->size)
        grow(log, needed);
    if (log->size == 0) {
        log->start = log->end += length;
        return;
    }
    if (length > log->size) { /* what would be overwritten at once */
        log->end += length - log->size;
        bytes += length - log->size;
        length = log->size;
    }
    copy_in(log, bytes, length);
}

void log_free(struct log *log)
{
    free(log->bytes);
    log->bytes = NULL;
    log->size = 0;
    log->start = log->end;
}

size_t log_read(const struct log *log, uint64_t *at, uint64_t *lost, const char **bytes)
{
    size_t length, piece;

    if (*at < log->start) {
        *lost += log->start - *at;
        *at = log->start;
    }
    if (*at >= log->end)
        return 0;
    length = (size_t)(log->end - *at);
    piece = log->size - place(log, *at);
    *bytes = log->bytes + place(log, *at);
    return length < piece ? length : piece;
}

uint64_t log_tail(const struct log *log, uint32_t lines)
{
    uint64_t at = log->end;

    if (lines == 0)
        return at;
    while (at > log->start) {
        if (log->bytes[place(log, at - 1)] == '\n' && at != log->end && --lines == 0)
            break;
        at--;
    }
    return at;
}
