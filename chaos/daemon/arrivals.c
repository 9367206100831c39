// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaos.h"
#include "cleanup.h"
#include "events.h"
#include "guest_move.h"
#include "listener.h"
#include "log.h"
#include "migrate.h"
#include "migrations.h"
#include "mover_shells.h"
#include "peer_tls.h"
#include "refill.h"
#include "server.h"

/* A connection, or what is to be done to a guest that an earlier one left. */
struct arrival {
    struct mover mover;
    struct arrival *next;
    struct daemon *daemon;
    struct reply_to to; /* client NULL: nobody waits for it */
    /* The mover's. */
    int (*work)(struct arrival *a, const struct migrate_target *target, struct chaos_error *err);
    int fd; /* of a connection */
    char from[MIGRATE_PEER_MAX + 1];
    struct peer *peer;
    struct chaos *chaos;
    struct migrate_note note; /* domid 0: no guest was made */
    struct guest_target *guest;
    struct mover_shells shells;
    bool counted, started;
    int rc;
    struct chaos_error err;
    atomic_bool stranger; /* it has not shown yet who it is */
};

struct arrivals {
    struct daemon *daemon;
    struct listener listener;
    struct loop_work recovery;
    struct arrival *first;
    unsigned int nr;
    atomic_uint strangers, coming;
};

static struct arrival *arrival_of(struct mover *mover)
{
    return container_of(mover, struct arrival, mover);
}

static struct arrivals *arrivals_of(const struct arrival *a)
{
    return a->daemon->migrations->arrivals;
}

/* ---------------------------------------------------------------- on the mover: the guest */

static int op_prepare(void *guest, const struct migrate_offer *offer, struct migrate_note *note,
                      struct chaos_error *err)
{
    struct arrival *a = guest;
    int rc = guest_target_ops.prepare(a->guest, offer, note, err);

    a->note = *note;
    return rc;
}

static int op_load(void *guest, stream_read *read, void *opaque, struct chaos_error *err)
{
    return guest_target_ops.load(((struct arrival *)guest)->guest, read, opaque, err);
}

static int op_start(void *guest, struct chaos_error *err)
{
    struct arrival *a = guest;
    int rc = guest_target_ops.start(a->guest, err);

    a->started = rc == 0;
    return rc;
}

static int op_drop(void *guest, struct chaos_error *err)
{
    return guest_target_ops.drop(((struct arrival *)guest)->guest, err);
}

static const struct migrate_target_ops target_ops = {
    .prepare = op_prepare,
    .load = op_load,
    .start = op_start,
    .drop = op_drop,
};

/* Its bridges, by the names that they have here. */
static void adapt(void *opaque, struct chaos_config *config)
{
    const struct migration_settings *settings = opaque;

    for (uint32_t i = 0; i < config->nr_vifs; i++)
        for (uint32_t n = 0; n < settings->nr_bridges; n++)
            if (strcmp(config->vifs[i].bridge, settings->bridge[n].theirs) == 0) {
                memcpy(config->vifs[i].bridge, settings->bridge[n].ours,
                       sizeof(settings->bridge[n].ours));
                break;
            }
}

/* So many guests come at once, and no more; what the journal tells of is no new one. */
static int count(struct arrival *a, struct chaos_error *err)
{
    const uint32_t most = a->daemon->settings.migration.incoming;
    struct arrivals *arrivals = arrivals_of(a);

    a->counted = true;
    if (atomic_fetch_add(&arrivals->coming, 1) < most)
        return 0;
    return chaos_error_set(err, -EUSERS, CHAOS_EXIT_RESOURCE,
                           most == 0 ? "this host takes no guests"
                                     : "this host takes %u guests at once, and has so many already",
                           most);
}

static int op_open(void *opaque, const struct migrate_note *note, void **guest,
                   struct chaos_error *err)
{
    struct arrival *a = opaque;
    int rc = 0;

    if (note->domid == 0) /* a new one */
        rc = count(a, err);
    if (rc == 0 && note->domid == 0)
        rc = migrate_journal_room(a->daemon->migrations->journal, err);
    if (rc == 0)
        rc = guest_target_open(a->chaos, note, adapt, &a->daemon->settings.migration, &a->guest,
                               err);
    if (rc < 0)
        return rc;
    a->shells = (struct mover_shells){.mover = &a->mover, .chaos = a->chaos};
    mover_shells_use(&a->shells, a->guest);
    a->note = *note;
    *guest = a;
    return 0;
}

static void op_release(void *opaque, void *guest)
{
    struct arrival *a = opaque;

    (void)guest;
    guest_target_close(a->guest);
    a->guest = NULL;
}

/* ---------------------------------------------------------------- on the mover: what is done */

static int serve(struct arrival *a, const struct migrate_target *target, struct chaos_error *err)
{
    return migrate_serve(a->peer, target, a->from, err);
}

static int recover(struct arrival *a, const struct migrate_target *target, struct chaos_error *err)
{
    return migrate_recover(target, &a->note, err);
}

static int discard(struct arrival *a, const struct migrate_target *target, struct chaos_error *err)
{
    return migrate_discard(target, &a->note, err);
}

static int take_over(struct arrival *a, const struct migrate_target *target,
                     struct chaos_error *err)
{
    return migrate_take_over(target, &a->note, err);
}

static void work(struct arrival *a)
{
    const struct migrate_target target = {
        .journal = a->daemon->migrations->journal,
        .ops = &target_ops,
        .open = op_open,
        .release = op_release,
        .opaque = a,
    };

    a->rc = mover_open(&a->mover, &a->chaos, &a->err);
    if (a->rc < 0)
        return;
    a->rc = a->work(a, &target, &a->err);
    chaos_close(a->chaos);
    if (a->counted)
        atomic_fetch_sub(&arrivals_of(a)->coming, 1);
}

static void run_work(struct mover *mover)
{
    work(arrival_of(mover));
}

static void become_known(struct arrival *a)
{
    atomic_store(&a->stranger, false);
    atomic_fetch_sub(&arrivals_of(a)->strangers, 1);
}

/* Nothing of the host is touched before it is known who it is. */
static void run_connection(struct mover *mover)
{
    struct arrival *a = arrival_of(mover);
    const struct dialer *dialer = &a->daemon->migrations->dialer;

    dial_tune(a->fd, dialer->timeout_ms);
    a->rc = mover_hold(mover, a->fd);
    if (a->rc < 0)
        close(a->fd);
    else
        a->rc = peer_tls_accept(dialer->tls, a->fd, ARRIVALS_GREET_MS, &a->peer, &a->err);
    become_known(a);
    if (a->rc < 0)
        return;
    a->peer->timeout_ms = dialer->timeout_ms;
    work(a);
    a->peer->ops->close(a->peer);
}

/* ---------------------------------------------------------------- what comes of it */

static void tell(const struct arrival *a)
{
    const struct event_about it = {
        .name = a->note.name, .domid = a->note.domid, .uuid = a->note.uuid};

    if (a->started) {
        log_info("\"%s\" has come from %s", a->note.name, a->note.peer);
        events_tell(a->daemon, EVENT_MIGRATED_IN, &it, "from %s", a->note.peer);
    } else if (a->rc < 0 && a->note.name[0]) {
        log_info("\"%s\" from %s: %s", a->note.name, a->note.peer, a->err.text);
    } else if (a->rc < 0) {
        log_info("a connection from %s: %s", a->from, a->err.text);
    }
}

static void answer(struct arrival *a)
{
    struct wire_writer writer;

    if (!a->to.client)
        return;
    if (a->rc < 0) {
        reply_error(&a->to, &a->err);
    } else {
        reply_begin(&a->to, 0, &writer);
        reply_send(&a->to, &writer);
    }
    reply_release(&a->to);
}

static void unlink_arrival(struct arrival *a)
{
    struct arrivals *arrivals = arrivals_of(a);
    struct arrival **link = &arrivals->first;

    while (*link != a)
        link = &(*link)->next;
    *link = a->next;
    arrivals->nr--;
    reply_release(&a->to);
    free(a);
}

static void done(struct mover *mover, struct daemon *daemon)
{
    struct arrival *a = arrival_of(mover);

    tell(a);
    answer(a);
    if (a->started)
        mover_shells_served(&a->shells, daemon);
    unlink_arrival(a);
    refill_poke(daemon); /* it may have had a shell */
}

static struct arrival *arrival_new(struct daemon *daemon)
{
    struct arrivals *arrivals = daemon->migrations->arrivals;
    struct arrival *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    a->daemon = daemon;
    a->mover.run = run_work;
    a->mover.done = done;
    a->next = arrivals->first;
    arrivals->first = a;
    arrivals->nr++;
    return a;
}

/* ---------------------------------------------------------------- connections */

static bool has_room(const struct listener *listener)
{
    const struct arrivals *arrivals = container_of(listener, struct arrivals, listener);

    return atomic_load(&arrivals->strangers) < ARRIVALS_STRANGERS && arrivals->nr < ARRIVALS_MOST;
}

static void came(struct listener *listener, int fd, const char from[HOST_PORT_TEXT])
{
    struct arrivals *arrivals = container_of(listener, struct arrivals, listener);
    struct arrival *a = arrival_new(arrivals->daemon);
    struct chaos_error err;

    if (!a) {
        close(fd);
        return;
    }
    a->fd = fd;
    strcpy(a->from, from);
    a->work = serve;
    a->mover.run = run_connection;
    atomic_store(&a->stranger, true);
    atomic_fetch_add(&arrivals->strangers, 1);
    if (mover_start(arrivals->daemon, &a->mover, &err) == 0)
        return;
    log_error("a connection from %s: %s", from, err.text);
    atomic_fetch_sub(&arrivals->strangers, 1);
    close(fd);
    unlink_arrival(a);
}

uint16_t arrivals_port(const struct daemon *daemon)
{
    return listener_port(&daemon->migrations->arrivals->listener);
}

/* ---------------------------------------------------------------- guests that were left */

static int start_work(struct arrival *a, const struct migrate_note *note, struct chaos_error *err)
{
    int rc;

    a->note = *note;
    strcpy(a->from, note->peer);
    rc = mover_start(a->daemon, &a->mover, err);
    if (rc < 0)
        unlink_arrival(a);
    return rc;
}

static void recover_one(void *opaque, const struct migrate_note *note)
{
    struct daemon *daemon = opaque;
    struct chaos_error err;
    struct arrival *a;

    if (note->role != MIGRATE_TARGET)
        return;
    if (note->phase == MIGRATE_LOADED)
        log_info("\"%s\" waits, paused, for %s", note->name, note->peer);
    if (note->phase != MIGRATE_LOADING && note->phase != MIGRATE_STARTING)
        return;
    a = arrival_new(daemon);
    if (!a) {
        log_error("no memory to end the migration of \"%s\"", note->name);
        return;
    }
    a->work = recover;
    if (start_work(a, note, &err) < 0)
        log_error("cannot end the migration of \"%s\": %s", note->name, err.text);
}

/* What a chaosd that died was at. */
static void recover_all(struct loop_work *work)
{
    struct arrivals *arrivals = container_of(work, struct arrivals, recovery);
    struct chaos_error err;

    if (migrate_journal_visit(arrivals->daemon->migrations->journal, recover_one, arrivals->daemon,
                              &err) < 0)
        log_error("%s", err.text);
}

static int work_for(const struct request *request, struct arrival *a,
                    const struct migrate_note *note, struct chaos_error *err)
{
    int rc;

    if (!a)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = start_work(a, note, err);
    if (rc == 0)
        a->to = reply_later(request);
    return rc;
}

static int handle_discard(struct daemon *daemon, const struct request *request,
                          struct chaos_error *err)
{
    const char *which = wire_find_string(&request->fields, WIRE_WHICH, "");
    struct migrate_note note = {.domid = 0};
    struct arrival *a;
    int rc = migrations_find(daemon, true, which, &note, err);

    if (rc < 0)
        return rc;
    a = arrival_new(daemon);
    if (a)
        a->work = discard;
    return work_for(request, a, &note, err);
}

int arrivals_finish(struct daemon *daemon, const struct request *request,
                    const struct migrate_note *note, bool force, struct chaos_error *err)
{
    struct arrival *a;

    if (!force && note->phase == MIGRATE_RUNNING)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "\"%s\" runs here, and the host that it came from (%s) is still to "
                               "ask about it; --finish --force if that is lost for good",
                               note->name, note->peer);
    if (!force)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "\"%s\" waits for the host that it comes from (%s): chaos migrate "
                               "--finish there, or --finish --force here if that is lost for good",
                               note->name, note->peer);
    a = arrival_new(daemon);
    if (a)
        a->work = take_over;
    return work_for(request, a, note, err);
}

/* ---------------------------------------------------------------- module */

static int listen_if_wanted(struct arrivals *arrivals, struct chaos_error *err)
{
    const struct daemon *daemon = arrivals->daemon;
    const char *address = daemon->settings.migration.listen;

    arrivals->listener.has_room = has_room;
    arrivals->listener.came = came;
    arrivals->listener.fd.fd = -1;
    if (!address[0])
        return 0;
    if (!daemon->migrations->dialer.tls)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "to listen on %s needs authority, certificate and key in "
                               "[migration] of chaosd.conf",
                               address);
    return listener_open(&arrivals->listener, daemon->loop, address, err);
}

static int arrivals_init(struct daemon *daemon, struct chaos_error *err)
{
    struct arrivals *arrivals = calloc(1, sizeof(*arrivals));
    int rc;

    if (!arrivals)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    arrivals->daemon = daemon;
    arrivals->recovery.run = recover_all;
    rc = listen_if_wanted(arrivals, err);
    if (rc < 0) {
        free(arrivals);
        return rc;
    }
    daemon->migrations->arrivals = arrivals;
    loop_defer(daemon->loop, &arrivals->recovery);
    return 0;
}

/* Guests that come may still come; who has not said yet what it wants is not heard any more. */
static void arrivals_quiesce(struct daemon *daemon)
{
    struct arrivals *arrivals = daemon->migrations->arrivals;

    listener_close(&arrivals->listener);
    for (struct arrival *a = arrivals->first; a; a = a->next)
        if (atomic_load(&a->stranger))
            mover_cut(&a->mover);
}

static void arrivals_fini(struct daemon *daemon)
{
    struct arrivals *arrivals = daemon->migrations->arrivals;

    listener_close(&arrivals->listener);
    loop_undefer(daemon->loop, &arrivals->recovery);
    free(arrivals);
    daemon->migrations->arrivals = NULL;
}

const struct module arrivals_module = {
    .name = "arrivals",
    .handlers = {{WIRE_MIGRATE_DISCARD, handle_discard}},
    .init = arrivals_init,
    .fini = arrivals_fini,
    .quiesce = arrivals_quiesce,
};
