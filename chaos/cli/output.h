/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffered standard output whose failure is not lost: main flushes at the end and fails if any
 * write did. Cheaper than stdio at start-up, which this program uses nowhere else.
 */
#ifndef CHAOS_CLI_OUTPUT_H
#define CHAOS_CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

void out_write(const char *text, size_t length);
/* The same, for those who write piece by piece: opaque is not looked at. */
void out_sink(void *opaque, const char *text, size_t length);
void out_str(const char *text);
void out_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As printf's %-*s and %*u, at a fifth of the cost: for what is printed of each of many. */
void out_left(const char *text, size_t width);
void out_number(uint64_t value, size_t width);

/* Writes what is pending. An earlier failure is remembered and reported again. */
int out_flush(struct chaos_error *err);

/* One line to standard error, at once: "chaos COMMAND: text" ("chaos: text" if command is ""). */
void out_note_as(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
