// SPDX-License-Identifier: BSD-3-Clause
/* The table of commands, in the order in which help shows them. */
#include "cmd.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "nearest.h"

#define COMMANDS(ROW)                                                                              \
    ROW(create)                                                                                    \
    ROW(destroy)                                                                                   \
    ROW(shutdown)                                                                                  \
    ROW(reboot)                                                                                    \
    ROW(pause)                                                                                     \
    ROW(unpause)                                                                                   \
    ROW(save)                                                                                      \
    ROW(restore)                                                                                   \
    ROW(verify)                                                                                    \
    ROW(migrate)                                                                                   \
    ROW(list)                                                                                      \
    ROW(console)                                                                                   \
    ROW(logs)                                                                                      \
    ROW(events)                                                                                    \
    ROW(domid)                                                                                     \
    ROW(domname)                                                                                   \
    ROW(rename)                                                                                    \
    ROW(info)                                                                                      \
    ROW(pool)                                                                                      \
    ROW(stats)                                                                                     \
    ROW(doctor)                                                                                    \
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

int cmd_unknown(const char *name, struct chaos_error *err)
{
    const char *what = name[0] == '-' ? "option" : "command";
    struct nearest n;

    nearest_init(&n, name);
    for (const struct command *const *c = commands; *c; c++)
        nearest_offer(&n, (*c)->name);
    if (n.best)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "unknown %s '%s' (did you mean '%s'?)", what, name, n.best);
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "unknown %s '%s'", what, name);
}
