// SPDX-License-Identifier: BSD-3-Clause
/* Event channels of the hypervisor in memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_hv.h"
#include "hv_events.h"

#define CHANNELS 64
#define FIRST    100u /* local ports are not small numbers */

struct channel {
    bool used, pending, masked;
    uint32_t domid, port;
    unsigned int virq;
};

struct fake_events {
    struct hv_events base;
    struct fake_hv *fake;
    struct channel channel[CHANNELS];
};

static struct fake_events *of(struct hv_events *events)
{
    return (struct fake_events *)events;
}

static struct channel *channel(struct hv_events *events, uint32_t local)
{
    struct channel *c = &of(events)->channel[local - FIRST];

    assert_in_range(local, FIRST, FIRST + CHANNELS - 1);
    assert_true(c->used);
    return c;
}

static struct channel *find(struct fake_events *events, uint32_t domid, uint32_t port,
                            unsigned int virq)
{
    size_t i;

    for (i = 0; events && i < CHANNELS; i++) {
        struct channel *c = &events->channel[i];

        if (c->used && c->domid == domid && c->port == port && c->virq == virq)
            return c;
    }
    return NULL;
}

/* Readable exactly while a channel has an event that is not masked. */
static void rearm(struct fake_events *events)
{
    uint64_t value = 0;
    size_t i;

    if (read(events->base.fd, &value, sizeof(value)) < 0)
        assert_int_equal(errno, EAGAIN);
    for (i = 0, value = 0; i < CHANNELS; i++)
        value +=
            events->channel[i].used && events->channel[i].pending && !events->channel[i].masked;
    if (value)
        assert_int_equal(write(events->base.fd, &value, sizeof(value)), sizeof(value));
}

static int take_channel(struct fake_events *events, uint32_t domid, uint32_t port,
                        unsigned int virq, uint32_t *local)
{
    size_t i;

    for (i = 0; i < CHANNELS; i++)
        if (!events->channel[i].used) {
            events->channel[i] =
                (struct channel){.used = true, .domid = domid, .port = port, .virq = virq};
            *local = FIRST + (uint32_t)i;
            events->fake->bound++;
            return 0;
        }
    return -ENOSPC;
}

static int fake_bind(struct hv_events *events, uint32_t domid, uint32_t port, uint32_t *local)
{
    struct fake_hv *fake = of(events)->fake;
    struct fake_domain *domain = fake_domain(fake, domid);
    int rc = fake_turn(fake, "bind");

    if (!domain)
        return -ESRCH;
    if (rc < 0)
        return rc;
    if (port == 0 || port > domain->nr_ports || domain->bound_port == port)
        return -EINVAL;
    rc = take_channel(of(events), domid, port, 0, local);
    if (rc == 0)
        domain->bound_port = port;
    return rc;
}

static int fake_bind_virq(struct hv_events *events, unsigned int virq, uint32_t *local)
{
    struct fake_hv *fake = of(events)->fake;

    if (fake->no_virq & 1u << virq)
        return -EEXIST;
    return take_channel(of(events), 0, 0, virq, local);
}

static void fake_unbind(struct hv_events *events, uint32_t local)
{
    struct channel *c = channel(events, local);
    struct fake_domain *domain = fake_domain(of(events)->fake, c->domid);

    if (c->domid && domain)
        domain->bound_port = 0;
    c->used = false;
    of(events)->fake->bound--;
    rearm(of(events));
}

static void fake_close(struct hv_events *events)
{
    uint32_t i;

    for (i = 0; i < CHANNELS; i++)
        if (of(events)->channel[i].used)
            fake_unbind(events, FIRST + i);
    of(events)->fake->events = NULL;
    close(events->fd);
    free(events);
}

static int fake_take(struct hv_events *events, uint32_t *locals, size_t nr)
{
    struct fake_events *all = of(events);
    size_t i, taken = 0;

    for (i = 0; i < CHANNELS && taken < nr; i++) {
        struct channel *c = &all->channel[i];

        if (c->used && c->pending && !c->masked) {
            c->pending = false;
            c->masked = true;
            locals[taken++] = FIRST + (uint32_t)i;
        }
    }
    rearm(all);
    return (int)taken;
}

static int fake_unmask(struct hv_events *events, const uint32_t *locals, size_t nr)
{
    size_t i;

    for (i = 0; i < nr; i++)
        channel(events, locals[i])->masked = false;
    rearm(of(events));
    return 0;
}

static int fake_notify(struct hv_events *events, uint32_t local)
{
    channel(events, local);
    of(events)->fake->notified++;
    return 0;
}

static const struct hv_events_ops ops = {
    .close = fake_close,
    .bind = fake_bind,
    .bind_virq = fake_bind_virq,
    .unbind = fake_unbind,
    .take = fake_take,
    .unmask = fake_unmask,
    .notify = fake_notify,
};

int fake_events_open(struct hv *hv, struct hv_events **out)
{
    struct fake_events *events;
    int rc = fake_turn((struct fake_hv *)hv, "events_open");

    if (rc < 0)
        return rc;
    events = calloc(1, sizeof(*events));
    assert_non_null(events);
    events->base.ops = &ops;
    events->base.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    events->fake = (struct fake_hv *)hv;
    events->fake->events = events;
    *out = &events->base;
    return 0;
}

static void raise_event(struct fake_events *events, struct channel *c)
{
    if (!c)
        return;
    c->pending = true;
    rearm(events);
}

void fake_event(struct fake_hv *fake, uint32_t domid, uint32_t port)
{
    raise_event(fake->events, find(fake->events, domid, port, 0));
}

void fake_virq(struct fake_hv *fake, unsigned int virq)
{
    raise_event(fake->events, find(fake->events, 0, 0, virq));
}
