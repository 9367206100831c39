// SPDX-License-Identifier: BSD-3-Clause
/*
 * Debian compiles Xen's libraries with _FORTIFY_SOURCE; the checking variants that they then call
 * are glibc's. These are all that they use: the linker says if it ever is more.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args);
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

int __open_2(const char *path, int flags)
{
    return open(path, flags);
}
