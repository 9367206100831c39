// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include <chaos/client.h>

#include "cmd.h"
#include "json.h"
#include "output.h"

struct stats_options {
    const char *format;
};

static const struct opt_spec options[] = {
    OPT_STRING(struct stats_options, format, 'o', "output", "table|json", "how to print them"),
    OPT_END,
};

static void print_table(const struct chaos_client_info *info, const struct chaos_metric *list,
                        size_t nr)
{
    out_printf("chaosd %s, pid %u, up %" PRIu64 ".%03" PRIu64 " s%s%s\n", info->version, info->pid,
               info->uptime_ms / 1000, info->uptime_ms % 1000,
               info->degraded[0] ? ", degraded: " : "", info->degraded);
    out_str("                      count    p50 us    p99 us    max us\n");
    for (const struct chaos_metric *m = list; m < list + nr; m++) {
        out_printf("%-18s %8" PRIu64, m->name, m->value);
        if (m->timed)
            out_printf(" %9.1f %9.1f %9.1f", (double)m->p50_ns / 1e3, (double)m->p99_ns / 1e3,
                       (double)m->max_ns / 1e3);
        out_str("\n");
    }
}

static void print_json(const struct chaos_client_info *info, const struct chaos_metric *list,
                       size_t nr)
{
    struct json json;

    json_init(&json, out_sink, NULL);
    json_object(&json, NULL);
    json_unsigned(&json, "schema", 1);
    json_string(&json, "version", info->version);
    json_unsigned(&json, "pid", info->pid);
    json_unsigned(&json, "uptime_ms", info->uptime_ms);
    json_string(&json, "degraded", info->degraded[0] ? info->degraded : NULL);
    json_object(&json, "metrics");
    for (const struct chaos_metric *m = list; m < list + nr; m++) {
        if (!m->timed) {
            json_unsigned(&json, m->name, m->value);
            continue;
        }
        json_object(&json, m->name);
        json_unsigned(&json, "count", m->value);
        json_unsigned(&json, "p50_ns", m->p50_ns);
        json_unsigned(&json, "p99_ns", m->p99_ns);
        json_unsigned(&json, "max_ns", m->max_ns);
        json_object_end(&json);
    }
    json_object_end(&json);
    json_object_end(&json);
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct stats_options *given = call->options;
    struct chaos_client_info info;
    struct chaos_client *client;
    struct chaos_metric *list;
    size_t nr;
    int rc;

    rc = chaos_client_open(NULL, &client, err);
    if (rc == 0)
        rc = chaos_client_info(client, &info, err);
    if (rc == 0)
        rc = chaos_client_stats(client, &list, &nr, err);
    if (rc < 0)
        return rc;
    if (given->format && strcmp(given->format, "json") == 0)
        print_json(&info, list, nr);
    else
        print_table(&info, list, nr);
    return 0; /* exit frees the list */
}

const struct command cmd_stats = {
    .name = "stats",
    .run = run,
    .summary = "show what chaosd has done, and how fast",
    .options = options,
};
