// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

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

/* Between the two lives of a guest that is being restarted there is no domain: then it ends here.
 */
static int absent(struct chaos *chaos, const char *which)
{
    const char *name = strncmp(which, "name:", 5) == 0 ? which + 5 : which;
    struct chaos_error ignored;

    if (chaos_name_check(name, &ignored) < 0 || !chaos_domain_call_off_restart(chaos, name))
        return -ENOENT;
    return 0;
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    return domains_each(call, act, absent, err);
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
