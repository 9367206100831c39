// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

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
    chaos_close(chaos);
    if (domain.name[0] == '\0')
        return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND,
                               "domain %u has no name here: it was not made by chaos",
                               domain.domid);
    out_printf("%s\n", domain.name);
    return 0;
}

const struct command cmd_domname = {
    .name = "domname",
    .run = run,
    .summary = "print the name of a domain",
    .synopsis = "DOMAIN",
    .min_args = 1,
    .max_args = 1,
    .complete = CMD_COMPLETE_DOMAIN,
};
