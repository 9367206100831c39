// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chaos.h"
#include "checkpoint_file.h"
#include "cleanup.h"
#include "cmd.h"
#include "config_series.h"
#include "output.h"
#include "remote.h"
#include "restore_file.h"
#include "timing.h"

struct restore_options {
    bool paused, strict, daemon, no_daemon;
    uint32_t count;
    const char *name, *timing;
};

#define COUNT_MAX 10000

static const struct opt_spec options[] = {
    OPT_FLAG(struct restore_options, paused, 'p', "paused", "do not let the guest go on yet"),
    OPT_STRING(struct restore_options, name, 0, "name", "NAME",
               "give it another name; short for name=NAME"),
    OPT_UNSIGNED(struct restore_options, count, 'n', "count", "N", 1, COUNT_MAX,
                 "make so many, called NAME-1 to NAME-N; \"{n}\" stands for the number"),
    OPT_FLAG(struct restore_options, strict, 0, "strict", "take warnings for errors"),
    OPT_FLAG(struct restore_options, daemon, 0, "daemon", "have chaosd do it, or fail"),
    OPT_FLAG(struct restore_options, no_daemon, 0, "no-daemon", "do it here, also if chaosd runs"),
    OPT_STRING_OPTIONAL(struct restore_options, timing, 0, "timing", "text|json", "text",
                        "print how long each step took, in microseconds"),
    OPT_END,
};

/* What is asked for, the name among the overrides. */
struct asked {
    const struct restore_options *given;
    const char *path;
    const char **overrides;
    size_t nr_overrides;
    int fd;
};

static void warn(void *opaque, const char *text)
{
    (void)opaque;
    out_note_as("restore", "warning: %s", text);
}

/* It holds all that the guest knew; and whoever may write it decides what the guest will be. */
static int check_private(const struct asked *asked, struct chaos_error *err)
{
    struct stat st;

    if (fstat(asked->fd, &st) < 0 || (st.st_mode & 066) == 0)
        return 0;
    chaos_error_set(err, -EPERM, CHAOS_EXIT_CONFIG,
                    "checkpoint \"%s\": others may %s it (mode %04o): chmod 600", asked->path,
                    st.st_mode & 022 ? "write" : "read", st.st_mode & 07777u);
    if (asked->given->strict)
        return err->code;
    warn(NULL, err->text);
    *err = (struct chaos_error){0};
    return 0;
}

static int remotely(const struct asked *asked, struct chaos_error *err)
{
    struct chaos_timing timing = {.nr = 0};
    struct remote_create remote = {
        .command = "restore",
        .path = asked->path,
        .fd = asked->fd,
        .overrides = asked->overrides,
        .nr_overrides = asked->nr_overrides,
        .paused = asked->given->paused,
        .strict = asked->given->strict,
        .must = asked->given->daemon,
        .count = asked->given->count,
        .warning = warn,
        .timing = asked->given->timing ? &timing : NULL,
    };
    int rc = remote_create(&remote, err);

    if (rc == 0 && asked->given->timing)
        timing_print(&timing, &remote.domain, asked->given->timing);
    return rc;
}

static int restore_one(const struct asked *asked, struct chaos *chaos, struct restore_file *file,
                       const struct chaos_config *config, struct chaos_error *err)
{
    struct chaos_timing timing = {.nr = 0};
    const struct chaos_restore_options how = {
        .paused = asked->given->paused,
        .overrides = asked->overrides,
        .nr_overrides = asked->nr_overrides,
        .timing = asked->given->timing ? &timing : NULL,
    };
    struct chaos_domain domain;
    int rc = restore_file_cold(file, chaos, config, &how, &domain, err);

    if (rc == 0 && asked->given->timing)
        timing_print(&timing, &domain, asked->given->timing);
    return rc < 0 ? chaos_error_wrap(err, "checkpoint \"%s\"", asked->path) : 0;
}

/* As chaosd would: a failure does not keep the others from being made. */
static int restore_series(const struct asked *asked, struct chaos *chaos, struct restore_file *file,
                          struct config_series *series, struct chaos_config *config,
                          struct chaos_error *err)
{
    struct chaos_error last = {0};
    uint32_t number;
    int rc = 0;

    for (number = 1; number <= asked->given->count; number++) {
        if (number > 1)
            rc = config_series_next(series, number, config, err);
        if (rc == 0)
            rc = restore_one(asked, chaos, file, config, err);
        if (rc == 0)
            continue;
        if (last.code)
            out_note_as("restore", "%s", last.text);
        last = *err;
        rc = 0;
    }
    *err = last;
    return last.code;
}

static int here(const struct asked *asked, struct chaos_error *err)
{
    struct config_series series = {
        .source = RESTORE_CONFIG_SOURCE,
        .overrides = asked->overrides,
        .nr_overrides = asked->nr_overrides,
        .how = {.warning = warn, .strict = asked->given->strict},
        .copies = true,
    };
    struct restore_file file = {0};
    struct chaos_config config;
    struct chaos *chaos;
    int rc = chaos_open(&chaos, err);

    if (rc < 0)
        return rc;
    rc = restore_file_open(&file, asked->fd, err);
    if (rc == 0) {
        series.text = file.config;
        series.length = file.config_length;
        rc = asked->given->count > 0
                 ? config_series_first(&series, asked->given->count, &config, err)
                 : chaos_config_parse(series.source, series.text, series.length, series.overrides,
                                      series.nr_overrides, &series.how, &config, err);
    }
    if (rc < 0)
        return chaos_error_wrap(err, "checkpoint \"%s\"", asked->path);
    if (asked->given->count > 0)
        return restore_series(asked, chaos, &file, &series, &config, err);
    return restore_one(asked, chaos, &file, &config, err); /* exit closes and frees all at once */
}

/* It goes into a line of configuration: what it may hold matters. */
static int check_name(const struct restore_options *given, struct chaos_error *err)
{
    const char *number = given->count > 0 ? strstr(given->name, "{n}") : NULL;
    char first[CHAOS_NAME_MAX + 8]; /* cut off it is too long still */

    if (!number)
        return chaos_name_check(given->name, err);
    snprintf(first, sizeof(first), "%.*s1%s", (int)(number - given->name), given->name,
             number + strlen("{n}"));
    return chaos_name_check(first, err);
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct restore_options *given = call->options;
    const size_t nr = (size_t)call->nr_args - 1;
    cleanup_free const char **overrides = malloc((nr + 1) * sizeof(*overrides));
    struct asked asked = {given, call->args[0], overrides, nr, -1};
    char name[16 + CHAOS_NAME_MAX];
    int rc =
        remote_check_options(given->daemon, given->no_daemon, given->count, given->timing, err);

    if (rc == 0 && given->name)
        rc = check_name(given, err);
    if (rc < 0)
        return rc;
    if (!overrides)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    memcpy(overrides, call->args + 1, nr * sizeof(*overrides));
    if (given->name) {
        snprintf(name, sizeof(name), "name=\"%s\"", given->name);
        overrides[asked.nr_overrides++] = name;
    }
    rc = checkpoint_file_read(asked.path, &asked.fd, err);
    if (rc == 0)
        rc = check_private(&asked, err);
    if (rc < 0)
        return rc;
    if (!given->no_daemon) {
        rc = remotely(&asked, err);
        if (rc != REMOTE_NOT)
            return rc;
    }
    return here(&asked, err);
}

const struct command cmd_restore = {
    .name = "restore",
    .run = run,
    .summary = "let a saved guest go on, in a domain of its own",
    .synopsis = "FILE [KEY=VALUE...]",
    .notes = "KEY=VALUE is a further line of the configuration, and wins over what was saved.\n"
             "While a domain has the guest's uuid, it gets a new one, and new MAC addresses;\n"
             "with --count each does.",
    .options = options,
    .min_args = 1,
    .max_args = CMD_ARGS_ANY,
    .complete = CMD_COMPLETE_FILE,
};
