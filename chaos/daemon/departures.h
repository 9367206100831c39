/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guests that go to other hosts: at a client's request, and those that the journal tells of, which
 * are tried again until they have ended.
 */
#ifndef CHAOSD_DEPARTURES_H
#define CHAOSD_DEPARTURES_H

#include "daemon.h"
#include "migrate_journal.h"

extern const struct module departures_module;

#define DEPARTURES_TRIED 4 /* that are tried again at the same time */

/* Adds what else is known of a note: why it has not ended, and when it is tried again. */
void departures_put(const struct daemon *daemon, const struct migrate_note *note,
                    struct wire_writer *writer);

#endif
