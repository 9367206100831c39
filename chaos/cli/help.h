/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAOS_CLI_HELP_H
#define CHAOS_CLI_HELP_H

#include "cmd.h"

void help_overview(void);
void help_command(const struct command *command);

#endif
