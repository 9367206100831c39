/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the pools at their levels, off the request path, and answers what is asked about them. */
#ifndef CHAOSD_REFILL_H
#define CHAOSD_REFILL_H

#include "daemon.h"
#include "pools.h"

extern const struct module refill_module;

struct pools *refill_pools(struct daemon *daemon);
/* A level or a target has changed: see what is to be done. */
void refill_poke(struct daemon *daemon);
/* A shell that is of no use any more: it is destroyed, later. */
void refill_discard(struct daemon *daemon, struct shell *shell);
/*
 * Shells are no reason to refuse a guest: as many as make room for one of so much memory, now the
 * caller's, who destroys them. Returns how many.
 */
#define REFILL_RECLAIM 16
unsigned int refill_reclaim(struct daemon *daemon, uint64_t mib, struct shell *out[REFILL_RECLAIM]);

#endif
