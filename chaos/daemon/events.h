/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens to guests, told to whoever subscribed. The last EVENTS_KEPT are kept, once; a
 * subscriber is a place in them, and one that is too slow is told how many it missed.
 */
#ifndef CHAOSD_EVENTS_H
#define CHAOSD_EVENTS_H

#include "daemon.h"

extern const struct module events_module;

#define EVENTS_KEPT 1024u

/* chaos(1) explains them. */
enum event_kind {
    EVENT_CREATED,
    EVENT_STARTED,
    EVENT_SHUTDOWN,
    EVENT_CRASHED,
    EVENT_SUSPENDED,
    EVENT_RESUMED,
    EVENT_PRESERVED,
    EVENT_BACKOFF,
    EVENT_RESTARTED,
    EVENT_FAILED,
    EVENT_RENAMED,
    EVENT_DESTROYED,
    EVENT_MIGRATED_IN,
    EVENT_MIGRATED_OUT,
    EVENT_IN_DOUBT,
    EVENT_POOL_DEGRADED,
    EVENT_POOL_RECOVERED,
    EVENT_KINDS
};

struct event_about {
    const char *name; /* of the guest, or the pool */
    uint32_t domid;   /* 0: none */
    const uint8_t *uuid;
    bool ended; /* reason says how */
    enum chaos_shutdown reason;
};

/* about may be NULL; the rest is the detail, "" for none. */
void events_tell(struct daemon *daemon, enum event_kind kind, const struct event_about *about,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
