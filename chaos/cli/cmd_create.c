// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <signal.h>

#include <chaos/console.h>
#include <chaos/domain.h>
#include <chaos/host.h>

#include "cmd.h"
#include "config_series.h"
#include "console.h"
#include "output.h"
#include "remote.h"
#include "timing.h"

struct create_options {
    bool paused, dry_run, console, strict, quiet, daemon, no_daemon;
    uint32_t count;
    const char *timing;
};

#define COUNT_MAX 10000

static const struct opt_spec options[] = {
    OPT_FLAG(struct create_options, paused, 'p', "paused", "do not let the guest run yet"),
    OPT_FLAG(struct create_options, dry_run, 'N', "dryrun",
             "only check the configuration and print it as JSON"),
    OPT_UNSIGNED(struct create_options, count, 'n', "count", "N", 1, COUNT_MAX,
                 "create so many, called NAME-1 to NAME-N; \"{n}\" stands for the number"),
    OPT_FLAG(struct create_options, daemon, 0, "daemon", "have chaosd do it, or fail"),
    OPT_FLAG(struct create_options, no_daemon, 0, "no-daemon", "do it here, also if chaosd runs"),
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

static int create(struct chaos *chaos, const struct create_options *given,
                  const struct chaos_config *config, struct chaos_error *err)
{
    struct chaos_timing timing = {.nr = 0};
    const struct chaos_create_options how = {
        .paused = given->paused || given->console,
        .timing = given->timing ? &timing : NULL,
    };
    struct chaos_domain domain;
    int rc = chaos_domain_create(chaos, config, &how, &domain, err);

    if (rc == 0 && given->timing)
        timing_print(&timing, &domain, given->timing);
    if (rc == 0 && given->console)
        rc = console_run(chaos, &domain, CONSOLE_FOLLOW | (given->paused ? 0 : CONSOLE_UNPAUSE),
                         err);
    return rc;
}

static int create_one(const struct create_options *given, const struct chaos_config *config,
                      struct chaos_error *err)
{
    struct chaos *chaos;
    int rc = chaos_open(&chaos, err);

    if (rc < 0)
        return rc;
    if (config->nr_vifs > 0)
        let_signals_interrupt();
    return create(chaos, given, config, err); /* exit closes the handle, and all at once */
}

/* As chaosd would: a failure does not keep the others from being made. */
static int create_series(const struct create_options *given, struct config_series *series,
                         struct chaos_config *config, struct chaos_error *err)
{
    struct chaos_error last = {0};
    struct chaos *chaos;
    uint32_t number;
    int rc = chaos_open(&chaos, err);

    if (rc < 0)
        return rc;
    for (number = 1; number <= given->count; number++) {
        if (number > 1)
            rc = config_series_next(series, number, config, err);
        if (rc == 0)
            rc = create(chaos, given, config, err);
        if (rc == 0)
            continue;
        if (last.code)
            out_note_as("create", "%s", last.text);
        last = *err;
        rc = 0;
    }
    *err = last;
    return last.code;
}

static void note_bus(const struct create_options *given, struct chaos_config *config)
{
    if (chaos_config_choose_bus(config) && !given->quiet)
        out_note_as("create", "this host has no noxs: the guest's bus is XenStore "
                              "(bus=\"xenstore\" says so without this note)");
}

static int create_here(const struct create_options *given, const struct cmd_call *call,
                       const struct chaos_config_options *how, struct chaos_error *err)
{
    struct config_series series = {
        .source = call->args[0],
        .overrides = call->args + 1,
        .nr_overrides = (size_t)call->nr_args - 1,
        .how = *how,
    };
    struct chaos_config config;
    char *text;
    int rc;

    if (given->count == 0) {
        rc = chaos_config_load(series.source, series.overrides, series.nr_overrides, how, &config,
                               err);
        if (rc == 0 && !given->dry_run) {
            note_bus(given, &config);
            return create_one(given, &config, err);
        }
    } else {
        rc = chaos_config_read(series.source, &text, &series.length, err);
        if (rc < 0)
            return rc;
        series.text = text;
        rc = config_series_first(&series, given->count, &config, err);
        if (rc == 0 && !given->dry_run) {
            note_bus(given, &config);
            return create_series(given, &series, &config, err);
        }
    }
    if (rc == 0)
        chaos_config_json(&config, out_sink, NULL);
    return rc;
}

static int create_remotely(const struct create_options *given, const struct cmd_call *call,
                           struct chaos_error *err)
{
    struct chaos_timing timing = {.nr = 0};
    struct remote_create remote = {
        .command = "create",
        .path = call->args[0],
        .fd = -1,
        .overrides = call->args + 1,
        .nr_overrides = (size_t)call->nr_args - 1,
        .paused = given->paused,
        .strict = given->strict,
        .must = given->daemon,
        .count = given->count,
        .warning = given->quiet ? NULL : warn,
        .timing = given->timing ? &timing : NULL,
    };
    int rc = remote_create(&remote, err);

    if (rc == 0 && given->timing)
        timing_print(&timing, &remote.domain, given->timing);
    return rc;
}

static int check_options(const struct create_options *given, struct chaos_error *err)
{
    if (given->console && (given->daemon || given->count > 0))
        return remote_exclude(given->daemon ? "--daemon" : "--count", "--console", err);
    return remote_check_options(given->daemon, given->no_daemon, given->count, given->timing, err);
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct create_options *given = call->options;
    const struct chaos_config_options how = {
        .strict = given->strict,
        .warning = given->quiet ? NULL : warn,
    };
    int rc = check_options(given, err);

    if (rc < 0)
        return rc;
    if (!given->no_daemon && !given->dry_run && !given->console) {
        rc = create_remotely(given, call, err);
        if (rc != REMOTE_NOT)
            return rc;
    }
    return create_here(given, call, &how, err);
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
