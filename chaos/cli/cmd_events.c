// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <chaos/client.h>

#include "cmd.h"
#include "follow.h"
#include "json.h"
#include "output.h"

struct events_options {
    const char *format;
    uint32_t tail;
    bool no_follow;
};

static const struct opt_spec options[] = {
    OPT_STRING(struct events_options, format, 'o', "output", "text|json",
               "how to print them (default: text; json is one object a line)"),
    OPT_UNSIGNED(struct events_options, tail, 'n', "tail", "N", 1, 1024,
                 "begin with the last N that were (chaosd keeps 1024)"),
    OPT_FLAG(struct events_options, no_follow, 0, "no-follow", "print these, and return"),
    OPT_END,
};

/* As RFC 3339 has it, in UTC. */
static void format_time(uint64_t ns, char text[40])
{
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm tm;
    size_t length;

    gmtime_r(&seconds, &tm);
    length = strftime(text, 30, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, 10, ".%06uZ", (unsigned int)(ns / 1000 % 1000000));
}

static void print_json(const struct chaos_event *event, const char *when)
{
    static const uint8_t none[16];
    char uuid[37];
    struct json j;

    json_init(&j, out_sink, NULL);
    j.one_line = true;
    json_object(&j, NULL);
    json_unsigned(&j, "sequence", event->sequence);
    if (event->lost)
        json_unsigned(&j, "lost", event->lost);
    json_string(&j, "time", when);
    json_string(&j, "event", event->kind);
    if (event->name[0])
        json_string(&j, "name", event->name);
    if (event->domid)
        json_unsigned(&j, "domid", event->domid);
    if (memcmp(event->uuid, none, sizeof(none)) != 0) {
        chaos_uuid_format(event->uuid, uuid);
        json_string(&j, "uuid", uuid);
    }
    if (event->ended)
        json_string(&j, "reason", chaos_shutdown_name(event->reason));
    if (event->detail[0])
        json_string(&j, "detail", event->detail);
    json_object_end(&j);
}

static void print_text(const struct chaos_event *event, const char *when)
{
    if (event->lost)
        out_printf("(%" PRIu64 " events are missing here)\n", event->lost);
    out_printf("%s %-14s %s", when, event->kind, event->name);
    if (event->domid)
        out_printf(" (%" PRIu32 ")", event->domid);
    if (event->ended)
        out_printf(": %s", chaos_shutdown_name(event->reason));
    if (event->detail[0])
        out_printf(": %s", event->detail);
    out_str("\n");
}

static int print_all(struct chaos_client *client, bool is_json, struct chaos_error *err)
{
    struct chaos_event event;
    char when[40];
    int rc;

    for (;;) {
        rc = chaos_client_next_event(client, &event, err);
        if (rc < 0) {
            rc = follow_on(client, rc, err);
            if (rc <= 0)
                return rc;
            continue;
        }
        format_time(event.time_ns, when);
        if (is_json)
            print_json(&event, when);
        else
            print_text(&event, when);
    }
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct events_options *given = call->options;
    struct chaos_client *client;
    uint32_t tail = given->tail;
    int rc = chaos_client_open(NULL, &client, err);

    if (rc < 0)
        return rc;
    if (given->no_follow && tail == 0)
        tail = UINT32_MAX;
    rc = chaos_client_events(client, tail, !given->no_follow, err);
    if (rc == 0)
        rc = print_all(client, given->format && strcmp(given->format, "json") == 0, err);
    chaos_client_close(client);
    return rc;
}

const struct command cmd_events = {
    .name = "events",
    .run = run,
    .summary = "print what happens to guests, as it happens",
    .synopsis = "",
    .notes = "Needs chaosd.",
    .options = options,
};
