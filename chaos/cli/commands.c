// SPDX-License-Identifier: BSD-3-Clause
/* The table of commands, in the order in which help shows them. */
#include "cmd.h"

#include <stddef.h>
#include <string.h>

#define COMMANDS(ROW)                                                                              \
    ROW(version)                                                                                   \
    ROW(completion)                                                                                \
    ROW(help)

#define DECLARE(name) extern const struct command cmd_##name;
#define ENTRY(name)   &cmd_##name,

COMMANDS(DECLARE)

const struct command *const commands[] = {COMMANDS(ENTRY) NULL};

const struct command *cmd_find(const char *name)
{
    for (const struct command *const *c = commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}
