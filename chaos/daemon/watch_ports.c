// SPDX-License-Identifier: BSD-3-Clause
#include "watch_ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chaos.h"
#include "hv_events.h"
#include "log.h"

#define BATCH     64         /* events of one turn of the loop */
#define LOCAL_MAX (1u << 17) /* Xen's own limit */

struct ports {
    struct daemon *daemon;
    struct hv_events *events;
    struct loop_fd fd;
    struct port **by_local;
    uint32_t room;
};

static struct port *find(const struct ports *ports, uint32_t local)
{
    return local < ports->room ? ports->by_local[local] : NULL;
}

static int make_room(struct ports *ports, uint32_t local)
{
    uint32_t room = ports->room ? ports->room : 256;
    struct port **grown;

    if (local >= LOCAL_MAX)
        return -ENOSPC;
    while (room <= local)
        room *= 2;
    if (room == ports->room)
        return 0;
    grown = realloc(ports->by_local, room * sizeof(struct port *));
    if (!grown)
        return -ENOMEM;
    memset(grown + ports->room, 0, (room - ports->room) * sizeof(struct port *));
    ports->by_local = grown;
    ports->room = room;
    return 0;
}

static int bound(struct ports *ports, struct port *port, int rc, uint32_t local)
{
    if (rc < 0)
        return rc;
    rc = make_room(ports, local);
    if (rc < 0) {
        ports->events->ops->unbind(ports->events, local);
        return rc;
    }
    ports->by_local[local] = port;
    port->local = local;
    return 0;
}

int port_bind(struct daemon *daemon, struct port *port, uint32_t domid, uint32_t remote)
{
    struct ports *ports = daemon->ports;
    uint32_t local = 0;
    int rc;

    if (!ports->events)
        return -ENODEV;
    rc = ports->events->ops->bind(ports->events, domid, remote, &local);
    return bound(ports, port, rc, local);
}

int port_bind_virq(struct daemon *daemon, struct port *port, unsigned int virq)
{
    struct ports *ports = daemon->ports;
    uint32_t local = 0;
    int rc;

    if (!ports->events)
        return -ENODEV;
    rc = ports->events->ops->bind_virq(ports->events, virq, &local);
    return bound(ports, port, rc, local);
}

void port_unbind(struct daemon *daemon, struct port *port)
{
    struct ports *ports = daemon->ports;

    if (port->local == 0)
        return;
    ports->by_local[port->local] = NULL;
    ports->events->ops->unbind(ports->events, port->local);
    port->local = 0;
}

void port_resume(struct daemon *daemon, struct port *port)
{
    struct ports *ports = daemon->ports;

    if (port->local != 0)
        ports->events->ops->unmask(ports->events, &port->local, 1);
}

void port_notify(struct daemon *daemon, struct port *port)
{
    struct ports *ports = daemon->ports;

    if (port->local != 0)
        ports->events->ops->notify(ports->events, port->local);
}

static void events_ready(struct loop_fd *fd, uint32_t what)
{
    struct ports *ports = container_of(fd, struct ports, fd);
    uint32_t locals[BATCH], again[BATCH], local;
    int i, nr = ports->events->ops->take(ports->events, locals, BATCH);
    size_t nr_again = 0;

    (void)what;
    if (nr < 0) { /* the device's own ring overflowed: cannot happen, but must not spin */
        log_error("cannot read event channels: %s", strerror(-nr));
        loop_remove(ports->daemon->loop, fd);
        return;
    }
    for (i = 0; i < nr; i++) {
        struct port *port = find(ports, locals[i]);

        local = locals[i];
        if (port && port->event(port) && find(ports, local) == port)
            again[nr_again++] = local;
    }
    ports->events->ops->unmask(ports->events, again, nr_again);
}

static void ports_fini(struct daemon *daemon)
{
    struct ports *ports = daemon->ports;

    if (ports->events) {
        loop_remove(daemon->loop, &ports->fd);
        ports->events->ops->close(ports->events);
    }
    free(ports->by_local);
    free(ports);
    daemon->ports = NULL;
}

static int ports_init(struct daemon *daemon, struct chaos_error *err)
{
    struct ports *ports = calloc(1, sizeof(*ports));
    struct hv *hv = daemon->chaos->hv;
    int rc;

    if (!ports)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    ports->daemon = daemon;
    daemon->ports = ports;
    rc = hv->ops->events_open(hv, &ports->events);
    if (rc < 0) { /* guests run without; their consoles and their ends are seen later, or not */
        log_error("cannot open /dev/xen/evtchn: %s: no consoles", strerror(-rc));
        ports->events = NULL;
        return 0;
    }
    ports->fd.fd = ports->events->fd;
    ports->fd.ready = events_ready;
    rc = loop_add(daemon->loop, &ports->fd, EPOLLIN);
    if (rc < 0) {
        ports->events->ops->close(ports->events);
        ports->events = NULL;
        ports_fini(daemon);
        return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "cannot wait for event channels: %s",
                               strerror(-rc));
    }
    return 0;
}

const struct module ports_module = {
    .name = "ports",
    .init = ports_init,
    .fini = ports_fini,
};
