// SPDX-License-Identifier: BSD-3-Clause
#include "timing.h"

#include <stddef.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void timing_begin(struct chaos_timing *timing)
{
    if (!timing)
        return;
    timing->nr = 0;
    timing->start_ns = now_ns();
}

void timing_note(struct chaos_timing *timing, const char *step)
{
    if (!timing || timing->nr == CHAOS_TIMING_MAX)
        return;
    timing->step[timing->nr].name = step;
    timing->step[timing->nr++].end_ns = now_ns();
}
