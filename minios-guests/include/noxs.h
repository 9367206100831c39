/* SPDX-License-Identifier: BSD-3-Clause */
/* The noxs bus, for drivers and apps. */
#ifndef NOXS_H
#define NOXS_H

#include "guest.h"
#include "noxs_abi.h"

/* noxs.c: false and no bus at all when Xen does not know the hypercall. */
bool noxs_present(void);
long noxs_hypercall(unsigned op, void *arg);
const struct noxs_page *noxs_page(void); /* mapped read-only; null without a bus */
void noxs_ready(void);                   /* tells Xen that the app is up */

/* A device as a driver sees it. */
struct noxs_device {
    struct noxs_dev entry;
    struct noxs_ctrl *ctrl;
    uint32_t map_handle;
    int port;
    const struct noxs_driver *driver;
    void *priv;
    struct noxs_device *next;
};

struct noxs_driver {
    uint16_t type;
    int (*attach)(struct noxs_device *dev); /* control page mapped and checked, port bound */
    void (*detach)(struct noxs_device *dev);
    void (*event)(struct noxs_device *dev);
};

/* A driver is known by being linked in. */
#define NOXS_DRIVER(name)                                                                          \
    static const struct noxs_driver name                                                           \
        __attribute__((used, section("noxs_drivers"), aligned(sizeof(void *))))

struct noxs_device *noxs_attached(uint16_t type); /* the first with a driver, or null */
void noxs_set_state(struct noxs_device *dev, uint32_t state);
uint32_t noxs_back_state(const struct noxs_device *dev);

/* For apps that drive a device themselves: map and bind, and the way back. */
int noxs_open(struct noxs_device *dev, evtchn_handler *handler, void *arg);
void noxs_close(struct noxs_device *dev);

/* noxs_page.c: the next device at or after *slot, copied whole; false at the end, or when the
 * page does not get stable. */
bool noxs_page_valid(const struct noxs_page *page);
bool noxs_page_next(const struct noxs_page *page, uint32_t *slot, struct noxs_dev *dev);

/* shutdown.c: called when a shutdown is asked for (enum noxs_sysctl_request) on either bus, before
 * it happens; return false to ignore it. */
bool app_shutdown(uint32_t request);

#endif
