// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <chaos/client.h>

#include "cmd.h"
#include "json.h"
#include "output.h"

struct pool_options {
    const char *format, *bus, *vif, *kernel, *ramdisk;
    uint32_t memory, vcpus, low, high;
};

#define LEVEL_MAX 8192

static const struct opt_spec options[] = {
    OPT_STRING(struct pool_options, format, 'o', "output", "table|json",
               "list, stats: how to print them"),
    OPT_UNSIGNED(struct pool_options, memory, 'm', "memory", "MIB", 1, 1u << 20,
                 "set: memory of each shell; only for a new pool"),
    OPT_UNSIGNED(struct pool_options, vcpus, 0, "vcpus", "N", 1, 512, "set: vcpus of each (1)"),
    OPT_STRING(struct pool_options, bus, 0, "bus", "noxs|xenstore", "set: bus of each (noxs)"),
    OPT_STRING(struct pool_options, vif, 0, "vif", "BRIDGE[,BRIDGE...]",
               "set: a network device on each of these bridges"),
    OPT_STRING(struct pool_options, kernel, 0, "kernel", "FILE", "set: already loaded into each"),
    OPT_STRING(struct pool_options, ramdisk, 0, "ramdisk", "FILE", "set: the same"),
    OPT_UNSIGNED(struct pool_options, low, 0, "low", "N", 0, LEVEL_MAX,
                 "set: so many are always kept (0)"),
    OPT_UNSIGNED(struct pool_options, high, 0, "high", "N", 1, LEVEL_MAX,
                 "set: so many if they are asked for (as --low)"),
    OPT_END,
};

static const char *bus_name(enum chaos_bus bus)
{
    return bus == CHAOS_BUS_XENSTORE ? "xenstore" : "noxs";
}

static void print_levels(const struct chaos_pool *list, size_t nr)
{
    out_str(
        "Name                            Mem VCPUs VIFs Bus      Level Target   Low  High Kind\n");
    for (const struct chaos_pool *p = list; p < list + nr; p++)
        out_printf("%-30s %4u %5u %4u %-8s %5u %6u %5u %5u %s\n", p->name, p->memory_mib, p->vcpus,
                   p->nr_vifs, bus_name(p->bus), p->level, p->target, p->low, p->high,
                   p->kernel[0]  ? p->kernel
                   : p->adaptive ? "adaptive"
                                 : "set");
}

static void print_counts(const struct chaos_pool *list, size_t nr)
{
    out_str("Name                              Hits    Misses   Refills  Failures\n");
    for (const struct chaos_pool *p = list; p < list + nr; p++)
        out_printf("%-30s %7" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "%s%s\n", p->name,
                   p->hits, p->misses, p->refills, p->failures, p->degraded[0] ? "  " : "",
                   p->degraded);
}

static void print_json_pool(struct json *json, const struct chaos_pool *pool)
{
    json_object(json, NULL);
    json_string(json, "name", pool->name);
    json_unsigned(json, "memory_mib", pool->memory_mib);
    json_unsigned(json, "vcpus", pool->vcpus);
    json_string(json, "bus", bus_name(pool->bus));
    json_array(json, "bridges");
    for (uint32_t i = 0; i < pool->nr_vifs; i++)
        json_string(json, NULL, pool->bridge[i]);
    json_array_end(json);
    json_string(json, "kernel", pool->kernel[0] ? pool->kernel : NULL);
    json_string(json, "ramdisk", pool->ramdisk[0] ? pool->ramdisk : NULL);
    json_unsigned(json, "level", pool->level);
    json_unsigned(json, "target", pool->target);
    json_unsigned(json, "low", pool->low);
    json_unsigned(json, "high", pool->high);
    json_bool(json, "adaptive", pool->adaptive);
    json_unsigned(json, "hits", pool->hits);
    json_unsigned(json, "misses", pool->misses);
    json_unsigned(json, "refills", pool->refills);
    json_unsigned(json, "failures", pool->failures);
    json_string(json, "degraded", pool->degraded[0] ? pool->degraded : NULL);
    json_object_end(json);
}

static void print_json(const struct chaos_pool *list, size_t nr)
{
    struct json json;

    json_init(&json, out_sink, NULL);
    json_object(&json, NULL);
    json_unsigned(&json, "schema", 1);
    json_array(&json, "pools");
    for (size_t i = 0; i < nr; i++)
        print_json_pool(&json, &list[i]);
    json_array_end(&json);
    json_object_end(&json);
}

static int list(struct chaos_client *client, const struct pool_options *given, bool counts,
                struct chaos_error *err)
{
    struct chaos_pool *pools;
    size_t nr;
    int rc = chaos_client_pools(client, &pools, &nr, err);

    if (rc < 0)
        return rc;
    if (given->format && strcmp(given->format, "json") == 0)
        print_json(pools, nr);
    else if (counts)
        print_counts(pools, nr);
    else
        print_levels(pools, nr);
    return 0; /* exit frees the list */
}

/* "BRIDGE[,BRIDGE...]" */
static int read_bridges(const char *text, struct chaos_pool *pool, struct chaos_error *err)
{
    while (text && *text) {
        size_t length = strcspn(text, ",");

        if (pool->nr_vifs == CHAOS_VIFS_MAX || length == 0 || length >= sizeof(pool->bridge[0]))
            return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                                   "--vif: at most %d names of bridges of 1 to 15 bytes",
                                   CHAOS_VIFS_MAX);
        memcpy(pool->bridge[pool->nr_vifs++], text, length);
        text += length;
        text += *text == ',';
    }
    return 0;
}

static int copy_text(char *out, size_t size, const char *what, const char *text,
                     struct chaos_error *err)
{
    if (text && strlen(text) >= size)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "the %s is longer than %zu bytes",
                               what, size - 1);
    if (text)
        strcpy(out, text);
    return 0;
}

static int set(struct chaos_client *client, const struct pool_options *given, const char *name,
               struct chaos_error *err)
{
    struct chaos_pool pool = {
        .memory_mib = given->memory,
        .vcpus = given->vcpus ? given->vcpus : 1,
        .low = given->low,
        .high = given->high ? given->high : given->low,
    };
    int rc;

    if (given->bus && strcmp(given->bus, "xenstore") == 0)
        pool.bus = CHAOS_BUS_XENSTORE;
    rc = copy_text(pool.name, sizeof(pool.name), "name", name, err);
    if (rc == 0)
        rc = copy_text(pool.kernel, sizeof(pool.kernel), "kernel's path", given->kernel, err);
    if (rc == 0)
        rc = copy_text(pool.ramdisk, sizeof(pool.ramdisk), "ramdisk's path", given->ramdisk, err);
    if (rc == 0)
        rc = read_bridges(given->vif, &pool, err);
    return rc < 0 ? rc : chaos_client_pool_set(client, &pool, err);
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const char *what = call->nr_args > 0 ? call->args[0] : "list";
    const char *name = call->nr_args > 1 ? call->args[1] : NULL;
    const bool is_set = strcmp(what, "set") == 0, is_stats = strcmp(what, "stats") == 0;
    struct chaos_client *client;
    int rc;

    if (is_set != (name != NULL) && strcmp(what, "drain") != 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               is_set ? "set needs the name of a pool" : "unexpected argument '%s'",
                               name);
    if (!is_set && !is_stats && strcmp(what, "list") != 0 && strcmp(what, "drain") != 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "'%s' is not one of list, set, drain, stats", what);
    rc = chaos_client_open(NULL, &client, err);
    if (rc < 0)
        return rc;
    if (is_set)
        return set(client, call->options, name, err);
    if (strcmp(what, "drain") == 0)
        return chaos_client_pool_drain(client, name, err);
    return list(client, call->options, is_stats, err);
}

const struct command cmd_pool = {
    .name = "pool",
    .run = run,
    .summary = "show or change chaosd's pools of shells",
    .synopsis = "[list | stats | set NAME | drain [NAME]]",
    .notes =
        "set makes a pool, or changes the marks of the one that there is; drain empties a pool\n"
        "(or all), and keeps it empty until it is set again or, an adaptive one, asked for.",
    .options = options,
    .max_args = 2,
};
