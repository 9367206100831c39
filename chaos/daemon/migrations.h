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

/* Reads this host's certificates again: SIGHUP. A failure is logged, and changes nothing. */
void migrations_reload(struct daemon *daemon);

/*
 * For clients' requests: a note whose guest is `which`, as for chaos_domain_find. If there are
 * several, one that keeps its guest from running. target_only: this host is to have that role.
 */
int migrations_find(struct daemon *daemon, bool target_only, const char *which,
                    struct migrate_note *note, struct chaos_error *err);

#endif
