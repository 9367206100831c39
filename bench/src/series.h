/* SPDX-License-Identifier: BSD-3-Clause */
/* What series.c, client.c and the probes share. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stdint.h>

#define ADDRESS_MAX 24

int64_t monotonic_ns(void);
void sleep_us(long us);
void guest_address(unsigned int n, char out[ADDRESS_MAX]);
char *expand(const char *argument, unsigned int n); /* to be freed */

#endif
