/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's console on standard input and output. */
#ifndef CHAOS_CLI_CONSOLE_H
#define CHAOS_CLI_CONSOLE_H

#include <chaos/domain.h>

#define CONSOLE_FOLLOW  1u /* until the domain ends or Ctrl+] is typed */
#define CONSOLE_UNPAUSE 2u /* let the domain run once the console is attached */

int console_run(struct chaos *chaos, const struct chaos_domain *domain, unsigned int flags,
                struct chaos_error *err);

#endif
