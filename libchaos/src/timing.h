/* SPDX-License-Identifier: BSD-3-Clause */
/* Notes when each step of something ended. A timing of NULL is kept by nobody. */
#ifndef CHAOS_TIMING_H
#define CHAOS_TIMING_H

#include <chaos/domain.h>

void timing_begin(struct chaos_timing *timing);
void timing_note(struct chaos_timing *timing, const char *step);

#endif
