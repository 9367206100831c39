/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command of chaos(1): one file cmd_NAME.c that defines `const struct command cmd_NAME`, and one
 * row in commands.c. The struct drives dispatch, help, completion and the check of the man page.
 */
#ifndef CHAOS_CLI_CMD_H
#define CHAOS_CLI_CMD_H

#include <chaos/error.h>

#include "opt.h"

/* What the positional arguments are, for completion. */
enum cmd_complete {
    CMD_COMPLETE_NONE,
    CMD_COMPLETE_DOMAIN,
    CMD_COMPLETE_FILE,
    CMD_COMPLETE_COMMAND,
};

#define CMD_ARGS_ANY 255

struct command;

struct cmd_call {
    const struct command *command;
    const void *options;     /* the command's options struct, filled in */
    const char *const *args; /* positional arguments, NULL after the last */
    int nr_args;
};

struct command {
    const char *name;
    /*
     * Returns 0, or a negative errno with err filled in: main prints "chaos NAME: text" once and
     * exits with err->exit. An empty text prints nothing (the command has said it all).
     */
    int (*run)(const struct cmd_call *call, struct chaos_error *err);
    const char *summary;  /* one line, lower case, no full stop */
    const char *synopsis; /* of the positional arguments: "DOMAIN", "FILE [KEY=VALUE...]" */
    const char *notes;    /* further lines of help, or NULL */
    const struct opt_spec *options; /* ends with OPT_END; NULL: none but --help */
    uint8_t min_args, max_args;     /* CMD_ARGS_ANY: no limit */
    uint8_t complete;               /* enum cmd_complete */
};

/* Ends with NULL. */
extern const struct command *const commands[];

const struct command *cmd_find(const char *name);

/* Fills err for a word that is no command, with the nearest one that is. */
int cmd_unknown(const char *name, struct chaos_error *err);

#endif
