/* SPDX-License-Identifier: BSD-3-Clause */
/* Guests that come from other hosts: who may come, and how many at once. */
#ifndef CHAOSD_ARRIVALS_H
#define CHAOSD_ARRIVALS_H

#include <stdint.h>

#include "daemon.h"
#include "migrate_journal.h"

extern const struct module arrivals_module;

#define ARRIVALS_STRANGERS 8    /* connections at once that have not shown who they are */
#define ARRIVALS_MOST      64   /* connections at once */
#define ARRIVALS_GREET_MS  5000 /* from the connection's beginning until it has */

/*
 * What WIRE_MIGRATE_FINISH can do here, where it is known only to the source what is to become of a
 * guest: force says that there is none any more.
 */
int arrivals_finish(struct daemon *daemon, const struct request *request,
                    const struct migrate_note *note, bool force, struct chaos_error *err);

/* Where it listens; 0: nowhere. */
uint16_t arrivals_port(const struct daemon *daemon);

#endif
