// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chaos/checkpoint.h>

#include "cleanup.h"
#include "cmd.h"
#include "timing.h"

struct restore_options {
    bool paused;
    const char *name, *timing;
};

static const struct opt_spec options[] = {
    OPT_FLAG(struct restore_options, paused, 'p', "paused", "do not let the guest go on yet"),
    OPT_STRING(struct restore_options, name, 'n', "name", "NAME",
               "give it another name; short for name=NAME"),
    OPT_STRING_OPTIONAL(struct restore_options, timing, 0, "timing", "text|json", "text",
                        "print how long each step took, in microseconds"),
    OPT_END,
};

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct restore_options *given = call->options;
    const size_t nr = (size_t)call->nr_args - 1;
    cleanup_free const char **overrides = malloc((nr + 1) * sizeof(*overrides));
    char name[8 + CHAOS_NAME_MAX];
    struct chaos_timing timing = {.nr = 0};
    struct chaos_restore_options how = {
        .paused = given->paused,
        .overrides = overrides,
        .nr_overrides = nr,
        .timing = given->timing ? &timing : NULL,
    };
    struct chaos_domain domain;
    struct chaos *chaos;
    int rc;

    if (!overrides)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    memcpy(overrides, call->args + 1, nr * sizeof(*overrides));
    if (given->name) {
        rc = chaos_name_check(given->name, err);
        if (rc < 0)
            return rc;
        snprintf(name, sizeof(name), "name=\"%s\"", given->name);
        overrides[how.nr_overrides++] = name;
    }
    rc = chaos_open(&chaos, err);
    if (rc == 0)
        rc = chaos_domain_restore(chaos, call->args[0], &how, &domain, err);
    if (rc == 0 && given->timing)
        timing_print(&timing, &domain, given->timing);
    return rc; /* exit closes the handle, and all at once */
}

const struct command cmd_restore = {
    .name = "restore",
    .run = run,
    .summary = "let a saved guest go on, in a domain of its own",
    .synopsis = "FILE [KEY=VALUE...]",
    .notes = "KEY=VALUE is a further line of the configuration, and wins over what was saved.\n"
             "While a domain has the guest's uuid, it gets a new one, and new MAC addresses.",
    .options = options,
    .min_args = 1,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_FILE,
};
