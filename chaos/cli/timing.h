/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints where the time of a command went. */
#ifndef CHAOS_CLI_TIMING_H
#define CHAOS_CLI_TIMING_H

#include <chaos/domain.h>

/* format: "text" or "json" */
void timing_print(const struct chaos_timing *timing, const struct chaos_domain *domain,
                  const char *format);

#endif
