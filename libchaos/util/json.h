/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A JSON writer: text goes to a sink as it is made; commas, quotes and indentation are put in here.
 * The caller keeps begin and end balanced. Strings are written as UTF-8; bytes that are not valid
 * UTF-8 become U+FFFD, so that the output always parses.
 */
#ifndef CHAOS_UTIL_JSON_H
#define CHAOS_UTIL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void json_sink(void *opaque, const char *text, size_t length);

struct json {
    json_sink *sink;
    void *opaque;
    unsigned int depth;
    bool first;    /* nothing written yet in the innermost object or array */
    bool one_line; /* set after json_init: the whole value on one line */
};

void json_init(struct json *j, json_sink *sink, void *opaque);

/* name: the member's key in an object; NULL in an array and at the top. */
void json_object(struct json *j, const char *name);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *name);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *name, const char *value); /* NULL value: null */
void json_unsigned(struct json *j, const char *name, uint64_t value);
void json_signed(struct json *j, const char *name, int64_t value);
void json_bool(struct json *j, const char *name, bool value);

#endif
