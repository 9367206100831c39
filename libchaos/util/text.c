// SPDX-License-Identifier: BSD-3-Clause
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 1024

static bool make_room(struct text *text, size_t more)
{
    size_t room = text->room ? text->room : FIRST_ROOM;
    char *grown;

    if (text->failed || text->room - text->length > more)
        return !text->failed;
    while (room - text->length <= more)
        room *= 2;
    grown = realloc(text->bytes, room);
    if (!grown) {
        text->failed = true;
        return false;
    }
    text->bytes = grown;
    text->room = room;
    return true;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    if (!make_room(text, length))
        return;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

void text_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_char(struct text *text, char c)
{
    text_add(text, &c, 1);
}

void text_unsigned(struct text *text, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text_add(text, digits + at, sizeof(digits) - at);
}

bool text_take(struct text *text, char **out, size_t *length)
{
    if (!make_room(text, 0)) {
        free(text->bytes);
        *text = (struct text)TEXT_NONE;
        return false;
    }
    text->bytes[text->length] = '\0';
    *out = text->bytes;
    *length = text->length;
    *text = (struct text)TEXT_NONE;
    return true;
}
