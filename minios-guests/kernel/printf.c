/* SPDX-License-Identifier: BSD-3-Clause */
/* Formatted text into a buffer of known size. */
#include "kernel/lib.h"

struct out {
    char *buf;
    size_t size;
    size_t len; /* of the whole text, fitting or not */
};

struct spec {
    bool left;
    bool zero;
    unsigned width;
    unsigned precision;
    unsigned longs; /* 1 and up: 64 bits */
    unsigned shorts;
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void put_field(struct out *o, const struct spec *s, const char *text, size_t len, bool sign)
{
    size_t pad = s->width > len ? s->width - len : 0;

    if (s->zero && sign && len > 0) {
        put(o, *text++);
        len--;
    }
    for (; pad && !s->left; pad--)
        put(o, s->zero ? '0' : ' ');
    while (len--)
        put(o, *text++);
    while (pad--)
        put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base,
                       const char *prefix)
{
    char text[24];
    char *p = text + sizeof(text);
    bool sign = prefix[0] == '-';

    do {
        *--p = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    for (size_t n = strlen(prefix); n--;)
        *--p = prefix[n];
    put_field(o, s, p, (size_t)(text + sizeof(text) - p), sign);
}

static const char *parse_spec(const char *f, struct spec *s)
{
    *s = (struct spec){.precision = UINT32_MAX};
    for (;; f++) {
        if (*f == '-')
            s->left = true;
        else if (*f == '0')
            s->zero = true;
        else
            break;
    }
    for (; *f >= '0' && *f <= '9'; f++)
        s->width = s->width * 10 + (unsigned)(*f - '0');
    if (*f == '.')
        for (f++, s->precision = 0; *f >= '0' && *f <= '9'; f++)
            s->precision = s->precision * 10 + (unsigned)(*f - '0');
    for (;; f++) {
        if (*f == 'l' || *f == 'z')
            s->longs++;
        else if (*f == 'h')
            s->shorts++;
        else
            break;
    }
    if (s->left)
        s->zero = false;
    return f;
}

static void put_int(struct out *o, const struct spec *s, int64_t v)
{
    bool neg = v < 0;

    put_number(o, s, neg ? 0 - (uint64_t)v : (uint64_t)v, 10, neg ? "-" : "");
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {.buf = buf, .size = size};
    struct spec s;

    for (; *fmt; fmt++) {
        const char *str;
        char c;

        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt = parse_spec(fmt + 1, &s);
        switch (*fmt) {
        case 'd':
        case 'i':
            put_int(&o, &s, s.longs ? va_arg(ap, long) : va_arg(ap, int));
            break;
        case 'u':
        case 'x':
            put_number(&o, &s, s.longs ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
                       *fmt == 'u' ? 10 : 16, "");
            break;
        case 'p':
            put_number(&o, &s, (uintptr_t)va_arg(ap, void *), 16, "0x");
            break;
        case 's':
            str = va_arg(ap, const char *);
            s.zero = false;
            put_field(&o, &s, str, strnlen(str, s.precision), false);
            break;
        case 'c':
            c = (char)va_arg(ap, int);
            s.zero = false;
            put_field(&o, &s, &c, 1, false);
            break;
        case '%':
            put(&o, '%');
            break;
        case '\0':
            fmt--;
            break;
        default:
            put(&o, '%');
            put(&o, *fmt);
        }
    }
    if (size > 0)
        buf[o.len < size ? o.len : size - 1] = '\0';
    return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return len;
}
