// SPDX-License-Identifier: BSD-3-Clause
#include "events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server.h"

#define QUEUED_MAX (32u << 10) /* bytes in a subscriber's queue before it waits */

struct event {
    uint64_t time_ns; /* CLOCK_REALTIME */
    enum event_kind kind;
    bool has_uuid, ended;
    enum chaos_shutdown reason;
    uint32_t domid;
    uint8_t uuid[16];
    char name[CHAOS_NAME_MAX + 1], detail[128];
};

struct subscriber {
    struct reply_to to;
    uint64_t next; /* number of the event that it has not had */
    bool follow;
    struct subscriber *after;
};

struct events {
    struct daemon *daemon;
    struct event kept[EVENTS_KEPT]; /* event n is at n % EVENTS_KEPT */
    uint64_t end;                   /* number of the next one; the first is 1 */
    struct subscriber *subscribers;
    struct loop_work work;
};

static const char *const kind_names[EVENT_KINDS] = {
    [EVENT_CREATED] = "created",
    [EVENT_STARTED] = "started",
    [EVENT_SHUTDOWN] = "shutdown",
    [EVENT_CRASHED] = "crashed",
    [EVENT_SUSPENDED] = "suspended",
    [EVENT_RESUMED] = "resumed",
    [EVENT_PRESERVED] = "preserved",
    [EVENT_BACKOFF] = "backoff",
    [EVENT_RESTARTED] = "restarted",
    [EVENT_FAILED] = "failed",
    [EVENT_RENAMED] = "renamed",
    [EVENT_DESTROYED] = "destroyed",
    [EVENT_MIGRATED_IN] = "migrated-in",
    [EVENT_MIGRATED_OUT] = "migrated-out",
    [EVENT_IN_DOUBT] = "in-doubt",
    [EVENT_POOL_DEGRADED] = "pool-degraded",
    [EVENT_POOL_RECOVERED] = "pool-recovered",
};

static uint64_t oldest(const struct events *events)
{
    return events->end > EVENTS_KEPT ? events->end - EVENTS_KEPT : 1;
}

/* ---------------------------------------------------------------- telling */

static void put_event(struct wire_writer *writer, const struct event *event, uint64_t number,
                      uint64_t lost)
{
    size_t group = wire_put_group(writer, WIRE_EVENT);

    wire_put_u64(writer, WIRE_INDEX, number);
    wire_put_u64(writer, WIRE_TIME_NS, event->time_ns);
    wire_put_string(writer, WIRE_KIND, kind_names[event->kind]);
    wire_put_string(writer, WIRE_NAME, event->name);
    if (event->domid)
        wire_put_u32(writer, WIRE_DOMID, event->domid);
    if (event->has_uuid)
        wire_put_bytes(writer, WIRE_UUID, event->uuid, sizeof(event->uuid));
    if (event->ended)
        wire_put_u32(writer, WIRE_REASON, event->reason);
    if (event->detail[0])
        wire_put_string(writer, WIRE_DETAIL, event->detail);
    if (lost)
        wire_put_u64(writer, WIRE_LOST, lost);
    wire_end_group(writer, group);
}

static void send_event(struct events *events, struct subscriber *s)
{
    uint64_t lost = 0, first = oldest(events);
    struct wire_writer writer;

    if (s->next < first) {
        lost = first - s->next;
        s->next = first;
    }
    reply_begin(&s->to, WIRE_MORE, &writer);
    put_event(&writer, &events->kept[s->next % EVENTS_KEPT], s->next, lost);
    s->next++;
    reply_send(&s->to, &writer);
}

/* True: it is behind, and has room for more. */
static bool may_have_more(const struct events *events, const struct subscriber *s)
{
    return !client_gone(s->to.client) && s->next < events->end &&
           client_queued(s->to.client) < QUEUED_MAX;
}

static void subscriber_free(struct subscriber **link)
{
    struct subscriber *s = *link;

    *link = s->after;
    reply_release(&s->to);
    free(s);
}

static void finish(struct subscriber **link)
{
    struct wire_writer writer;

    reply_begin(&(*link)->to, 0, &writer);
    reply_send(&(*link)->to, &writer);
    subscriber_free(link);
}

/* A burst for each subscriber a turn; who cannot take it goes on when its queue is empty. */
static void pump(struct loop_work *work)
{
    struct events *events = container_of(work, struct events, work);
    struct subscriber **link = &events->subscribers;
    bool more = false;

    while (*link) {
        struct subscriber *s = *link;
        unsigned int burst = 64;

        while (burst-- > 0 && may_have_more(events, s))
            send_event(events, s);
        if (client_gone(s->to.client)) {
            subscriber_free(link);
        } else if (!s->follow && s->next == events->end) {
            finish(link);
        } else {
            more |= may_have_more(events, s);
            link = &s->after;
        }
    }
    if (more)
        loop_defer(events->daemon->loop, &events->work);
}

static void client_room(struct daemon *daemon, struct client *client)
{
    (void)client;
    if (daemon->events->subscribers)
        loop_defer(daemon->loop, &daemon->events->work);
}

void events_tell(struct daemon *daemon, enum event_kind kind, const struct event_about *about,
                 const char *format, ...)
{
    struct events *events = daemon->events;
    struct timespec now;
    struct event *event;
    va_list args;

    if (!events) /* chaosd is about to end */
        return;
    event = &events->kept[events->end % EVENTS_KEPT];
    clock_gettime(CLOCK_REALTIME, &now);
    memset(event, 0, sizeof(*event));
    event->time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    event->kind = kind;
    if (about) {
        snprintf(event->name, sizeof(event->name), "%s", about->name);
        event->domid = about->domid;
        event->ended = about->ended;
        event->reason = about->reason;
        event->has_uuid = about->uuid != NULL;
        if (about->uuid)
            memcpy(event->uuid, about->uuid, sizeof(event->uuid));
    }
    va_start(args, format);
    vsnprintf(event->detail, sizeof(event->detail), format, args);
    va_end(args);
    events->end++;
    if (events->subscribers)
        loop_defer(daemon->loop, &events->work);
}

/* ---------------------------------------------------------------- subscribing */

/* WIRE_TAIL: so many that were before; WIRE_FOLLOW 0: no others. */
static int subscribe(struct daemon *daemon, const struct request *request, struct chaos_error *err)
{
    struct events *events = daemon->events;
    uint64_t tail = wire_find_number(&request->fields, WIRE_TAIL, 0);
    struct subscriber *s = calloc(1, sizeof(*s)), **link;
    struct wire_writer writer;

    if (!s)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    if (tail > events->end - oldest(events))
        tail = events->end - oldest(events);
    s->next = events->end - tail;
    s->follow = wire_find_number(&request->fields, WIRE_FOLLOW, 1) != 0;
    s->to = reply_later(request);
    for (link = &events->subscribers; *link; link = &(*link)->after)
        ;
    *link = s;
    /* What happens from here on, it is told. */
    reply_begin(&s->to, WIRE_MORE, &writer);
    reply_send(&s->to, &writer);
    loop_defer(daemon->loop, &events->work);
    return 0;
}

static void forget_client(struct daemon *daemon, struct client *client)
{
    (void)client; /* it is seen to be gone */
    if (daemon->events && daemon->events->subscribers)
        loop_defer(daemon->loop, &daemon->events->work);
}

static int events_init(struct daemon *daemon, struct chaos_error *err)
{
    struct events *events = calloc(1, sizeof(*events));

    if (!events)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    events->daemon = daemon;
    events->end = 1;
    events->work.run = pump;
    daemon->events = events;
    return 0;
}

static void events_fini(struct daemon *daemon)
{
    struct events *events = daemon->events;

    loop_undefer(daemon->loop, &events->work);
    while (events->subscribers)
        subscriber_free(&events->subscribers);
    free(events);
    daemon->events = NULL;
}

const struct module events_module = {
    .name = "events",
    .init = events_init,
    .fini = events_fini,
    .handlers = {{WIRE_SUBSCRIBE, subscribe}},
    .client_gone = forget_client,
    .client_room = client_room,
};
