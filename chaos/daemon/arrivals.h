/* SPDX-License-Identifier: BSD-3-Clause */
/* Guests that come from other hosts: who may come, and how many at once. */
#ifndef CHAOSD_ARRIVALS_H
#define CHAOSD_ARRIVALS_H

#include <stdint.h>

#include "daemon.h"

extern const struct module arrivals_module;

#define ARRIVALS_STRANGERS 8    /* connections at once that have not shown who they are */
#define ARRIVALS_MOST      64   /* connections at once */
#define ARRIVALS_GREET_MS  5000 /* from the connection's beginning until it has */

/* Where it listens; 0: nowhere. */
uint16_t arrivals_port(const struct daemon *daemon);

#endif
