/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of the XenStore. One thread uses it, that of the bus; a request sleeps until its reply.
 */
#ifndef XENSTORE_XS_H
#define XENSTORE_XS_H

#include "guest.h"

/* Paths are relative to the domain's own home unless they start with a slash. All return 0 or a
 * negative Xen errno; -XEN_EIO for good once the store broke the protocol. */
int xs_connect(void);
int xs_reconnect(void);                                  /* in a new domain: no watch is set */
int xs_read(const char *path, char *value, size_t size); /* -XEN_E2BIG: does not fit */
int xs_write(const char *path, const char *value);

/* The same without waiting: for a few in a row. What fails is told by the next xs_posted, which
 * comes after a request that waits (replies come in order). */
int xs_post(const char *path, const char *value);
int xs_posted(void);

/* The names in a directory, each ended by a zero, valid until the next request. */
int xs_directory(const char *path, const char **names, size_t *len);

/* Fires once when it is set, and then for what changes at or below its path. */
struct xs_watch {
    uint64_t token; /* 0: not set */
    bool fired;
    struct xs_watch *next;
};
int xs_watch(struct xs_watch *w, const char *path);
void xs_unwatch(struct xs_watch *w, const char *path);
bool xs_watch_taken(struct xs_watch *w); /* it fired since it was last asked */

/* Until a watch fired or xs_wake was called, which anybody may do. */
void xs_wait(void);
void xs_wake(void);

#endif
