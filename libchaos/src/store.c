// SPDX-License-Identifier: BSD-3-Clause
#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"

#define ATTEMPTS 1000 /* of a transaction; others change the same nodes now and then */

int store_failed(struct chaos_error *err, int error, const char *what, const char *path)
{
    return chaos_error_set(err, -error,
                           error == ENOSPC || error == E2BIG || error == ENOMEM
                               ? CHAOS_EXIT_RESOURCE
                               : CHAOS_EXIT_FAILURE,
                           "XenStore: cannot %s %s: %s", what, path, strerror(error));
}

/* The library would take the kernel's device next, and wait there for a xenstored that is gone. */
static int somebody_listens(struct chaos_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = xs_daemon_socket();
    cleanup_close int fd = -1;
    int rc;

    if (!path || strlen(path) >= sizeof(address.sun_path))
        return chaos_error_set(err, -ENAMETOOLONG, CHAOS_EXIT_FAILURE,
                               "XenStore: no usable name of its socket");
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    rc = -errno;
    if (rc == -ENOENT || rc == -ECONNREFUSED)
        return chaos_error_set(err, rc, CHAOS_EXIT_PRIVILEGE,
                               "xenstored does not run: start it (systemctl start xenstored)");
    return chaos_error_set(
        err, rc, rc == -EACCES || rc == -EPERM ? CHAOS_EXIT_PRIVILEGE : CHAOS_EXIT_FAILURE,
        "XenStore: cannot connect to %s: %s", path, strerror(-rc));
}

int store_connect(struct store *store, struct chaos_error *err)
{
    int rc;

    if (store->handle)
        return 0;
    rc = somebody_listens(err);
    if (rc < 0)
        return rc;
    store->handle = xs_open(0);
    if (store->handle)
        return 0;
    return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE, "XenStore: cannot connect: %s",
                           strerror(errno));
}

void store_disconnect(struct store *store)
{
    if (store->handle)
        xs_close(store->handle);
    store->handle = NULL;
}

int store_run(struct store *store, void (*body)(struct store *store, void *opaque), void *opaque,
              struct chaos_error *err)
{
    unsigned int i;

    for (i = 0; i < ATTEMPTS; i++) {
        store->error = 0;
        store->transaction = xs_transaction_start(store->handle);
        if (store->transaction == XBT_NULL)
            return store_failed(err, errno, "begin", "a transaction");
        body(store, opaque);
        if (store->error) {
            xs_transaction_end(store->handle, store->transaction, true);
            return store_failed(err, store->error, "write", store->path);
        }
        if (xs_transaction_end(store->handle, store->transaction, false))
            return 0;
        if (errno != EAGAIN)
            return store_failed(err, errno, "end", "a transaction");
    }
    return store_failed(err, EAGAIN, "end", "a transaction");
}

static void note(struct store *store, bool good, const char *path)
{
    if (good || store->error)
        return;
    store->error = errno;
    snprintf(store->path, sizeof(store->path), "%s", path);
}

static void put_dir(struct store *store, struct xs_permissions *perms, unsigned int nr,
                    const char *path)
{
    if (store->error)
        return;
    note(store, xs_mkdir(store->handle, store->transaction, path), path);
    if (!store->error)
        note(store, xs_set_permissions(store->handle, store->transaction, path, perms, nr), path);
}

void store_dir(struct store *store, uint32_t owner, uint32_t reader, const char *format, ...)
{
    struct xs_permissions perms[] = {{.id = owner, .perms = XS_PERM_NONE},
                                     {.id = reader, .perms = XS_PERM_READ}};
    char path[STORE_PATH];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    put_dir(store, perms, 2, path);
}

void store_own(struct store *store, uint32_t owner, const char *format, ...)
{
    struct xs_permissions perms[] = {{.id = owner, .perms = XS_PERM_NONE}};
    char path[STORE_PATH];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    put_dir(store, perms, 1, path);
}

void store_string(struct store *store, const char *dir, const char *name, const char *value)
{
    char path[STORE_PATH];

    if (store->error)
        return;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    note(store,
         xs_write(store->handle, store->transaction, path, value, (unsigned int)strlen(value)),
         path);
}

void store_number(struct store *store, const char *dir, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    store_string(store, dir, name, text);
}

unsigned int store_require(struct store *store, const char *dir, const char *name)
{
    char path[STORE_PATH];
    unsigned int length = 0;
    void *value;

    if (store->error)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    value = xs_read(store->handle, store->transaction, path, &length);
    note(store, value != NULL, path);
    free(value);
    return length;
}

void store_drop(struct store *store, const char *format, ...)
{
    char path[STORE_PATH];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    if (!store->error)
        note(store, xs_rm(store->handle, store->transaction, path) || errno == ENOENT, path);
}

char *store_get(struct store *store, const char *format, ...)
{
    char path[STORE_PATH];
    unsigned int length;
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return xs_read(store->handle, XBT_NULL, path, &length);
}
