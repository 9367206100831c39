// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include <chaos/client.h>

#include "clean.h"
#include "cmd.h"
#include "follow.h"
#include "output.h"

struct logs_options {
    bool follow, raw;
    const char *tail;
};

static const struct opt_spec options[] = {
    OPT_FLAG(struct logs_options, follow, 'f', "follow",
             "and what comes, through restarts, until the guest is gone"),
    OPT_STRING(struct logs_options, tail, 'n', "tail", "LINES", "only the last lines"),
    OPT_FLAG(struct logs_options, raw, 0, "raw",
             "on a terminal, too, exactly the bytes that the guest wrote"),
    OPT_END,
};

/* "0" is a number of lines as well: only what comes. */
static int parse_tail(const char *text, uint32_t *lines, struct chaos_error *err)
{
    uint64_t value = 0;
    const char *at;

    *lines = UINT32_MAX;
    if (!text)
        return 0;
    for (at = text; *at >= '0' && *at <= '9' && value < UINT32_MAX; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    if (at == text || *at != '\0' || value >= UINT32_MAX)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "'%s' is no number of lines", text);
    *lines = (uint32_t)value;
    return 0;
}

static int print_all(struct chaos_client *client, bool clean, struct chaos_error *err)
{
    struct cleaner cleaner = {0};
    struct chaos_output output;
    int rc;

    for (;;) {
        rc = chaos_client_output(client, &output, err);
        if (rc < 0) {
            rc = follow_on(client, rc, err);
            if (rc <= 0)
                return rc;
            continue;
        }
        if (output.lost)
            out_note_as("logs", "%" PRIu64 " bytes before these are not kept any more",
                        output.lost);
        if (clean)
            clean_write(&cleaner, output.bytes, output.length);
        else
            out_write(output.bytes, output.length);
    }
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct logs_options *given = call->options;
    struct chaos_client *client;
    uint32_t tail;
    int rc = parse_tail(given->tail, &tail, err);

    if (rc == 0)
        rc = chaos_client_open(NULL, &client, err);
    if (rc < 0)
        return rc;
    rc = chaos_client_logs(client, call->args[0], tail, given->follow, err);
    if (rc == 0)
        rc = print_all(client, !given->raw && isatty(STDOUT_FILENO), err);
    chaos_client_close(client);
    return rc;
}

const struct command cmd_logs = {
    .name = "logs",
    .run = run,
    .summary = "print what a guest has written to its console",
    .synopsis = "DOMAIN",
    .notes = "Needs chaosd, which keeps the last 16 KiB of each guest, and for a while those of\n"
             "guests that are gone.",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .complete = CMD_COMPLETE_DOMAIN,
};
