/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XenStore as bus_xenstore.c uses it: a connection, and transactions in which the first failure is
 * kept until the end.
 */
#ifndef CHAOS_STORE_H
#define CHAOS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include <chaos/error.h>

#define STORE_PATH   256
#define STORE_SOCKET "/run/xenstored/socket"

struct store {
    struct xs_handle *handle;
    xs_transaction_t transaction;
    int error;             /* errno of the first call that failed; 0: none */
    char path[STORE_PATH]; /* of that call */
};

/* Connects, if it is not. Does not wait for a xenstored that does not run. */
int store_connect(struct store *store, struct chaos_error *err);
void store_disconnect(struct store *store);

/*
 * body runs until the transaction is not in conflict with others; it need not look at failures.
 * Nothing is written unless all of it is.
 */
int store_run(struct store *store, void (*body)(struct store *store, void *opaque), void *opaque,
              struct chaos_error *err);

/* In a transaction. `owner` may do everything with the node and what comes below it, `reader`
 * may read; dom0 may do everything anyhow. */
void store_dir(struct store *store, uint32_t owner, uint32_t reader, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A node that only `owner` has access to. */
void store_own(struct store *store, uint32_t owner, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* dir/name = value */
void store_string(struct store *store, const char *dir, const char *name, const char *value);
void store_number(struct store *store, const char *dir, const char *name, uint64_t value);
/* The length of dir/name; fails the transaction if there is none. */
unsigned int store_require(struct store *store, const char *dir, const char *name);
/* A node that is not there is as good. */
void store_drop(struct store *store, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Not in a transaction; free() it. NULL with errno ENOENT: there is none. */
char *store_get(struct store *store, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Words the failure of a single call. */
int store_failed(struct chaos_error *err, int error, const char *what, const char *path);

#endif
