// SPDX-License-Identifier: BSD-3-Clause
/* hv_events on Xen: /dev/xen/evtchn. */
#include "hv_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "hv_events.h"

struct events {
    struct hv_events base;
    xenevtchn_handle *handle;
};

static xenevtchn_handle *handle(struct hv_events *events)
{
    return ((struct events *)events)->handle;
}

static void events_close(struct hv_events *events)
{
    xenevtchn_close(handle(events));
    free(events);
}

static int bound(xenevtchn_port_or_error_t port, uint32_t *local)
{
    if (port < 0) {
        return -errno;
    }
    *local = (uint32_t)port;
    return 0;
}

static int events_bind(struct hv_events *events, uint32_t domid, uint32_t port, uint32_t *local)
{
    return bound(xenevtchn_bind_interdomain(handle(events), domid, port), local);
}

static int events_bind_virq(struct hv_events *events, unsigned int virq, uint32_t *local)
{
    return bound(xenevtchn_bind_virq(handle(events), virq), local);
}

static void events_unbind(struct hv_events *events, uint32_t local)
{
    xenevtchn_unbind(handle(events), local);
}

/* The device reads and writes arrays of ports; libxenevtchn only ever one of them. */
static int events_take(struct hv_events *events, uint32_t *locals, size_t nr)
{
    ssize_t r = read(events->fd, locals, nr * sizeof(*locals));

    if (r < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    return (int)((size_t)r / sizeof(*locals));
}

static int events_unmask(struct hv_events *events, const uint32_t *locals, size_t nr)
{
    ssize_t r;

    if (nr == 0) {
        return 0;
    }
    do {
        r = write(events->fd, locals, nr * sizeof(*locals));
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static int events_notify(struct hv_events *events, uint32_t local)
{
    return xenevtchn_notify(handle(events), local) < 0 ? -errno : 0;
}

static const struct hv_events_ops ops = {
    .close = events_close,
    .bind = events_bind,
    .bind_virq = events_bind_virq,
    .unbind = events_unbind,
    .take = events_take,
    .unmask = events_unmask,
    .notify = events_notify,
};

int hv_xen_events_open(struct hv *hv, struct hv_events **out)
{
    struct events *events = calloc(1, sizeof(*events));
    int rc;

    (void)hv;
    if (!events) {
        return -ENOMEM;
    }
    events->base.ops = &ops;
    events->handle = xenevtchn_open(&hv_xen_quiet, 0);
    if (!events->handle) {
        rc = -errno;
        free(events);
        return rc;
    }
    events->base.fd = xenevtchn_fd(events->handle);
    if (fcntl(events->base.fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
        rc = -errno;
        events_close(&events->base);
        return rc;
    }
    *out = &events->base;
    return 0;
}
