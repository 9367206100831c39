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

#endif
