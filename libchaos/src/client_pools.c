// SPDX-License-Identifier: BSD-3-Clause
/* Asking chaosd about its pools and its statistics. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

static size_t count_groups(const struct wire_reader *fields, uint8_t tag)
{
    struct wire_reader reader = *fields;
    struct wire_field field;
    size_t nr = 0;

    while (wire_next(&reader, &field))
        nr += field.tag == tag && field.kind == WIRE_GROUP;
    return nr;
}

/* Asks, and makes room for as many structs as there are groups with this tag. */
static int call_for_groups(struct chaos_client *client, uint16_t type, uint8_t tag, size_t size,
                           struct wire_reader *fields, void **list, struct chaos_error *err)
{
    struct wire_writer writer;
    int rc;

    client_begin(client, type, &writer);
    rc = client_call(client, &writer, fields, err);
    if (rc < 0)
        return rc;
    *list = calloc(count_groups(fields, tag) + 1, size);
    if (!*list)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return 0;
}

/* ---------------------------------------------------------------- pools */

static void get_pool(const struct wire_reader *fields, struct chaos_pool *out)
{
    struct wire_reader reader = *fields;
    struct wire_field field;

    client_copy(out->name, sizeof(out->name), wire_find_string(fields, WIRE_NAME, ""));
    client_copy(out->kernel, sizeof(out->kernel), wire_find_string(fields, WIRE_KERNEL, ""));
    client_copy(out->ramdisk, sizeof(out->ramdisk), wire_find_string(fields, WIRE_RAMDISK, ""));
    client_copy(out->degraded, sizeof(out->degraded), wire_find_string(fields, WIRE_DEGRADED, ""));
    out->memory_mib = (uint32_t)wire_find_number(fields, WIRE_MEMORY_MIB, 0);
    out->vcpus = (uint32_t)wire_find_number(fields, WIRE_VCPUS, 0);
    out->bus = wire_find_number(fields, WIRE_BUS, 0) ? CHAOS_BUS_XENSTORE : CHAOS_BUS_NOXS;
    out->low = (uint32_t)wire_find_number(fields, WIRE_LOW, 0);
    out->high = (uint32_t)wire_find_number(fields, WIRE_HIGH, 0);
    out->target = (uint32_t)wire_find_number(fields, WIRE_TARGET, 0);
    out->level = (uint32_t)wire_find_number(fields, WIRE_LEVEL, 0);
    out->adaptive = wire_find_number(fields, WIRE_ADAPTIVE, 0);
    out->hits = wire_find_number(fields, WIRE_HITS, 0);
    out->misses = wire_find_number(fields, WIRE_MISSES, 0);
    out->refills = wire_find_number(fields, WIRE_REFILLS, 0);
    out->failures = wire_find_number(fields, WIRE_FAILURES, 0);
    while (wire_next(&reader, &field))
        if (field.tag == WIRE_BRIDGE && out->nr_vifs < CHAOS_VIFS_MAX)
            client_copy(out->bridge[out->nr_vifs++], sizeof(out->bridge[0]), wire_text(&field));
}

int chaos_client_pools(struct chaos_client *client, struct chaos_pool **list, size_t *nr,
                       struct chaos_error *err)
{
    struct wire_reader fields, group;
    struct wire_field field;
    void *found;
    int rc =
        call_for_groups(client, WIRE_POOL_LIST, WIRE_POOL, sizeof(**list), &fields, &found, err);

    if (rc < 0)
        return rc;
    *list = found;
    *nr = 0;
    while (wire_next(&fields, &field)) {
        if (field.tag != WIRE_POOL || field.kind != WIRE_GROUP)
            continue;
        group = wire_group(&field);
        get_pool(&group, &(*list)[(*nr)++]);
    }
    return 0;
}

int chaos_client_pool_set(struct chaos_client *client, const struct chaos_pool *pool,
                          struct chaos_error *err)
{
    struct wire_writer writer;
    struct wire_reader fields;

    client_begin(client, WIRE_POOL_SET, &writer);
    wire_put_string(&writer, WIRE_NAME, pool->name);
    if (pool->memory_mib > 0) {
        wire_put_u32(&writer, WIRE_MEMORY_MIB, pool->memory_mib);
        wire_put_u32(&writer, WIRE_VCPUS, pool->vcpus);
        wire_put_u32(&writer, WIRE_BUS, pool->bus);
        for (uint32_t i = 0; i < pool->nr_vifs && i < CHAOS_VIFS_MAX; i++)
            wire_put_string(&writer, WIRE_BRIDGE, pool->bridge[i]);
        if (pool->kernel[0])
            wire_put_string(&writer, WIRE_KERNEL, pool->kernel);
        if (pool->ramdisk[0])
            wire_put_string(&writer, WIRE_RAMDISK, pool->ramdisk);
    }
    wire_put_u32(&writer, WIRE_LOW, pool->low);
    wire_put_u32(&writer, WIRE_HIGH, pool->high);
    return client_call(client, &writer, &fields, err);
}

int chaos_client_pool_drain(struct chaos_client *client, const char *name, struct chaos_error *err)
{
    struct wire_writer writer;
    struct wire_reader fields;

    client_begin(client, WIRE_POOL_DRAIN, &writer);
    if (name)
        wire_put_string(&writer, WIRE_NAME, name);
    return client_call(client, &writer, &fields, err);
}

/* ---------------------------------------------------------------- statistics */

static void get_metric(const struct wire_reader *fields, struct chaos_metric *out)
{
    struct wire_field p50;

    client_copy(out->name, sizeof(out->name), wire_find_string(fields, WIRE_NAME, ""));
    out->value = wire_find_number(fields, WIRE_VALUE, 0);
    out->timed = wire_find(fields, WIRE_P50_NS, WIRE_U64, &p50);
    out->p50_ns = wire_find_number(fields, WIRE_P50_NS, 0);
    out->p99_ns = wire_find_number(fields, WIRE_P99_NS, 0);
    out->max_ns = wire_find_number(fields, WIRE_MAX_NS, 0);
}

int chaos_client_stats(struct chaos_client *client, struct chaos_metric **list, size_t *nr,
                       struct chaos_error *err)
{
    struct wire_reader fields, group;
    struct wire_field field;
    void *found;
    int rc = call_for_groups(client, WIRE_STATS, WIRE_METRIC, sizeof(**list), &fields, &found, err);

    if (rc < 0)
        return rc;
    *list = found;
    *nr = 0;
    while (wire_next(&fields, &field)) {
        if (field.tag != WIRE_METRIC || field.kind != WIRE_GROUP)
            continue;
        group = wire_group(&field);
        get_metric(&group, &(*list)[(*nr)++]);
    }
    return 0;
}
