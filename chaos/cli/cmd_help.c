// SPDX-License-Identifier: BSD-3-Clause
#include "cmd.h"

#include <errno.h>

#include "help.h"

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct command *command;

    if (call->nr_args == 0) {
        help_overview();
        return 0;
    }
    command = cmd_find(call->args[0]);
    if (!command)
        return cmd_unknown(call->args[0], err);
    help_command(command);
    return 0;
}

const struct command cmd_help = {
    .name = "help",
    .run = run,
    .summary = "explain a command, or list the commands",
    .synopsis = "[COMMAND]",
    .max_args = 1,
    .complete = CMD_COMPLETE_COMMAND,
};
