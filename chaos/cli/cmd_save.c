// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include <chaos/checkpoint.h>

#include "cmd.h"
#include "domains.h"
#include "timing.h"

struct save_options {
    bool go_on, pause, compress;
    uint32_t timeout_s;
    const char *timing;
};

static const struct opt_spec options[] = {
    OPT_FLAG(struct save_options, go_on, 'c', "continue", "let the guest go on when it is saved"),
    OPT_FLAG(struct save_options, pause, 'p', "paused", "leave the guest paused when it is saved"),
    OPT_FLAG(struct save_options, compress, 0, "compress",
             "with lz4: a smaller file, and a slower save and restore"),
    OPT_UNSIGNED(struct save_options, timeout_s, 't', "timeout", "SECONDS", 1, 86400,
                 "give up when the guest has not suspended itself by then (default 10)"),
    OPT_STRING_OPTIONAL(struct save_options, timing, 0, "timing", "text|json", "text",
                        "print how long each step took, in microseconds"),
    OPT_END,
};

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct save_options *given = call->options;
    struct chaos_timing timing = {.nr = 0};
    const struct chaos_save_options how = {
        .after = given->go_on   ? CHAOS_SAVE_CONTINUE
                 : given->pause ? CHAOS_SAVE_PAUSE
                                : CHAOS_SAVE_DESTROY,
        .timeout_ms = given->timeout_s * 1000,
        .compress = given->compress,
        .timing = given->timing ? &timing : NULL,
    };
    struct chaos_domain domain;
    struct chaos *chaos;
    int rc;

    if (given->go_on && given->pause)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "--continue and --paused exclude each other");
    rc = domains_find(call->args[0], &chaos, &domain, err);
    if (rc < 0)
        return rc;
    rc = chaos_domain_save(chaos, &domain, call->args[1], &how, NULL, err);
    if (rc == 0 && given->timing)
        timing_print(&timing, &domain, given->timing);
    return rc; /* exit closes the handle, and all at once */
}

const struct command cmd_save = {
    .name = "save",
    .run = run,
    .summary = "write a guest to a file, from which restore goes on with it",
    .synopsis = "DOMAIN FILE",
    .notes = "Without -c or -p the domain is gone when its guest is saved.",
    .options = options,
    .min_args = 2,
    .max_args = 2,
    .complete = CMD_COMPLETE_DOMAIN,
};
