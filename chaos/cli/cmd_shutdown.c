// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>

#include "cmd.h"
#include "domains.h"
#include "output.h"

struct shutdown_options {
    bool wait, all;
    uint32_t timeout_s;
};

#define DEFAULT_TIMEOUT_S 60

static const struct opt_spec options[] = {
    OPT_FLAG(struct shutdown_options, wait, 'w', "wait", "wait until the domain is gone"),
    OPT_FLAG(struct shutdown_options, all, 'a', "all", "all domains made by chaos"),
    OPT_UNSIGNED(struct shutdown_options, timeout_s, 't', "timeout", "SECONDS", 1, 86400,
                 "with -w: give up after so long (default 60); the exit status is 7"),
    OPT_END,
};

/* Asks; who cleans up afterwards is chaosd, us, or a process of its own. */
static int ask(struct chaos *chaos, struct chaos_domain *domain, const void *given,
               struct chaos_error *err)
{
    const struct shutdown_options *how = given;
    int rc = chaos_domain_request(chaos, domain, CHAOS_SHUTDOWN_POWEROFF, err);

    if (rc == 0 && !how->wait && !domains_have_daemon())
        rc = domains_watch(domain, err);
    return rc;
}

static int finish(struct chaos *chaos, struct chaos_domain *domain, const void *given,
                  struct chaos_error *err)
{
    const struct shutdown_options *how = given;
    uint32_t seconds = how->timeout_s ? how->timeout_s : DEFAULT_TIMEOUT_S;
    int rc = chaos_domain_wait(chaos, domain, seconds * 1000, err);

    return rc < 0 ? rc : domains_after_shutdown(chaos, domain, err);
}

static int ask_and_wait(struct chaos *chaos, struct chaos_domain *domain, const void *given,
                        struct chaos_error *err)
{
    const struct shutdown_options *how = given;
    int rc = ask(chaos, domain, given, err);

    return rc < 0 || !how->wait ? rc : finish(chaos, domain, given, err);
}

/* First all are asked, then all are waited for. */
static int shut_down_all(const struct cmd_call *call, struct chaos_error *err)
{
    domain_action *const turns[] = {ask, finish};
    const struct shutdown_options *how = call->options;
    struct chaos_error failure = {0};
    struct chaos_domain *list;
    struct chaos *chaos;
    size_t i, nr, turn;
    int rc;

    rc = chaos_open(&chaos, err);
    if (rc < 0)
        return rc;
    rc = chaos_domain_list(chaos, &list, &nr, err);
    if (rc < 0) {
        chaos_close(chaos);
        return rc;
    }
    for (turn = 0; turn < (how->wait ? 2 : 1); turn++)
        for (i = 0; i < nr; i++) {
            if (list[i].domid == 0 || list[i].name[0] == '\0')
                continue;
            if (turns[turn](chaos, &list[i], how, err) < 0) {
                out_note_as("shutdown", "%s", err->text);
                failure = *err;
                list[i].name[0] = '\0'; /* no second turn */
            }
        }
    free(list);
    chaos_close(chaos);
    failure.text[0] = '\0';
    *err = failure;
    return failure.code;
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct shutdown_options *how = call->options;

    if (how->all && call->nr_args > 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "--all and the name of a domain exclude each other");
    if (!how->all && call->nr_args == 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "needs DOMAIN... or --all");
    return how->all ? shut_down_all(call, err) : domains_each(call, ask_and_wait, NULL, err);
}

const struct command cmd_shutdown = {
    .name = "shutdown",
    .run = run,
    .summary = "ask the guest to shut down",
    .synopsis = "DOMAIN...",
    .notes = "Afterwards on_poweroff of its configuration is done: in the background, or with -w\n"
             "before this command returns.",
    .options = options,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_DOMAIN,
};
