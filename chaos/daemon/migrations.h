/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guests that go to other hosts (departures.c) and come from there (arrivals.c), each on a thread
 * of its own. What the two share: the journal, this host's certificates, and the list of both.
 */
#ifndef CHAOSD_MIGRATIONS_H
#define CHAOSD_MIGRATIONS_H

#include "daemon.h"
#include "dial.h"
#include "migrate_journal.h"

extern const struct module migrations_module;

struct migrations {
    struct daemon *daemon;
    struct migrate_journal *journal; /* thread-safe, as the dialer is */
    struct dialer dialer;
    struct departures *departures;
    struct arrivals *arrivals;
};

/* A note of this role whose guest is `which`, as for chaos_domain_find: for clients' requests. */
int migrations_find(struct daemon *daemon, enum migrate_role role, const char *which,
                    struct migrate_note *note, struct chaos_error *err);

#endif
