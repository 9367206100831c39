/* SPDX-License-Identifier: BSD-3-Clause */
/* A string that grows. A failure to grow it is kept, and told by text_take. */
#ifndef CHAOS_UTIL_TEXT_H
#define CHAOS_UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes;
    size_t length, room;
    bool failed;
};

#define TEXT_NONE                                                                                  \
    {                                                                                              \
        .bytes = NULL                                                                              \
    }

void text_add(struct text *text, const char *bytes, size_t length);
void text_string(struct text *text, const char *string);
void text_char(struct text *text, char c);
void text_unsigned(struct text *text, uint64_t value); /* decimal */

/* Hands the string over, with a NUL behind it; free(*out). False: there was no memory for it. */
bool text_take(struct text *text, char **out, size_t *length);

#endif
