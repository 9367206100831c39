/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's output made fit for a terminal: it could move the cursor, rename the window, or answer
 * for the user. Lines, tabs and UTF-8 stay; all other control characters become visible.
 */
#ifndef CHAOS_CLI_CLEAN_H
#define CHAOS_CLI_CLEAN_H

#include <stddef.h>
#include <stdint.h>

/* Starts as {0}; keeps what a later piece may complete. */
struct cleaner {
    unsigned char lead; /* of a sequence of two bytes that could be a control character */
    uint8_t continues;  /* bytes that the sequence before still wants */
};

/* To standard output (output.h). */
void clean_write(struct cleaner *cleaner, const char *bytes, size_t length);

#endif
