/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory, strings, and the two parsers that command lines need. */
#include "kernel/lib.h"

void *memcpy(void *dst, const void *src, size_t n)
{
    void *d = dst;
    size_t words = n / 8;

    __asm__ volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words)::"memory");
    n &= 7;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n)::"memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;

    if (d <= s || d >= s + n)
        return memcpy(dst, src, n);
    while (n--)
        d[n] = s[n];
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    void *d = dst;
    size_t words = n / 8;
    uint64_t pattern = (unsigned char)c * 0x0101010101010101ull;

    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    n &= 7;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(pattern) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
        if (!a[i])
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Reads digits up to the first other character, which *s then points at. */
static bool number(const char **s, int base, uint64_t max, uint64_t *value)
{
    const char *first = *s;
    uint64_t v = 0;

    for (; digit(**s) < base; (*s)++) {
        unsigned d = (unsigned)digit(**s);

        if (v > (max - d) / (unsigned)base || d > max)
            return false;
        v = v * (unsigned)base + d;
    }
    *value = v;
    return *s != first;
}

bool parse_u64(const char *s, uint64_t max, uint64_t *value)
{
    int base = 10;

    if (s[0] == '0' && s[1] == 'x') {
        base = 16;
        s += 2;
    }
    return number(&s, base, max, value) && !*s;
}

bool parse_ipv4(const char *s, uint32_t *addr, unsigned *prefix)
{
    uint32_t a = 0;
    uint64_t v;

    for (int i = 0; i < 4; i++) {
        if ((i > 0 && *s++ != '.') || !number(&s, 10, 255, &v))
            return false;
        a |= (uint32_t)v << (8 * i);
    }
    if (*s == '/' && prefix) {
        s++;
        if (!number(&s, 10, 32, &v))
            return false;
        *prefix = (unsigned)v;
    }
    if (*s)
        return false;
    *addr = a;
    return true;
}
