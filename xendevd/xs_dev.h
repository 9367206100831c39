/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices of guests on XenStore: what is common to vifs and disks. */
#ifndef XENDEVD_XS_DEV_H
#define XENDEVD_XS_DEV_H

#include <stdbool.h>
#include <stdint.h>

#include "bridges.h"
#include "uevent.h"

#define XS_PATH 128

struct xs_device {
    char path[XS_PATH]; /* of its back-end: "/local/domain/0/backend/vif/7/0" */
    uint32_t domid, id;
};

/*
 * Sets up what the event announces, if its script says that it is left to us: toolstacks whose
 * scripts do it are not interfered with. Failures are logged, and told in the back-end's
 * hotplug-status, for which the toolstack waits.
 */
void xs_dev_handle(struct bridges *bridges, const struct uevent *event);

/* All back-ends that there are and that nobody has set up. */
void xs_dev_rescan(struct bridges *bridges);

/* The value of a node of the device; free() it. NULL: it has none. */
char *xs_dev_read(const struct xs_device *device, const char *name);
/* False (and nothing is written): the device is gone, or XenStore cannot be asked. */
bool xs_dev_write(const struct xs_device *device, const char *name, const char *value);

/* Logs, and leaves the text for the toolstack. */
void xs_dev_fail(const struct xs_device *device, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* xs_vif.c and xs_vbd.c: true if it works now. */
bool xs_vif_set_up(struct bridges *bridges, const struct xs_device *device);
bool xs_vbd_set_up(const struct xs_device *device);

#endif
