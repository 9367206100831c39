/* SPDX-License-Identifier: BSD-3-Clause */
/* CLOCK_MONOTONIC, for how long something takes or may take. */
#ifndef CHAOS_CLOCK_H
#define CHAOS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_us(void)
{
    return clock_ns() / 1000u;
}

static inline uint64_t clock_ms(void)
{
    return clock_ns() / 1000000u;
}

#endif
