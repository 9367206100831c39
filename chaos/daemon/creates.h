/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for new domains: out of a pool on the loop, or cold on a worker. */
#ifndef CHAOSD_CREATES_H
#define CHAOSD_CREATES_H

#include "daemon.h"

extern const struct module creates_module;

#define CREATES_COUNT_MAX 10000 /* domains of one request */

/* What came of it; domain is NULL if it failed. */
typedef void create_done(void *opaque, const struct chaos_domain *domain,
                         const struct chaos_error *err);

/*
 * Makes one domain as a client's request would; takes config over. `done` is called from here or
 * later.
 */
void creates_start(struct daemon *daemon, struct chaos_config *config, bool paused,
                   create_done *done, void *opaque);

/* Does now what is left to do for creates that were answered: before their domains are touched. */
void creates_conclude(struct daemon *daemon);
/* Whether some are not answered yet. */
bool creates_busy(const struct daemon *daemon);

#endif
