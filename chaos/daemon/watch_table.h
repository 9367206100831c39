/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guests that chaosd knows: all domains with a record, found by name and by domain id. A guest
 * outlives its domain while it is being made anew.
 */
#ifndef CHAOSD_WATCH_TABLE_H
#define CHAOSD_WATCH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <chaos/config.h>

#include "lifecycle_policy.h"
#include "loop.h"

struct console;
struct deed;

enum guest_state {
    GUEST_RUNNING,
    GUEST_SHUT_DOWN,  /* and left so, or waiting for its restart */
    GUEST_DESTROYING, /* by us */
    GUEST_RESTARTING, /* by us: its domain goes, or is gone, and another one comes */
    GUEST_TAKEN,      /* its record went: somebody unmakes it, or just renamed it */
};

struct guest {
    char name[CHAOS_NAME_MAX + 1];
    uint8_t uuid[16];
    uint32_t domid; /* 0: none now */
    enum guest_state state, before_taken;
    bool announced;  /* told of before its record was seen */
    bool checked;    /* its record has been read, and its domain looked at */
    bool adopted;    /* it was there before us */
    bool has_policy; /* below it */
    bool restart;    /* what is to be done about its end; else it is destroyed */
    bool to_be_checked;
    enum chaos_shutdown reason;
    int last_failure; /* of acting upon its end, and how many there were in a row */
    uint32_t failures;
    uint64_t since_ns; /* loop_now: when we learned of its domain */
    uint32_t scan;     /* the last one that saw its domain */
    struct policy policy;
    struct policy_history history;
    struct deed *deed; /* under way */
    struct loop_timer timer;
    struct daemon *daemon;
    struct console *console; /* NULL: not attached yet */
    struct guest *next_of_name, *next, **link, *next_to_check;
};

#define GUEST_DOMIDS 0x7ff0u
#define GUEST_SLOTS  4096u /* of the hash of names */

struct guest_table {
    struct guest *by_name[GUEST_SLOTS];
    struct guest *by_domid[GUEST_DOMIDS];
    struct guest *first; /* all, in no order */
    uint32_t nr;
};

struct guest *guest_by_name(const struct guest_table *table, const char *name);
struct guest *guest_by_domid(const struct guest_table *table, uint32_t domid);

/* A new one without a domain; NULL: no memory. The name must be free. */
struct guest *guest_add(struct guest_table *table, const char *name);
/* Frees it as well. */
void guest_remove(struct guest_table *table, struct guest *guest);
void guest_set_name(struct guest_table *table, struct guest *guest, const char *name);
/* domid 0: none. */
void guest_set_domain(struct guest_table *table, struct guest *guest, uint32_t domid,
                      const uint8_t uuid[16]);

#endif
