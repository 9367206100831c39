/* SPDX-License-Identifier: BSD-3-Clause */
/* Kills a child at each of its system calls on the registry, and before each call of the hypervisor
 * in memory. */
#ifndef KILLER_H
#define KILLER_H

#include <stdbool.h>

typedef void life(void *opaque);

/*
 * Runs `life` in a child that dies before the n-th place (from 1). False: it came to its end, which
 * must be exit status 0. Ends the test program as skipped where there is no tracing.
 */
bool run_and_kill(life *what, void *opaque, unsigned int n);

#endif
