// SPDX-License-Identifier: BSD-3-Clause
/* The loop's clock, in a file of its own: tests bring one that they move themselves. */
#include "loop.h"

#include <time.h>

#define NS_PER_S 1000000000u

uint64_t loop_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}
