/* SPDX-License-Identifier: BSD-3-Clause */
/* Hexadecimal digits, whatever the locale. */
#ifndef CHAOS_UTIL_HEX_H
#define CHAOS_UTIL_HEX_H

/* The value of c, or -1. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

#endif
