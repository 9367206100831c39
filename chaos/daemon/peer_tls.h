/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLS 1.3 between two chaosd, each of which shows the other a certificate of the same authority.
 * The files are read once, and when that is asked for; a context may be used by many threads. Hosts
 * that meet again within an hour go on with their session, and show their certificates only if one
 * of them has read its files anew.
 */
#ifndef CHAOSD_PEER_TLS_H
#define CHAOSD_PEER_TLS_H

#include <stdbool.h>

#include "host_port.h"
#include "peer.h"

struct peer_tls_files {
    const char *authority;   /* PEM: who signs the certificates of this cluster */
    const char *certificate; /* PEM: this host's, for servers and clients */
    const char *key;         /* PEM; nobody else is to read it */
};

struct peer_tls_context; /* outlives its connections */

int peer_tls_context_new(const struct peer_tls_files *files, struct peer_tls_context **out,
                         struct chaos_error *err);
/* Reads the files again, for connections from now on; on failure those before remain in use. */
int peer_tls_context_reload(struct peer_tls_context *context, const struct peer_tls_files *files,
                            struct chaos_error *err);
void peer_tls_context_free(struct peer_tls_context *context); /* NULL: nothing */

/*
 * Speaks TLS on a connected socket, which it closes in the end, and also on failure. The other side
 * must have a certificate of the authority, the server's for the host that was called. The time-out
 * is that of the whole handshake, and then the peer's.
 */
int peer_tls_connect(struct peer_tls_context *context, int fd, const struct host_port *at,
                     int timeout_ms, struct peer **peer, struct chaos_error *err);
int peer_tls_accept(struct peer_tls_context *context, int fd, int timeout_ms, struct peer **peer,
                    struct chaos_error *err);
/* Whether the other side did not show its certificate, having done so not long ago. */
bool peer_tls_resumed(const struct peer *peer);

#endif
