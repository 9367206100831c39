// SPDX-License-Identifier: BSD-3-Clause
#include <chaos/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int chaos_error_set(struct chaos_error *err, int code, enum chaos_exit exit, const char *format,
                    ...)
{
    char text[CHAOS_ERROR_TEXT]; /* an argument may point into err->text */
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    memcpy(err->text, text, strlen(text) + 1);
    err->code = code;
    err->exit = exit;
    return code;
}

int chaos_error_wrap(struct chaos_error *err, const char *format, ...)
{
    char text[CHAOS_ERROR_TEXT];
    va_list args;
    size_t length, kept;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    length = strlen(text);
    if (length + 2 < sizeof(text)) { /* else the prefix alone fills it */
        memcpy(text + length, ": ", 2);
        length += 2;
        kept = strnlen(err->text, sizeof(text) - 1 - length);
        memcpy(text + length, err->text, kept);
        length += kept;
    }
    memcpy(err->text, text, length);
    err->text[length] = '\0';
    return err->code;
}
