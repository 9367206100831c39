// SPDX-License-Identifier: BSD-3-Clause
/*
 * Debian compiles Xen's libraries with _FORTIFY_SOURCE; the checking variants that they then call
 * are glibc's. These are all that they use: the linker says if it ever is more.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args);
int __snprintf_chk(char *to, size_t length, int flag, size_t size, const char *format, ...);
int __sprintf_chk(char *to, int flag, size_t size, const char *format, ...);
int __isoc99_sscanf(const char *from, const char *format, ...);
int __open_2(const char *path, int flags);

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args)
{
    (void)flag;
    return vfprintf(file, format, args);
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = __vfprintf_chk(file, flag, format, args);
    va_end(args);
    return length;
}

int __snprintf_chk(char *to, size_t length, int flag, size_t size, const char *format, ...)
{
    va_list args;
    int r;

    (void)flag;
    (void)size;
    va_start(args, format);
    r = vsnprintf(to, length, format, args);
    va_end(args);
    return r;
}

/* The size of the buffer, where it is known, serves as the limit that sprintf lacks. */
int __sprintf_chk(char *to, int flag, size_t size, const char *format, ...)
{
    va_list args;
    int r;

    (void)flag;
    va_start(args, format);
    r = vsnprintf(to, size < INT_MAX ? size : INT_MAX, format, args);
    va_end(args);
    return r;
}

int __isoc99_sscanf(const char *from, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = vsscanf(from, format, args);
    va_end(args);
    return r;
}

int __open_2(const char *path, int flags)
{
    return open(path, flags);
}
