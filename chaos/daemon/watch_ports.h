/* SPDX-License-Identifier: BSD-3-Clause */
/* dom0's event channels, all on one descriptor of the loop. */
#ifndef CHAOSD_WATCH_PORTS_H
#define CHAOSD_WATCH_PORTS_H

#include "daemon.h"

extern const struct module ports_module;

struct port {
    uint32_t local; /* 0: not bound */
    /* True: it may come again at once. False: only after port_resume. It may unbind the port. */
    bool (*event)(struct port *port);
};

/* -errno; -ENODEV: there are no event channels on this host. */
int port_bind(struct daemon *daemon, struct port *port, uint32_t domid, uint32_t remote);
int port_bind_virq(struct daemon *daemon, struct port *port, unsigned int virq);
void port_unbind(struct daemon *daemon, struct port *port);
void port_resume(struct daemon *daemon, struct port *port);
void port_notify(struct daemon *daemon, struct port *port);

#endif
