// SPDX-License-Identifier: BSD-3-Clause
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct json *j, const char *text)
{
    j->sink(j->opaque, text, strlen(text));
}

static void new_line(struct json *j)
{
    static const char spaces[] = "                                ";
    size_t indent = j->depth * 2;

    if (j->one_line)
        return;
    put(j, "\n");
    j->sink(j->opaque, spaces, indent < sizeof(spaces) ? indent : sizeof(spaces) - 1);
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n;

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        n = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        n = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        n = 4;
    else
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0; /* overlong, surrogate, beyond U+10FFFF */
    return n;
}

static void quoted(struct json *j, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    char escape[8];

    put(j, "\"");
    while (*s) {
        size_t n = utf8_length(s);

        if (*s == '"' || *s == '\\') {
            snprintf(escape, sizeof(escape), "\\%c", *s);
            put(j, escape);
        } else if (*s == '\n') {
            put(j, "\\n");
        } else if (*s < 0x20 || *s == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", *s);
            put(j, escape);
        } else if (n) {
            j->sink(j->opaque, (const char *)s, n);
        } else {
            put(j, "\\ufffd");
        }
        s += n ? n : 1;
    }
    put(j, "\"");
}

/* What stands before any value: comma, line, key. */
static void begin_value(struct json *j, const char *name)
{
    if (j->depth) {
        if (!j->first)
            put(j, j->one_line ? ", " : ",");
        new_line(j);
    }
    j->first = false;
    if (name) {
        quoted(j, name);
        put(j, ": ");
    }
}

static void open_with(struct json *j, const char *name, const char *bracket)
{
    begin_value(j, name);
    put(j, bracket);
    j->depth++;
    j->first = true;
}

static void close_with(struct json *j, const char *bracket)
{
    j->depth--;
    if (!j->first)
        new_line(j);
    j->first = false;
    put(j, bracket);
    if (j->depth == 0)
        put(j, "\n");
}

void json_init(struct json *j, json_sink *sink, void *opaque)
{
    *j = (struct json){.sink = sink, .opaque = opaque, .first = true};
}

void json_object(struct json *j, const char *name)
{
    open_with(j, name, "{");
}

void json_object_end(struct json *j)
{
    close_with(j, "}");
}

void json_array(struct json *j, const char *name)
{
    open_with(j, name, "[");
}

void json_array_end(struct json *j)
{
    close_with(j, "]");
}

void json_string(struct json *j, const char *name, const char *value)
{
    begin_value(j, name);
    if (value)
        quoted(j, value);
    else
        put(j, "null");
}

void json_unsigned(struct json *j, const char *name, uint64_t value)
{
    char number[24];

    begin_value(j, name);
    snprintf(number, sizeof(number), "%" PRIu64, value);
    put(j, number);
}

void json_signed(struct json *j, const char *name, int64_t value)
{
    char number[24];

    begin_value(j, name);
    snprintf(number, sizeof(number), "%" PRId64, value);
    put(j, number);
}

void json_bool(struct json *j, const char *name, bool value)
{
    begin_value(j, name);
    put(j, value ? "true" : "false");
}
