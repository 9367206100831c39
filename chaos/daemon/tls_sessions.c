// SPDX-License-Identifier: BSD-3-Clause
#include "tls_sessions.h"

#include <stdio.h>
#include <string.h>

void tls_sessions_put(struct tls_sessions *sessions, const char *at, SSL_SESSION *session)
{
    const unsigned int place = sessions->next++ % TLS_SESSIONS_MAX;

    SSL_SESSION_free(sessions->kept[place].session);
    sessions->kept[place].session = session;
    snprintf(sessions->kept[place].at, sizeof(sessions->kept[place].at), "%s", at);
}

SSL_SESSION *tls_sessions_take(struct tls_sessions *sessions, const char *at)
{
    for (unsigned int i = 0; i < TLS_SESSIONS_MAX; i++) {
        SSL_SESSION *session = sessions->kept[i].session;

        if (session && strcmp(sessions->kept[i].at, at) == 0) {
            sessions->kept[i].session = NULL;
            return session;
        }
    }
    return NULL;
}

void tls_sessions_drop(struct tls_sessions *sessions)
{
    for (unsigned int i = 0; i < TLS_SESSIONS_MAX; i++) {
        SSL_SESSION_free(sessions->kept[i].session);
        sessions->kept[i].session = NULL;
    }
}
