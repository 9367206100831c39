// SPDX-License-Identifier: BSD-3-Clause
#include "cmd.h"
#include "domains.h"

static int act(struct chaos *chaos, struct chaos_domain *domain, const void *options,
               struct chaos_error *err)
{
    (void)options;
    return chaos_domain_unpause(chaos, domain, err);
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    return domains_each(call, act, NULL, err);
}

const struct command cmd_unpause = {
    .name = "unpause",
    .run = run,
    .summary = "let a paused domain run",
    .synopsis = "DOMAIN...",
    .min_args = 1,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_DOMAIN,
};
