/* SPDX-License-Identifier: BSD-3-Clause */
/* The XenStore bus, for drivers; its calls are made in the bus's thread, where they may sleep. */
#ifndef XENBUS_H
#define XENBUS_H

#include "guest.h"
#include "xenstore/xs.h"

#define XENBUS_PATH 96

/* A device as a driver sees it. States have the same numbers as on noxs (enum noxs_state). */
struct xenbus_device {
    const struct xenbus_driver *driver;
    uint16_t id;
    uint16_t back_end; /* domain id */
    int port;          /* the driver's, or -1 */
    char front[XENBUS_PATH];
    char back[XENBUS_PATH];
    uint32_t back_state;
    struct xs_watch back_watch;
    bool
        connected; /* as far as the driver is concerned: nothing is to be hurried for it any more */
    void *priv;
    struct xenbus_device *next;
};

struct xenbus_driver {
    const char *type; /* the directory in device/ */
    int (*attach)(struct xenbus_device *dev);
    void (*detach)(struct xenbus_device *dev);
    void (*changed)(struct xenbus_device *dev); /* back_state was read anew */
    void (*work)(struct xenbus_device *dev);    /* after xs_wake */
};

#define XENBUS_DRIVER(name)                                                                        \
    static const struct xenbus_driver name                                                         \
        __attribute__((used, section("xenbus_drivers"), aligned(sizeof(void *))))

/* A node below a device's path. A post does not wait (xs_posted). */
int xenbus_read(const char *dir, const char *node, char *value, size_t size);
int xenbus_read_number(const char *dir, const char *node, uint64_t max, uint64_t *value);
int xenbus_write(const char *dir, const char *node, uint32_t value);
int xenbus_post(const char *dir, const char *node, uint32_t value);

#endif
