/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of the XenStore on its ring. Nothing here sleeps or allocates; what comes out of the
 * ring is checked. */
#ifndef XENSTORE_XS_WIRE_H
#define XENSTORE_XS_WIRE_H

#include "kernel/kernel.h"

#include <xen/io/xs_wire.h>

/* Bytes that went, maybe fewer than asked, or -XEN_EIO when the ring's indices make no sense. */
int xs_ring_put(struct xenstore_domain_interface *ring, const void *data, size_t len);
int xs_ring_take(struct xenstore_domain_interface *ring, void *data, size_t len);

/* A message on its way in. */
struct xs_message {
    struct xsd_sockmsg header;
    size_t got; /* bytes of header and payload so far; 0 starts the next message */
    char payload[XENSTORE_PAYLOAD_MAX + 1]; /* terminated when the message is whole */
};

/* 1: whole; 0: more is to come; -XEN_EIO: not the protocol. */
int xs_message_pull(struct xs_message *m, struct xenstore_domain_interface *ring);

/* Of a whole message. */
int xs_message_error(const struct xs_message *m);                   /* 0, or a negative Xen errno */
bool xs_message_token(const struct xs_message *m, uint64_t *token); /* of a watch event */

/* Of names that end in zeros, the one at *at, which moves on; null at the end. */
const char *xs_next_name(const char *names, size_t len, size_t *at);

#endif
