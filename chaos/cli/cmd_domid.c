// SPDX-License-Identifier: BSD-3-Clause
#include "cmd.h"
#include "domains.h"
#include "output.h"

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    struct chaos_domain domain;
    struct chaos *chaos;
    int rc = domains_find(call->args[0], &chaos, &domain, err);

    if (rc < 0)
        return rc;
    out_printf("%u\n", domain.domid);
    chaos_close(chaos);
    return 0;
}

const struct command cmd_domid = {
    .name = "domid",
    .run = run,
    .summary = "print the id of a domain",
    .synopsis = "DOMAIN",
    .min_args = 1,
    .max_args = 1,
    .complete = CMD_COMPLETE_DOMAIN,
};
