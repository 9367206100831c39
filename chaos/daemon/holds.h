/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guests on their way to another host (departures.c): what they do, and that they go, is nothing
 * that anybody else is to act upon.
 */
#ifndef CHAOSD_HOLDS_H
#define CHAOSD_HOLDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon.h"

struct guest;

/* Embedded in whoever holds the guest; the loop's, but for `leaves`. */
struct hold {
    uint32_t domid; /* 0: no domain that we know */
    uint8_t uuid[16];
    const char *host;   /* that it goes to */
    atomic_bool leaves; /* it runs there: what is here goes */
    struct hold *next;
};

void hold_add(struct daemon *daemon, struct hold *hold);
void hold_remove(struct daemon *daemon, struct hold *hold);
bool hold_is_of(const struct hold *hold, const struct guest *guest);

/* NULL: nobody holds it. */
const struct hold *hold_find(const struct daemon *daemon, const struct guest *guest);

#endif
