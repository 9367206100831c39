// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>

#include <chaos/client.h>
#include <chaos/host.h>

#include "cmd.h"
#include "output.h"

static void show(void *opaque, const char *subject, enum chaos_finding_state state,
                 const char *text)
{
    static const char *const words[] = {"ok", "-", "FAIL"};

    (void)opaque;
    out_printf("%-4s  %-12s  %s\n", words[state], subject, text);
}

/* A host without it is well, one where it does not do its work is not. */
static bool check_daemon(void)
{
    enum chaos_finding_state state = CHAOS_FINDING_BAD;
    struct chaos_client_info info;
    struct chaos_client *client;
    struct chaos_error err;
    char text[CHAOS_ERROR_TEXT];

    if (chaos_client_open(NULL, &client, &err) == 0 &&
        chaos_client_info(client, &info, &err) == 0) {
        snprintf(text, sizeof(text), "version %s, pid %u%s%s", info.version, info.pid,
                 info.degraded[0] ? ", degraded: " : "", info.degraded);
        if (!info.degraded[0])
            state = CHAOS_FINDING_GOOD;
    } else if (err.exit == CHAOS_EXIT_DAEMON &&
               (err.code == -ENOENT || err.code == -ECONNREFUSED)) {
        snprintf(text, sizeof(text), "does not run: guests are created the cold way (chaosd(8))");
        state = CHAOS_FINDING_ABSENT;
    } else {
        snprintf(text, sizeof(text), "%s", err.text);
    }
    show(NULL, "chaosd", state, text);
    return state != CHAOS_FINDING_BAD;
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    bool well;

    (void)call;
    well = chaos_doctor(show, NULL);
    if (check_daemon() && well)
        return 0;
    chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE, "%s", ""); /* the lines say it all */
    return err->code;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .run = run,
    .summary = "check that this host has what guests need",
    .notes =
        "One line a check: \"ok\", \"-\" for what this host does not have and does not need, or\n"
        "\"FAIL\" and what to do. The exit status is 0 if nothing failed.",
};
