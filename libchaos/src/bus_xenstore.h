/* SPDX-License-Identifier: BSD-3-Clause */
/* What bus_xenstore.c and bus_xenstore_nodes.c share: the nodes of a domain and its devices. */
#ifndef CHAOS_BUS_XENSTORE_H
#define CHAOS_BUS_XENSTORE_H

#include "bus.h"
#include "store.h"

#define BACKEND_PATH "/local/domain/0/backend"
/* Says in a back-end's `script` that the device is xendevd's: no script is run. */
#define HOTPLUG_NAME "xendevd"

struct nodes {
    uint32_t domid;
    const struct chaos_config *config;
};

/* Bodies of a transaction; opaque is a struct nodes. All of a domain's nodes; those of them that
 * a shell does not know yet; none of them. */
void nodes_create(struct store *store, void *opaque);
void nodes_configure(struct store *store, void *opaque);
void nodes_remove(struct store *store, void *opaque);

struct nodes_request {
    uint32_t domid;
    const char *word; /* "poweroff", ... */
};

/* Asks the guest; opaque is a struct nodes_request. */
void nodes_ask(struct store *store, void *opaque);
/* Takes that back; opaque is a domain id. */
struct nodes_withdrawal {
    uint32_t domid;
    bool begun; /* found out: the guest is at it */
};

void nodes_withdraw(struct store *store, void *opaque);

/* bus_xenstore_link.c: name and MTU of the netdev of a vif that is set up already. */
int link_configure(uint32_t domid, const struct chaos_vif_config *vif, struct chaos_error *err);

#endif
