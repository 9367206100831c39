// SPDX-License-Identifier: BSD-3-Clause
#include "cmd.h"
#include "domains.h"

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    struct chaos_domain domain;
    struct chaos *chaos;
    int rc = domains_find(call->args[0], &chaos, &domain, err);

    if (rc < 0)
        return rc;
    rc = chaos_domain_rename(chaos, &domain, call->args[1], err);
    chaos_close(chaos);
    return rc;
}

const struct command cmd_rename = {
    .name = "rename",
    .run = run,
    .summary = "give a domain another name",
    .synopsis = "DOMAIN NAME",
    .min_args = 2,
    .max_args = 2,
    .complete = CMD_COMPLETE_DOMAIN,
};
