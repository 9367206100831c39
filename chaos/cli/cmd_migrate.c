// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <chaos/client.h>

#include "cmd.h"
#include "json.h"
#include "output.h"
#include "timing.h"

struct migrate_options {
    bool live, compress, finish, force, discard, list;
    uint32_t timeout_s;
    const char *format, *timing;
};

static const struct opt_spec options[] = {
    OPT_FLAG(struct migrate_options, live, 0, "live",
             "send memory while the guest runs, then only what it changed"),
    OPT_FLAG(struct migrate_options, compress, 0, "compress",
             "send less, with lz4: over links that are slower than it"),
    OPT_FLAG(struct migrate_options, finish, 0, "finish",
             "ask the other host about a guest that is in doubt"),
    OPT_FLAG(struct migrate_options, force, 'f', "force",
             "with --finish: a host that cannot be asked is lost for good"),
    OPT_FLAG(struct migrate_options, discard, 0, "discard",
             "drop a copy that waits here for its own host"),
    OPT_FLAG(struct migrate_options, list, 0, "list", "show migrations that have not ended"),
    OPT_STRING(struct migrate_options, format, 'o', "output", "table|json",
               "with --list: how to print them"),
    OPT_UNSIGNED(struct migrate_options, timeout_s, 't', "timeout", "SECONDS", 1, 86400,
                 "give up if the guest has not suspended itself by then (default 10)"),
    OPT_STRING_OPTIONAL(struct migrate_options, timing, 0, "timing", "text|json", "text",
                        "print how long each step took, in microseconds"),
    OPT_END,
};

/* ---------------------------------------------------------------- list */

static void print_table(const struct chaos_migration *list, size_t nr)
{
    out_str("Name                                        ID Role   Phase      Host"
            "                     Next try\n");
    for (const struct chaos_migration *m = list; m < list + nr; m++) {
        out_printf("%-40s %5" PRIu32 " %-6s %-10s %-24s", m->name, m->domid, m->role, m->phase,
                   m->host);
        if (m->retry_ms)
            out_printf(" in %" PRIu64 " s", (m->retry_ms + 999) / 1000);
        if (m->detail[0])
            out_printf(" (%s)", m->detail);
        out_str("\n");
    }
}

static void print_json(const struct chaos_migration *list, size_t nr)
{
    struct json j;
    char uuid[37];

    json_init(&j, out_sink, NULL);
    json_object(&j, NULL);
    json_unsigned(&j, "schema", 1);
    json_array(&j, "migrations");
    for (const struct chaos_migration *m = list; m < list + nr; m++) {
        chaos_uuid_format(m->uuid, uuid);
        json_object(&j, NULL);
        json_string(&j, "name", m->name);
        json_unsigned(&j, "domid", m->domid);
        json_string(&j, "uuid", uuid);
        json_string(&j, "role", m->role);
        json_string(&j, "phase", m->phase);
        json_string(&j, "host", m->host);
        json_string(&j, "detail", m->detail[0] ? m->detail : NULL);
        json_unsigned(&j, "tries", m->tries);
        json_unsigned(&j, "retry_ms", m->retry_ms);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
}

static int list(struct chaos_client *client, const struct migrate_options *given,
                struct chaos_error *err)
{
    struct chaos_migration *migrations;
    size_t nr;
    int rc = chaos_client_migrations(client, &migrations, &nr, err);

    if (rc < 0)
        return rc;
    if (given->format && strcmp(given->format, "json") == 0)
        print_json(migrations, nr);
    else
        print_table(migrations, nr);
    return 0; /* exit frees the list */
}

/* ---------------------------------------------------------------- the rest */

static int finish(struct chaos_client *client, const char *which, bool force,
                  struct chaos_error *err)
{
    char host[256];
    int rc = chaos_client_migrate_finish(client, which, force, host, sizeof(host), err);

    if (rc < 0)
        return rc;
    if (host[0])
        out_printf("%s runs on %s\n", which, host);
    else
        out_printf("%s runs here\n", which);
    return 0;
}

static int migrate(struct chaos_client *client, const struct migrate_options *given,
                   const struct cmd_call *call, struct chaos_error *err)
{
    struct chaos_timing timing = {.nr = 0};
    const struct chaos_client_migrate request = {
        .which = call->args[0],
        .host = call->args[1],
        .timeout_ms = given->timeout_s * 1000,
        .live = given->live,
        .compress = given->compress,
        .timing = given->timing ? &timing : NULL,
    };
    struct chaos_domain domain;
    int rc = chaos_client_migrate(client, &request, &domain, err);

    if (rc == 0 && given->timing)
        timing_print(&timing, &domain, given->timing);
    return rc;
}

static int check(const struct migrate_options *given, int nr_args, struct chaos_error *err)
{
    const int what = given->finish + given->discard + given->list;
    const int wanted = given->list ? 0 : what ? 1 : 2;

    if (what > 1)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "--finish, --discard and --list exclude each other");
    if (given->force && !given->finish)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "--force is for --finish");
    if (what && (given->timeout_s || given->timing || given->live || given->compress))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "--live, --compress, --timeout and --timing are for a guest that "
                               "is to be moved");
    if (nr_args == wanted)
        return 0;
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "%s",
                           given->list ? "--list takes no argument"
                           : what      ? "one DOMAIN is wanted"
                                       : "DOMAIN and HOST are wanted");
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct migrate_options *given = call->options;
    struct chaos_client *client;
    int rc = check(given, call->nr_args, err);

    if (rc == 0)
        rc = chaos_client_open(NULL, &client, err);
    if (rc == 0) /* as long as it takes: there are other limits */
        rc = chaos_client_timeout(client, 0, err);
    if (rc < 0)
        return rc;
    if (given->list)
        return list(client, given, err);
    if (given->finish)
        return finish(client, call->args[0], given->force, err);
    if (given->discard)
        return chaos_client_migrate_discard(client, call->args[0], err);
    return migrate(client, given, call, err);
}

const struct command cmd_migrate = {
    .name = "migrate",
    .run = run,
    .summary = "move a guest to another host",
    .synopsis = "DOMAIN HOST[:PORT]",
    .notes =
        "With --finish or --discard: DOMAIN only; with --list: nothing. Needs chaosd, on both\n"
        "hosts.",
    .options = options,
    .max_args = 2,
    .complete = CMD_COMPLETE_DOMAIN,
};
