// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "domains.h"
#include "json.h"
#include "output.h"

struct list_options {
    const char *format;
    bool quiet, all;
};

static const struct opt_spec options[] = {
    OPT_STRING(struct list_options, format, 'o', "output", "table|wide|json|name",
               "how to print them (default: table, as xl does)"),
    OPT_FLAG(struct list_options, quiet, 'q', "quiet", "only ids, one a line"),
    OPT_FLAG(struct list_options, all, 'a', "all", "chaosd's shells, too"),
    OPT_END,
};

#define NS_PER_TENTH 100000000u /* of a second */
#define KIB_PER_MIB  1024

static const char reason_letters[] = "-rscwS";
static const char *const reason_names[] = {"poweroff", "reboot",   "suspend",
                                           "crash",    "watchdog", "soft-reset"};
#define NR_REASONS (sizeof(reason_names) / sizeof(reason_names[0]))

static char reason_letter(const struct chaos_domain *domain)
{
    if (!domain->shutdown || domain->reason >= NR_REASONS)
        return '-';
    return reason_letters[domain->reason];
}

static const char *state_name(const struct chaos_domain *domain)
{
    if (domain->dying)
        return "dying";
    if (domain->shutdown)
        return "shutdown";
    if (domain->paused)
        return "paused";
    return domain->running ? "running" : "blocked";
}

/* xl's columns: scripts split them by white space. */
static void print_row(const struct chaos_domain *domain)
{
    const uint64_t tenths = (domain->cpu_ns + NS_PER_TENTH / 2) / NS_PER_TENTH;
    const char state[] = {domain->running ? 'r' : '-', domain->blocked ? 'b' : '-',
                          domain->paused ? 'p' : '-',  domain->shutdown ? 's' : '-',
                          reason_letter(domain),       domain->dying ? 'd' : '-'};

    out_left(domain->name[0] ? domain->name : domain->shell ? "(shell)" : "(null)", 40);
    out_str(" ");
    out_number(domain->domid, 5);
    out_str(" ");
    out_number(domain->memory_kib / KIB_PER_MIB, 5);
    out_str(" ");
    out_number(domain->vcpus, 5);
    out_str("     ");
    out_write(state, sizeof(state));
    out_str("  ");
    out_number(tenths / 10, 6);
    out_str(".");
    out_number(tenths % 10, 1);
}

static void print_table(const struct chaos_domain *list, size_t nr, bool wide)
{
    char uuid[37];
    size_t i;

    out_str("Name                                        ID   Mem VCPUs\tState\tTime(s)");
    out_str(wide ? "   UUID                                 Type\n" : "\n");
    for (i = 0; i < nr; i++) {
        print_row(&list[i]);
        if (wide) {
            chaos_uuid_format(list[i].uuid, uuid);
            out_printf(" %s %s", uuid, list[i].pvh_or_hvm ? "hvm" : "pv");
        }
        out_str("\n");
    }
}

static void print_json(const struct chaos_domain *list, size_t nr)
{
    struct json json;
    char uuid[37];
    size_t i;

    json_init(&json, out_sink, NULL);
    json_object(&json, NULL);
    json_unsigned(&json, "schema", 1);
    json_array(&json, "domains");
    for (i = 0; i < nr; i++) {
        const struct chaos_domain *domain = &list[i];

        chaos_uuid_format(domain->uuid, uuid);
        json_object(&json, NULL);
        json_string(&json, "name", domain->name[0] ? domain->name : NULL);
        json_unsigned(&json, "domid", domain->domid);
        json_string(&json, "uuid", uuid);
        json_string(&json, "type", domain->pvh_or_hvm ? "hvm" : "pv");
        json_string(&json, "state", state_name(domain));
        json_string(&json, "reason",
                    domain->shutdown && domain->reason < NR_REASONS ? reason_names[domain->reason]
                                                                    : NULL);
        json_bool(&json, "shell", domain->shell);
        json_unsigned(&json, "memory_kib", domain->memory_kib);
        json_unsigned(&json, "vcpus", domain->vcpus);
        json_unsigned(&json, "cpu_ns", domain->cpu_ns);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
}

static void print_names(const struct chaos_domain *list, size_t nr)
{
    size_t i;

    for (i = 0; i < nr; i++)
        if (list[i].name[0] && list[i].domid != 0)
            out_printf("%s\n", list[i].name);
}

static void print(const struct list_options *given, const struct chaos_domain *list, size_t nr)
{
    const char *format = given->format ? given->format : "table";
    size_t i;

    if (given->quiet)
        for (i = 0; i < nr; i++)
            out_printf("%u\n", list[i].domid);
    else if (strcmp(format, "json") == 0)
        print_json(list, nr);
    else if (strcmp(format, "name") == 0)
        print_names(list, nr);
    else
        print_table(list, nr, strcmp(format, "wide") == 0);
}

/* Returns how many are left. */
static size_t drop_shells(struct chaos_domain *list, size_t nr)
{
    size_t i, kept = 0;

    for (i = 0; i < nr; i++)
        if (!list[i].shell)
            list[kept++] = list[i];
    return kept;
}

static int find_all(struct chaos *chaos, const struct cmd_call *call, struct chaos_domain **list,
                    size_t *nr, struct chaos_error *err)
{
    const struct list_options *given = call->options;
    int i, rc = 0;

    if (call->nr_args == 0) {
        rc = chaos_domain_list(chaos, list, nr, err);
        if (rc == 0 && !given->all)
            *nr = drop_shells(*list, *nr);
        return rc;
    }
    *nr = (size_t)call->nr_args;
    *list = calloc(*nr, sizeof(**list));
    if (!*list)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    for (i = 0; rc == 0 && i < call->nr_args; i++)
        rc = chaos_domain_find(chaos, call->args[i], &(*list)[i], err);
    if (rc < 0)
        free(*list);
    return rc;
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    struct chaos_domain *list;
    struct chaos *chaos;
    size_t nr;
    int rc;

    rc = chaos_open(&chaos, err);
    if (rc < 0)
        return rc;
    rc = find_all(chaos, call, &list, &nr, err);
    chaos_close(chaos);
    if (rc < 0)
        return rc;
    print(call->options, list, nr);
    free(list);
    return 0;
}

const struct command cmd_list = {
    .name = "list",
    .run = run,
    .summary = "list the domains of this host",
    .synopsis = "[DOMAIN...]",
    .options = options,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_DOMAIN,
};
