/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls through the page that Xen fills; arguments in rdi, rsi, rdx, r10, all clobbered. */
#ifndef KERNEL_HYPERCALL_H
#define KERNEL_HYPERCALL_H

#include <stdint.h>

/* A call of 32 bytes each, by number. */
extern char hypercall_page[];

static inline long hypercall4(unsigned nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    register uint64_t r10 __asm__("r10") = d;
    long rc;

    __asm__ volatile("call *%[entry]"
                     : "=a"(rc), "+D"(a), "+S"(b), "+d"(c), "+r"(r10)
                     : [entry] "r"(hypercall_page + nr * 32)
                     : "rcx", "r11", "r8", "r9", "memory");
    return rc;
}

#define HYPERCALL_ARG(x) ((uint64_t)(uintptr_t)(x))

static inline long hypercall1(unsigned nr, uint64_t a)
{
    return hypercall4(nr, a, 0, 0, 0);
}

static inline long hypercall2(unsigned nr, uint64_t a, const void *b)
{
    return hypercall4(nr, a, HYPERCALL_ARG(b), 0, 0);
}

static inline long hypercall3(unsigned nr, uint64_t a, uint64_t b, const void *c)
{
    return hypercall4(nr, a, b, HYPERCALL_ARG(c), 0);
}

#endif
