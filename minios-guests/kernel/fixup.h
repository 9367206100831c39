/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses that may fault: they tell instead of ending the guest. */
#ifndef KERNEL_FIXUP_H
#define KERNEL_FIXUP_H

#include <stdbool.h>
#include <stdint.h>

struct fixup {
    uint64_t at;
    uint64_t go_to;
};

#define FIXUP(at, go_to)                                                                           \
    ".pushsection fixups, \"a\", @progbits\n\t.balign 8\n\t.quad " #at ", " #go_to                 \
    "\n\t.popsection\n"

/* false: the access faulted. */
static inline bool try_write64(volatile uint64_t *p, uint64_t v)
{
    uint64_t faulted = 1;

    __asm__ volatile("1: mov %[v], (%[p])\n\txor %k[f], %k[f]\n2:\n" FIXUP(1b, 2b)
                     : [f] "+r"(faulted)
                     : [v] "r"(v), [p] "r"(p)
                     : "memory");
    return !faulted;
}

static inline bool try_read64(const volatile uint64_t *p, uint64_t *v)
{
    uint64_t faulted = 1, value = 0;

    __asm__ volatile("1: mov (%[p]), %[v]\n\txor %k[f], %k[f]\n2:\n" FIXUP(1b, 2b)
                     : [f] "+r"(faulted), [v] "+r"(value)
                     : [p] "r"(p)
                     : "memory");
    *v = value;
    return !faulted;
}

#endif
