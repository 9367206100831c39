// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "cmd.h"
#include "domains.h"

struct reboot_options {
    uint32_t timeout_s;
};

#define DEFAULT_TIMEOUT_S 60

static const struct opt_spec options[] = {
    OPT_UNSIGNED(struct reboot_options, timeout_s, 't', "timeout", "SECONDS", 1, 86400,
                 "give up after so long (default 60); the exit status is 7"),
    OPT_END,
};

/* chaosd does what on_reboot says; without it we do, and that is to create it anew. */
static int reboot(struct chaos *chaos, struct chaos_domain *domain,
                  const struct chaos_config *config, uint32_t seconds, struct chaos_error *err)
{
    int rc = chaos_domain_request(chaos, domain, CHAOS_SHUTDOWN_REBOOT, err);

    if (rc == 0)
        rc = chaos_domain_wait(chaos, domain, seconds * 1000, err);
    if (rc < 0)
        return rc;
    if (domains_have_daemon())
        return domains_await(chaos, domain, config->on_reboot, seconds, err);
    if (domain->dying)
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND,
                               "domain %u was destroyed by somebody else meanwhile", domain->domid);
    return domains_recreate(chaos, domain, err);
}

static int act(struct chaos *chaos, struct chaos_domain *domain, const void *given,
               struct chaos_error *err)
{
    const struct reboot_options *how = given;
    uint32_t seconds = how->timeout_s ? how->timeout_s : DEFAULT_TIMEOUT_S;
    struct chaos_config config;
    int rc = chaos_domain_config(chaos, domain, &config, err);

    if (rc < 0)
        return rc;
    rc = reboot(chaos, domain, &config, seconds, err);
    chaos_config_free(&config);
    return rc;
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    return domains_each(call, act, NULL, err);
}

const struct command cmd_reboot = {
    .name = "reboot",
    .run = run,
    .summary = "ask the guest to shut down, and create it anew",
    .synopsis = "DOMAIN...",
    .notes = "It keeps its name, uuid and MAC addresses, and gets a new domain id. With chaosd,\n"
             "on_reboot of its configuration says what is done instead.",
    .options = options,
    .min_args = 1,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_DOMAIN,
};
