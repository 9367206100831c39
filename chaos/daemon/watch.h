/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps the table of guests: from what chaosd itself makes and unmakes, from the records that
 * others write, and from the domains' ends, of which Xen tells with a VIRQ. Nothing is done while
 * nothing happens.
 */
#ifndef CHAOSD_WATCH_H
#define CHAOSD_WATCH_H

#include "daemon.h"
#include "watch_ports.h"
#include "watch_table.h"

extern const struct module watch_module;

#define WATCH_SETTLE_NS    1000000u   /* records are looked at in batches of so long */
#define WATCH_POLL_NS      100000000u /* between two looks at all domains, where no VIRQ can be had */
#define WATCH_PATIENCE_NS  2000000u   /* before a guest that somebody unmakes is looked at again */
#define WATCH_PATIENCE_MAX 1000000000u

struct watch {
    struct daemon *daemon;
    struct guest_table table;

    /* Records that come and go. */
    struct loop_fd records;
    struct loop_timer settle;

    /* Guests whose record and domain are to be looked at. */
    struct guest *to_check, **to_check_last;
    struct loop_work check;

    /* Looks at those that changed, or at all domains. */
    struct port virq;
    struct loop_work scan;
    struct loop_timer next_scan; /* not before this */
    uint32_t scan_nr, scan_at;   /* scan_at: the next domain id to be asked for */
    bool scanning, scan_again, polling;
    bool told;     /* Xen says which domains changed */
    bool scan_all; /* all the same: the next one */
    uint64_t scan_spent_ns, scan_began_ns;

    /* Guests that somebody unmakes. */
    uint32_t nr_taken;
    uint64_t patience_ns;
    struct loop_timer taken;

    /* At the start: names of records that were there. */
    char (*names)[CHAOS_NAME_MAX + 1];
    size_t nr_names, names_room;
    struct loop_work adopt;
};

/* "web", "5", "name:web", "id:5", "uuid:..."; NULL: it is none of ours. */
struct guest *watch_find(struct daemon *daemon, const char *which);
/* Looks at its record and domain unless that has been done; it may be gone afterwards. */
void watch_check_now(struct daemon *daemon, struct guest *guest);

/* Looks at the records that came and went so far. */
void watch_catch_up(struct daemon *daemon);

/* The guest is unmade: tells so, and forgets it. */
void watch_gone(struct daemon *daemon, struct guest *guest, const char *detail);
/* A guest that has no domain, since a chaosd that died was restarting it. */
struct guest *watch_expect(struct daemon *daemon, const char *name);

struct guest_table *watch_guests(struct daemon *daemon);

/* Shared by watch*.c. */
struct guest *watch_add(struct daemon *daemon, const char *name, uint32_t domid,
                        const uint8_t uuid[16]);
void watch_check(struct watch *watch, struct guest *guest);
int watch_records_init(struct watch *watch, struct chaos_error *err);
void watch_records_fini(struct watch *watch);
void watch_scan_init(struct watch *watch);
void watch_scan_fini(struct watch *watch);
/* A look at all domains, soon; one that is under way is followed by another. */
void watch_scan_request(struct watch *watch);
/* Looks at all records: at the start, and when something was missed. */
void watch_adopt(struct watch *watch);
/* The domain that a guest without one waited for is there. */
void watch_restarted(struct daemon *daemon, struct guest *guest, uint32_t domid,
                     const uint8_t uuid[16]);

#endif
