// SPDX-License-Identifier: BSD-3-Clause
#include "cmd.h"
#include "domains.h"

struct destroy_options {
    bool force;
};

static const struct opt_spec options[] = {
    OPT_FLAG(struct destroy_options, force, 'f', "force",
             "also a domain that was not made by chaos"),
    OPT_END,
};

static int act(struct chaos *chaos, struct chaos_domain *domain, const void *given,
               struct chaos_error *err)
{
    const struct destroy_options *how = given;

    return chaos_domain_destroy(chaos, domain, how->force, err);
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    return domains_each(call, act, err);
}

const struct command cmd_destroy = {
    .name = "destroy",
    .run = run,
    .summary = "stop a domain at once and remove it",
    .synopsis = "DOMAIN...",
    .options = options,
    .min_args = 1,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_DOMAIN,
};
