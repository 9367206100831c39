// SPDX-License-Identifier: BSD-3-Clause
#include "timing.h"

#include <stddef.h>

#include "clock.h"

void timing_begin(struct chaos_timing *timing)
{
    if (!timing)
        return;
    timing->nr = 0;
    timing->start_ns = clock_ns();
}

void timing_note(struct chaos_timing *timing, const char *step)
{
    if (!timing || timing->nr == CHAOS_TIMING_MAX)
        return;
    timing->step[timing->nr].name = step;
    timing->step[timing->nr++].end_ns = clock_ns();
}
