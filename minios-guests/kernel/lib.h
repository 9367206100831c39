/* SPDX-License-Identifier: BSD-3-Clause */
/* string.c and printf.c: the little of a C library that is used; they compile on a host as well. */
#ifndef KERNEL_LIB_H
#define KERNEL_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

/* Whole string must be a number below or equal to max: decimal, or hexadecimal after 0x. */
bool parse_u64(const char *s, uint64_t max, uint64_t *value);
/* "a.b.c.d" or "a.b.c.d/bits" (prefix may be null: then no slash). In network byte order. */
bool parse_ipv4(const char *s, uint32_t *addr, unsigned *prefix);

/* %c %s %d %i %u %x %p %%, with width, '0', '-', precision of %s, and h l ll z. Returns the length
 * that the whole text has; out is always terminated when size > 0. */
int vsnprintf(char *out, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
