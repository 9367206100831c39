// SPDX-License-Identifier: BSD-3-Clause
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char buffer[4096];
static size_t used;
static int failed; /* errno of the first write that failed */

static int write_all(int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t r = write(fd, text, length);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return errno;
        text += r;
        length -= (size_t)r;
    }
    return 0;
}

static void drain(void)
{
    if (used && !failed)
        failed = write_all(STDOUT_FILENO, buffer, used);
    used = 0;
}

void out_write(const char *text, size_t length)
{
    while (length) {
        size_t room = sizeof(buffer) - used, part = length < room ? length : room;

        memcpy(buffer + used, text, part);
        used += part;
        text += part;
        length -= part;
        if (used == sizeof(buffer))
            drain();
    }
}

void out_sink(void *opaque, const char *text, size_t length)
{
    (void)opaque;
    out_write(text, length);
}

void out_str(const char *text)
{
    out_write(text, strlen(text));
}

void out_printf(const char *format, ...)
{
    char line[1024];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (length > 0)
        out_write(line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

static void pad(size_t length, size_t width)
{
    static const char blanks[] = "                                        ";
    size_t part;

    for (; length < width; length += part) {
        part = width - length < sizeof(blanks) - 1 ? width - length : sizeof(blanks) - 1;
        out_write(blanks, part);
    }
}

void out_left(const char *text, size_t width)
{
    const size_t length = strlen(text);

    out_write(text, length);
    pad(length, width);
}

void out_number(uint64_t value, size_t width)
{
    char digits[20], *at = digits + sizeof(digits);
    size_t length;

    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    length = (size_t)(digits + sizeof(digits) - at);
    pad(length, width);
    out_write(at, length);
}

int out_flush(struct chaos_error *err)
{
    drain();
    if (!failed)
        return 0;
    return chaos_error_set(err, -failed, CHAOS_EXIT_FAILURE, "cannot write to standard output: %s",
                           strerror(failed));
}

void out_note_as(const char *command, const char *format, ...)
{
    char line[1024];
    size_t length;
    va_list args;

    snprintf(line, sizeof(line), "chaos%s%s: ", *command ? " " : "", command);
    length = strlen(line);
    va_start(args, format);
    vsnprintf(line + length, sizeof(line) - length - 1, format, args);
    va_end(args);
    length = strlen(line);
    line[length++] = '\n';
    write_all(STDERR_FILENO, line, length);
}
