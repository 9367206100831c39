/* SPDX-License-Identifier: BSD-3-Clause */
/* How often things were done, and how long they took. */
#ifndef CHAOSD_STATS_H
#define CHAOSD_STATS_H

#include "daemon.h"

extern const struct module stats_module;

enum stats_time {
    STATS_CREATE_WARM, /* from the request's arrival to its answer, out of a pool */
    STATS_CREATE_COLD,
    STATS_RESTORE_WARM, /* the same of guests of checkpoints */
    STATS_RESTORE_COLD,
    STATS_DESTROY,
    STATS_PREPARE, /* one shell, in the worker */
    STATS_TIMES
};

enum stats_count { STATS_FAILED_CREATES, STATS_FAILED_DESTROYS, STATS_RECLAIMED, STATS_COUNTS };

void stats_time(struct daemon *daemon, enum stats_time what, uint64_t ns);
void stats_count(struct daemon *daemon, enum stats_count what);

/* Counts by size, to 1/16: log-linear buckets. */
#define HISTOGRAM_SUB     16
#define HISTOGRAM_OCTAVES 44

struct histogram {
    uint64_t count, max;
    uint32_t bucket[HISTOGRAM_OCTAVES * HISTOGRAM_SUB];
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* A value that this share (per mille) of all is not above; 0: there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, unsigned int per_mille);

#endif
