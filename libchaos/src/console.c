// SPDX-License-Identifier: BSD-3-Clause
/* One guest's console, for a process that looks at it by itself. */
#include "chaos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <chaos/console.h>

#include "cleanup.h"
#include "console_ring.h"
#include "hv_events.h"

struct chaos_console {
    struct chaos *chaos;
    struct xencons_interface *ring; /* the guest can write to all of it at any time */
    uint32_t domid;
    uint8_t uuid[16];
    bool follow;
    uint32_t seen;            /* our out_cons */
    struct hv_events *events; /* when following */
    uint32_t port;
};

static int map_ring(struct chaos_console *console, const struct record *record,
                    struct chaos_error *err)
{
    struct hv *hv = console->chaos->hv;
    uint64_t frame = record->console_frame;
    void *page;
    int rc;

    if (frame == 0)
        return chaos_error_set(err, -ENODEV, CHAOS_EXIT_FAILURE, "domain %u has no console",
                               console->domid);
    rc = hv->ops->map(hv, console->domid, &frame, 1, console->follow, &page);
    if (rc < 0)
        return hv_error(err, rc, "map the console of domain %u", console->domid);
    console->ring = page;
    console->seen = console_ring_start(console->ring);
    return 0;
}

static int bind_channel(struct chaos_console *console, const struct record *record,
                        struct chaos_error *err)
{
    struct hv *hv = console->chaos->hv;
    int rc = hv->ops->events_open(hv, &console->events);

    if (rc < 0)
        return hv_error(err, rc, "open the event channels");
    rc = console->events->ops->bind(console->events, console->domid, record->console_port,
                                    &console->port);
    if (rc == -EINVAL || rc == -EBUSY)
        return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE,
                               "the console of domain %u is attached already", console->domid);
    if (rc < 0)
        return hv_error(err, rc, "bind the console of domain %u", console->domid);
    return 0;
}

int chaos_console_open(struct chaos *chaos, const struct chaos_domain *domain, bool follow,
                       struct chaos_console **out, struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct chaos_console *console;
    struct record record;
    struct hv_info info;
    int rc;

    if (domain->domid == 0 || domain->name[0] == '\0')
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_FAILURE,
                               "domain %u was not made by chaos: its console is not known here",
                               domain->domid);
    rc = chaos_read_record(chaos, domain->name, &record, &text, &info, err);
    if (rc == -ENOENT)
        return chaos_error_set(err, rc, CHAOS_EXIT_NOT_FOUND, "domain \"%s\" is gone",
                               domain->name);
    if (rc < 0)
        return rc;
    console = calloc(1, sizeof(*console));
    if (!console)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    console->chaos = chaos;
    console->domid = record.domid;
    memcpy(console->uuid, record.uuid, sizeof(console->uuid));
    console->follow = follow;
    rc = map_ring(console, &record, err);
    if (rc == 0 && follow)
        rc = bind_channel(console, &record, err);
    if (rc < 0) {
        chaos_console_close(console);
        return rc;
    }
    *out = console;
    return 0;
}

void chaos_console_close(struct chaos_console *console)
{
    struct hv *hv;

    if (!console)
        return;
    hv = console->chaos->hv;
    if (console->events)
        console->events->ops->close(console->events);
    if (console->ring)
        hv->ops->unmap(hv, console->ring, 1);
    free(console);
}

int chaos_console_fd(const struct chaos_console *console)
{
    return console->events ? console->events->fd : -1;
}

int chaos_console_ack(struct chaos_console *console, struct chaos_error *err)
{
    uint32_t port;
    int rc = console->events->ops->take(console->events, &port, 1);

    if (rc > 0)
        rc = console->events->ops->unmask(console->events, &port, 1);
    return rc < 0 ? hv_error(err, rc, "take an event of domain %u", console->domid) : 0;
}

static int notify(struct chaos_console *console, struct chaos_error *err)
{
    int rc = console->events->ops->notify(console->events, console->port);

    return rc < 0 ? hv_error(err, rc, "notify domain %u", console->domid) : 0;
}

static int nonsense(const struct chaos_console *console, struct chaos_error *err)
{
    return chaos_error_set(err, -EPROTO, CHAOS_EXIT_FAILURE,
                           "domain %u broke its console ring (indices out of range)",
                           console->domid);
}

int chaos_console_read(struct chaos_console *console, char *buffer, size_t size, size_t *length,
                       struct chaos_error *err)
{
    if (console_ring_read(console->ring, &console->seen, buffer, size, length) < 0)
        return nonsense(console, err);
    if (*length == 0 || !console->follow)
        return 0;
    console_ring_release(console->ring, console->seen);
    return notify(console, err);
}

int chaos_console_write(struct chaos_console *console, const char *buffer, size_t size,
                        size_t *taken, struct chaos_error *err)
{
    if (console_ring_write(console->ring, buffer, size, taken) < 0)
        return nonsense(console, err);
    return *taken > 0 ? notify(console, err) : 0;
}

bool chaos_console_alive(struct chaos_console *console)
{
    struct hv *hv = console->chaos->hv;
    struct hv_info info;

    return hv->ops->info(hv, console->domid, &info) == 0 && !info.dying && !info.shutdown &&
           memcmp(info.uuid, console->uuid, sizeof(info.uuid)) == 0;
}
