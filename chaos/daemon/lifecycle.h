/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What on_poweroff, on_reboot and on_crash say is done to guests that end. Records decide who does
 * it where somebody else is at it, too: whoever takes the record does, and the other one finds a
 * guest that is gone, or another one.
 */
#ifndef CHAOSD_LIFECYCLE_H
#define CHAOSD_LIFECYCLE_H

#include "daemon.h"
#include "watch_table.h"

extern const struct module lifecycle_module;

/* Its domain has shut down. */
void lifecycle_ended(struct daemon *daemon, struct guest *guest, enum chaos_shutdown reason);
/* It was shut down, and runs again: somebody resumed it. */
void lifecycle_resumed(struct daemon *daemon, struct guest *guest);
/* Its domain went without its record: another toolstack's work. */
void lifecycle_vanished(struct daemon *daemon, struct guest *guest);
/* It is no longer ours to act upon. */
void lifecycle_forget(struct daemon *daemon, struct guest *guest);

#endif
