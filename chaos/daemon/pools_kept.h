/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pools that were asked for while chaosd ran (`chaos pool set`) are there after a restart, too,
 * until the host itself is restarted: RUN_DIR/pools.conf, of which the syntax is chaosd.conf's.
 */
#ifndef CHAOSD_POOLS_KEPT_H
#define CHAOSD_POOLS_KEPT_H

#include "pools.h"

/* Sets them as they were. What cannot be is told in the log. */
void pools_kept_load(struct pools *pools, const char *run_dir);
/* Writes them: those with `set`, unless they were drained. */
void pools_kept_write(const struct pools *pools, const char *run_dir);

#endif
