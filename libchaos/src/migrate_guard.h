/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain that is part of a migration is left alone by everything else: what it may do, and
 * whether it stays, is decided by two hosts.
 */
#ifndef CHAOS_MIGRATE_GUARD_H
#define CHAOS_MIGRATE_GUARD_H

#include "chaos.h"

/* -EBUSY and why, if this domain is being moved, in doubt, or waits for its source. */
int migrate_guard(struct chaos *chaos, const struct chaos_domain *domain, struct chaos_error *err);

/* A guest that leaves: if it is suspended, nobody but the migration may let it go on. */
bool migrate_holds(struct chaos *chaos, uint32_t domid, const uint8_t uuid[16]);

#endif
