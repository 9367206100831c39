/* SPDX-License-Identifier: BSD-3-Clause */
/* A string that grows, first in a buffer of the caller's. A failure to grow is kept, and told by
 * text_end. */
#ifndef CHAOS_UTIL_TEXT_H
#define CHAOS_UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes;
    size_t length, room;
    char *first; /* the caller's */
    bool failed;
};

void text_begin(struct text *text, char *buffer, size_t size);

void text_add(struct text *text, const char *bytes, size_t length);
void text_string(struct text *text, const char *string);
void text_char(struct text *text, char c);
void text_unsigned(struct text *text, uint64_t value); /* decimal */

/* Puts a NUL behind the string. False: there was no memory for it; then it is empty. */
bool text_end(struct text *text);
void text_release(struct text *text);

#endif
