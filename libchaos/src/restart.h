/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making a guest anew without ever losing it: restarts/NAME is a second link to the record of a
 * guest that is being unmade in order to be created again. Whoever starts later than a process that
 * died in between finds it there. Removing the link calls the restart off.
 */
#ifndef CHAOS_RESTART_H
#define CHAOS_RESTART_H

#include <stdbool.h>

#include "chaos.h"

/*
 * Marks the domain, unmakes it, and gives the configuration to create it from (same name, uuid and
 * addresses; chaos_config_free). CHAOS_EXIT_NOT_FOUND: it is gone, or another one has its name.
 * After another failure it may be half unmade and still marked: see restart_wanted.
 */
int restart_begin(struct chaos *chaos, const struct chaos_domain *domain,
                  struct chaos_config *config, struct chaos_error *err);

/*
 * The configuration of a marked domain that was unmade. On failure its mark is gone: there is a
 * domain of this name, or nobody can read it.
 */
int restart_config(struct chaos *chaos, const char *name, struct chaos_config *config,
                   struct chaos_error *err);

/*
 * The new one runs: the mark goes. If the restart was called off meanwhile the new one goes as
 * well, with -ECANCELED.
 */
int restart_finish(struct chaos *chaos, const struct chaos_domain *created,
                   struct chaos_error *err);

/* False: there is no such mark (any more). */
bool restart_wanted(struct chaos *chaos, const char *name);

/*
 * Calls visit with the name of each domain that was unmade and not created anew by a process that
 * died; forgets all other marks. What is abandoned has been reaped before.
 */
typedef void restart_visit(void *opaque, const char *name);
int restart_resume(struct chaos *chaos, restart_visit *visit, void *opaque,
                   struct chaos_error *err);

#endif
