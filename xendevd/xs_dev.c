// SPDX-License-Identifier: BSD-3-Clause
#include "xs_dev.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenstore.h>

#include "log.h"

#define HOME     "/local/domain/0/"
#define OUR_NAME "xendevd" /* in `script`: libchaos' bus_xenstore_nodes.c writes it */
#define ATTEMPTS 100       /* of a transaction */

static struct xs_handle *store; /* opened when there is something to be done */

/* Without the socket the library would wait for a xenstored in the kernel. */
static bool connected(void)
{
    if (!store && access(xs_daemon_socket(), F_OK) == 0)
        store = xs_open(0);
    return store;
}

/* xenstored does not survive a restart of itself; a connection to the old one is of no use. */
static void disconnect_if_dead(void)
{
    if (errno == ENOENT || errno == EAGAIN || errno == EINVAL)
        return;
    log_error("XenStore: %s", strerror(errno));
    xs_close(store);
    store = NULL;
}

static char *read_node(xs_transaction_t transaction, const char *dir, const char *name)
{
    char path[XS_PATH + 32];
    unsigned int length;
    char *value;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (!connected())
        return NULL;
    value = xs_read(store, transaction, path, &length);
    if (!value)
        disconnect_if_dead();
    return value;
}

char *xs_dev_read(const struct xs_device *device, const char *name)
{
    return read_node(XBT_NULL, device->path, name);
}

/* In a transaction with a look whether the device is there: a write alone would bring its path
 * back to life. */
bool xs_dev_write(const struct xs_device *device, const char *name, const char *value)
{
    char path[XS_PATH + 32], *script;
    bool written = false;

    snprintf(path, sizeof(path), "%s/%s", device->path, name);
    for (int i = 0; i < ATTEMPTS && connected(); i++) {
        xs_transaction_t transaction = xs_transaction_start(store);

        if (transaction == XBT_NULL) {
            disconnect_if_dead();
            return false;
        }
        script = read_node(transaction, device->path, "script");
        written = script && xs_write(store, transaction, path, value, (unsigned int)strlen(value));
        free(script);
        if (!store)
            return false;
        if (xs_transaction_end(store, transaction, !written))
            return written;
        if (errno != EAGAIN)
            break;
    }
    return false;
}

void xs_dev_fail(const struct xs_device *device, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_error("%s: %s", device->path + strlen(HOME), text);
    if (xs_dev_write(device, "hotplug-error", text))
        xs_dev_write(device, "hotplug-status", "error");
}

/* "backend/vif/7/0" */
static bool parse_path(const char *path, const char *type, struct xs_device *device)
{
    char copy[XS_PATH];
    int length;

    if (sscanf(path, "backend/%*3[a-z]/%u/%u", &device->domid, &device->id) != 2)
        return false;
    length = snprintf(copy, sizeof(copy), "backend/%s/%u/%u", type, device->domid, device->id);
    if (length >= (int)(sizeof(copy) - strlen(HOME)) || strcmp(copy, path) != 0)
        return false;
    memcpy(device->path, HOME, strlen(HOME));
    memcpy(device->path + strlen(HOME), copy, (size_t)length + 1);
    return true;
}

static void set_up(struct bridges *bridges, const char *type, const struct xs_device *device)
{
    bool good = strcmp(type, "vif") == 0 ? xs_vif_set_up(bridges, device) : xs_vbd_set_up(device);

    if (good && xs_dev_write(device, "hotplug-status", "connected"))
        log_debug("%s: connected", device->path + strlen(HOME));
}

static bool is_ours(const struct xs_device *device)
{
    char *script = xs_dev_read(device, "script");
    bool ours = script && strcmp(script, OUR_NAME) == 0;

    free(script);
    return ours;
}

void xs_dev_handle(struct bridges *bridges, const struct uevent *event)
{
    struct xs_device device;
    bool vif = strcmp(event->type, "vif") == 0 && strcmp(event->action, "online") == 0;
    bool vbd = strcmp(event->type, "vbd") == 0 && strcmp(event->action, "add") == 0;

    if ((!vif && !vbd) || !parse_path(event->path, event->type, &device))
        return;
    /* The event tells the script of a vif, but not that of a disk. */
    if (vif ? strcmp(event->script, OUR_NAME) == 0 : is_ours(&device))
        set_up(bridges, event->type, &device);
}

static bool is_waiting(const struct xs_device *device)
{
    char *status = xs_dev_read(device, "hotplug-status");
    bool waiting = status && *status == '\0';

    free(status);
    return waiting && is_ours(device);
}

static void rescan_domain(struct bridges *bridges, const char *type, const char *domid)
{
    char path[XS_PATH], **ids;
    struct xs_device device;
    unsigned int nr = 0, i;

    snprintf(path, sizeof(path), HOME "backend/%s/%.16s", type, domid);
    ids = connected() ? xs_directory(store, XBT_NULL, path, &nr) : NULL;
    for (i = 0; ids && i < nr; i++) {
        snprintf(path, sizeof(path), "backend/%s/%.16s/%.16s", type, domid, ids[i]);
        if (parse_path(path, type, &device) && is_waiting(&device))
            set_up(bridges, type, &device);
    }
    free(ids);
}

void xs_dev_rescan(struct bridges *bridges)
{
    static const char *const types[] = {"vif", "vbd"};
    char path[XS_PATH], **domains;
    unsigned int nr, i, j;

    for (i = 0; i < 2; i++) {
        nr = 0;
        snprintf(path, sizeof(path), HOME "backend/%s", types[i]);
        domains = connected() ? xs_directory(store, XBT_NULL, path, &nr) : NULL;
        for (j = 0; domains && j < nr; j++)
            rescan_domain(bridges, types[i], domains[j]);
        free(domains);
    }
}
