// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <signal.h>

#include <chaos/console.h>
#include <chaos/domain.h>

#include "cmd.h"
#include "console.h"
#include "output.h"
#include "timing.h"

struct create_options {
    bool paused, dry_run, console, strict, quiet;
    const char *timing;
};

static const struct opt_spec options[] = {
    OPT_FLAG(struct create_options, paused, 'p', "paused", "do not let the guest run yet"),
    OPT_FLAG(struct create_options, dry_run, 'N', "dryrun",
             "only check the configuration and print it as JSON"),
    OPT_FLAG(struct create_options, console, 'c', "console", "attach to the guest's console"),
    OPT_FLAG(struct create_options, strict, 0, "strict", "take warnings for errors"),
    OPT_STRING_OPTIONAL(struct create_options, timing, 0, "timing", "text|json", "text",
                        "print how long each step took, in microseconds"),
    OPT_FLAG(struct create_options, quiet, 'q', "quiet", "print no warnings"),
    OPT_END,
};

static void warn(void *opaque, const char *text)
{
    (void)opaque;
    out_note_as("create", "warning: %s", text);
}

static void sink(void *opaque, const char *text, size_t length)
{
    (void)opaque;
    out_write(text, length);
}

static void on_signal(int number)
{
    (void)number;
}

/* A signal ends the wait for the network, which then fails and undoes all. */
static void let_signals_interrupt(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = on_signal};
    size_t i;

    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

static int create(const struct create_options *given, const struct chaos_config *config,
                  struct chaos_error *err)
{
    struct chaos_timing timing = {.nr = 0};
    const struct chaos_create_options how = {
        .paused = given->paused || given->console,
        .timing = given->timing ? &timing : NULL,
    };
    struct chaos_domain domain;
    struct chaos *chaos;
    int rc;

    rc = chaos_open(&chaos, err);
    if (rc < 0)
        return rc;
    if (config->nr_vifs > 0)
        let_signals_interrupt();
    rc = chaos_domain_create(chaos, config, &how, &domain, err);
    if (rc == 0 && given->timing)
        timing_print(&timing, &domain, given->timing);
    if (rc == 0 && given->console)
        rc = console_run(chaos, &domain, CONSOLE_FOLLOW | (given->paused ? 0 : CONSOLE_UNPAUSE),
                         err);
    return rc; /* exit closes the handle, and all at once */
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct create_options *given = call->options;
    const struct chaos_config_options how = {
        .strict = given->strict,
        .warning = given->quiet ? NULL : warn,
    };
    struct chaos_config config;
    int rc;

    rc = chaos_config_load(call->args[0], call->args + 1, (size_t)call->nr_args - 1, &how, &config,
                           err);
    if (rc < 0)
        return rc;
    if (!given->dry_run)
        return create(given, &config, err);
    chaos_config_json(&config, sink, NULL);
    return 0;
}

const struct command cmd_create = {
    .name = "create",
    .run = run,
    .summary = "create a domain from a configuration file",
    .synopsis = "FILE [KEY=VALUE...]",
    .notes = "KEY=VALUE is a further line of the configuration, and wins over the file.",
    .options = options,
    .min_args = 1,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_FILE,
};
