// SPDX-License-Identifier: BSD-3-Clause
#include "stats.h"

#include <errno.h>
#include <stdlib.h>

#include "refill.h"
#include "server.h"

static const char *const time_names[STATS_TIMES] = {
    [STATS_CREATE_WARM] = "create_warm",   [STATS_CREATE_COLD] = "create_cold",
    [STATS_RESTORE_WARM] = "restore_warm", [STATS_RESTORE_COLD] = "restore_cold",
    [STATS_DESTROY] = "destroy",           [STATS_PREPARE] = "prepare",
};

static const char *const count_names[STATS_COUNTS] = {
    [STATS_FAILED_CREATES] = "failed_creates",
    [STATS_FAILED_DESTROYS] = "failed_destroys",
    [STATS_RECLAIMED] = "reclaimed_shells",
};

struct stats {
    struct histogram times[STATS_TIMES];
    uint64_t counts[STATS_COUNTS];
};

/* ---------------------------------------------------------------- histogram */

/* Values below HISTOGRAM_SUB have a bucket each; then each octave has HISTOGRAM_SUB. */
static size_t bucket_of(uint64_t value)
{
    unsigned int octave;
    size_t bucket;

    if (value < HISTOGRAM_SUB)
        return (size_t)value;
    octave = 63 - (unsigned int)__builtin_clzll(value); /* at least 4 */
    bucket = (octave - 3) * HISTOGRAM_SUB + (size_t)(value >> (octave - 4)) - HISTOGRAM_SUB;
    return bucket < HISTOGRAM_OCTAVES * HISTOGRAM_SUB ? bucket
                                                      : HISTOGRAM_OCTAVES * HISTOGRAM_SUB - 1;
}

/* The greatest value in the bucket. */
static uint64_t top_of(size_t bucket)
{
    unsigned int octave = (unsigned int)(bucket / HISTOGRAM_SUB);

    if (octave == 0)
        return bucket;
    return ((HISTOGRAM_SUB + bucket % HISTOGRAM_SUB + 1) << (octave - 1)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->count++;
    histogram->bucket[bucket_of(value)]++;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t histogram_quantile(const struct histogram *histogram, unsigned int per_mille)
{
    uint64_t left = (histogram->count * per_mille + 999) / 1000;
    size_t i;

    if (histogram->count == 0)
        return 0;
    for (i = 0; i < HISTOGRAM_OCTAVES * HISTOGRAM_SUB - 1; i++) {
        if (histogram->bucket[i] >= left)
            break;
        left -= histogram->bucket[i];
    }
    return top_of(i) < histogram->max ? top_of(i) : histogram->max;
}

/* ---------------------------------------------------------------- what is kept */

void stats_time(struct daemon *daemon, enum stats_time what, uint64_t ns)
{
    histogram_add(&daemon->stats->times[what], ns);
}

void stats_count(struct daemon *daemon, enum stats_count what)
{
    daemon->stats->counts[what]++;
}

static void put_count(struct wire_writer *writer, const char *name, uint64_t value)
{
    size_t group = wire_put_group(writer, WIRE_METRIC);

    wire_put_string(writer, WIRE_NAME, name);
    wire_put_u64(writer, WIRE_VALUE, value);
    wire_end_group(writer, group);
}

static void put_time(struct wire_writer *writer, const char *name, const struct histogram *h)
{
    size_t group = wire_put_group(writer, WIRE_METRIC);

    wire_put_string(writer, WIRE_NAME, name);
    wire_put_u64(writer, WIRE_VALUE, h->count);
    wire_put_u64(writer, WIRE_P50_NS, histogram_quantile(h, 500));
    wire_put_u64(writer, WIRE_P99_NS, histogram_quantile(h, 990));
    wire_put_u64(writer, WIRE_MAX_NS, h->max);
    wire_end_group(writer, group);
}

static void put_pools(struct wire_writer *writer, const struct pools *pools)
{
    const struct pool_counts counts = pools_counts(pools);
    uint64_t shells = 0;

    for (const struct pool *p = pools->first; p; p = p->next)
        shells += p->level;
    put_count(writer, "shells", shells);
    put_count(writer, "pool_hits", counts.hits);
    put_count(writer, "pool_misses", counts.misses);
    put_count(writer, "refills", counts.refills);
    put_count(writer, "failed_refills", counts.failures);
}

static int answer(struct daemon *daemon, const struct request *request, struct chaos_error *err)
{
    struct wire_writer writer;
    int i;

    (void)err;
    request_reply(request, 0, &writer);
    for (i = 0; i < STATS_TIMES; i++)
        put_time(&writer, time_names[i], &daemon->stats->times[i]);
    for (i = 0; i < STATS_COUNTS; i++)
        put_count(&writer, count_names[i], daemon->stats->counts[i]);
    put_pools(&writer, refill_pools(daemon));
    request_send(request, &writer);
    return 0;
}

static int init(struct daemon *daemon, struct chaos_error *err)
{
    daemon->stats = calloc(1, sizeof(*daemon->stats));
    return daemon->stats ? 0 : chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
}

static void fini(struct daemon *daemon)
{
    free(daemon->stats);
    daemon->stats = NULL;
}

const struct module stats_module = {
    .name = "stats",
    .init = init,
    .fini = fini,
    .handlers = {{WIRE_STATS, answer}},
};
