// SPDX-License-Identifier: BSD-3-Clause
#include "cmd.h"
#include "console.h"
#include "domains.h"

struct console_options {
    bool no_follow;
};

static const struct opt_spec options[] = {
    OPT_FLAG(struct console_options, no_follow, 0, "no-follow",
             "print what stands in the console's ring, leave it there, and return"),
    OPT_END,
};

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct console_options *given = call->options;
    struct chaos_domain domain;
    struct chaos *chaos;
    int rc = domains_find(call->args[0], &chaos, &domain, err);

    if (rc < 0)
        return rc;
    rc = console_run(chaos, &domain, given->no_follow ? 0 : CONSOLE_FOLLOW, err);
    chaos_close(chaos);
    return rc;
}

const struct command cmd_console = {
    .name = "console",
    .run = run,
    .summary = "attach to the guest's console; Ctrl+] detaches",
    .synopsis = "DOMAIN",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .complete = CMD_COMPLETE_DOMAIN,
};
