// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

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

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    (void)call;
    if (chaos_doctor(show, NULL))
        return 0;
    chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE, "%s", ""); /* the lines say it all */
    return err->code;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .run = run,
    .summary = "check that this host has what guests need",
    .notes =
        "One line a check: \"ok\", \"-\" for what this host does not have and does not need, or "
        "\"FAIL\" and what to do. The exit status is 0 if nothing failed.",
};
