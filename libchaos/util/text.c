// SPDX-License-Identifier: BSD-3-Clause
#include "text.h"

#include <stdlib.h>
#include <string.h>

void text_begin(struct text *text, char *buffer, size_t size)
{
    *text = (struct text){.bytes = buffer, .first = buffer, .room = size};
}

/* For so many more bytes and a NUL. */
static bool make_room(struct text *text, size_t more)
{
    size_t room = text->room;
    char *grown;

    if (text->failed || room - text->length > more)
        return !text->failed;
    while (room - text->length <= more)
        room *= 2;
    grown = text->bytes == text->first ? malloc(room) : realloc(text->bytes, room);
    if (!grown) {
        text->failed = true;
        return false;
    }
    if (text->bytes == text->first)
        memcpy(grown, text->first, text->length);
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

bool text_end(struct text *text)
{
    if (text->failed)
        text->length = 0;
    text->bytes[text->length] = '\0'; /* there is always room for it */
    return !text->failed;
}

void text_release(struct text *text)
{
    if (text->bytes != text->first)
        free(text->bytes);
    text->bytes = NULL;
}
