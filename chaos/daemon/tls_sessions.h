/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions of hosts that we were connected to: with one the next handshake needs no certificates,
 * and costs a quarter. Each is used once; the host sends another one then. The caller locks.
 */
#ifndef CHAOSD_TLS_SESSIONS_H
#define CHAOSD_TLS_SESSIONS_H

#include <openssl/ssl.h>

#include "host_port.h"

#define TLS_SESSIONS_MAX 16 /* of all hosts; the oldest goes */

struct tls_sessions {
    struct {
        char at[HOST_PORT_TEXT]; /* whose */
        SSL_SESSION *session;    /* NULL: none */
    } kept[TLS_SESSIONS_MAX];
    unsigned int next; /* place that is taken next */
};

/* Takes the session over. */
void tls_sessions_put(struct tls_sessions *sessions, const char *at, SSL_SESSION *session);
/* One of that host, now the caller's; NULL: there is none. */
SSL_SESSION *tls_sessions_take(struct tls_sessions *sessions, const char *at);
void tls_sessions_drop(struct tls_sessions *sessions); /* all */

#endif
