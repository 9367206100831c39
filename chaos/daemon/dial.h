/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to another host's chaosd: TLS over TCP. An address is "HOST[:PORT]". */
#ifndef CHAOSD_DIAL_H
#define CHAOSD_DIAL_H

#include "migrate_journal.h"
#include "movers.h"
#include "peer.h"

struct peer_tls_context;

struct dialer {
    struct peer_tls_context *tls; /* NULL: there are no certificates */
    int timeout_ms;               /* for each step, and later of the other side's silence */
};

/* The address in full, for the journal and for messages; or why it is none. */
int dial_address(const char *host, char out[MIGRATE_PEER_MAX + 1], struct chaos_error *err);

/* Connects, from a mover's thread; what it waits on can be cut. address: of dial_address. */
int dial(const struct dialer *dialer, struct mover *mover, const char *address, struct peer **peer,
         struct chaos_error *err);

/* What both ends want of their connection: no delays, and to hear when the other host is gone. */
void dial_tune(int fd, int timeout_ms);

#endif
