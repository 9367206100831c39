// SPDX-License-Identifier: BSD-3-Clause
#include "departures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "arrivals.h"
#include "chaos.h"
#include "creates.h"
#include "events.h"
#include "guest_move.h"
#include "holds.h"
#include "log.h"
#include "migrate.h"
#include "migrations.h"
#include "server.h"
#include "timing.h"
#include "watch.h"
#include "wire_parts.h"

#define BUSY_NS 200000000u /* before a look at whether there is room for another try */

/* One guest, from the request until nothing of the migration is left in the journal. */
struct departure {
    struct mover mover;
    struct departure *next;
    struct daemon *daemon;
    struct reply_to to; /* client NULL: nobody waits for it */
    bool resolve;       /* not from the beginning: what the journal tells of */
    bool force;         /* the next try: the target is said to be lost */
    bool runs, timed, live, compress;
    bool moved; /* and that was told */
    char which[CHAOS_NAME_MAX + 6];
    char peer[MIGRATE_PEER_MAX + 1];
    uint32_t timeout_ms;
    struct hold hold; /* the domain that is left alone */
    /* The mover's while it runs. */
    struct migrate_note note;
    bool forced; /* this try */
    struct chaos *chaos;
    struct guest_source *guest;
    struct chaos_domain domain;
    struct chaos_timing timing;
    int rc;
    struct chaos_error err;
    bool unfinished; /* the note is still there */
    /* Between tries. */
    struct loop_timer timer;
    uint32_t failures;
    int last_failure;
};

struct departures {
    struct departure *first;
    unsigned int moving, tried; /* that run, by kind */
    bool quiet;
};

/* ---------------------------------------------------------------- on the mover */

static struct departure *departure_of(struct mover *mover)
{
    return container_of(mover, struct departure, mover);
}

static int op_send(void *guest, stream_write *write, void *opaque, struct chaos_error *err)
{
    return guest_source_send(((struct departure *)guest)->guest, write, opaque, err);
}

static int op_resume(void *guest, struct chaos_error *err)
{
    return guest_source_resume(((struct departure *)guest)->guest, err);
}

static int op_destroy(void *guest, struct chaos_error *err)
{
    struct departure *d = guest;

    atomic_store(&d->hold.leaves, true);
    return guest_source_destroy(d->guest, err);
}

static int reach(struct departure *d, struct peer **peer, struct chaos_error *err)
{
    return dial(&d->daemon->migrations->dialer, &d->mover, d->peer, peer, err);
}

static int op_reconnect(void *guest, struct peer **peer, struct chaos_error *err)
{
    return reach(guest, peer, err);
}

static const struct migrate_source_ops source_ops = {
    .send = op_send,
    .resume = op_resume,
    .destroy = op_destroy,
    .reconnect = op_reconnect,
};

static int choose_token(struct migrate_note *note, struct chaos_error *err)
{
    if (getrandom(note->token, sizeof(note->token), 0) == (ssize_t)sizeof(note->token))
        return 0;
    return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE, "cannot get random bytes: %s",
                           strerror(errno));
}

/* The guest, and what is said of it. */
static int look_up(struct departure *d, struct migrate_offer *offer, struct chaos_error *err)
{
    const struct guest_source_options how = {.timeout_ms = d->timeout_ms,
                                             .live = d->live,
                                             .compress = d->compress,
                                             .timing = &d->timing};
    int rc = chaos_domain_find(d->chaos, d->which, &d->domain, err);

    if (rc == 0)
        rc = guest_source_open(d->chaos, &d->domain, &how, &d->guest, err);
    if (rc == 0)
        rc = guest_source_offer(d->guest, offer, err);
    if (rc == 0)
        rc = choose_token(&d->note, err);
    if (rc < 0)
        return rc;
    d->note.domid = d->domain.domid;
    memcpy(d->note.uuid, d->domain.uuid, sizeof(d->note.uuid));
    strcpy(d->note.name, d->domain.name);
    strcpy(d->note.peer, d->peer);
    return 0;
}

static int move(struct departure *d, const struct migrate_source *source)
{
    struct migrate_offer offer;
    struct peer *peer;
    int rc = look_up(d, &offer, &d->err);

    timing_note(&d->timing, "open");
    if (rc == 0)
        rc = reach(d, &peer, &d->err);
    timing_note(&d->timing, "connect");
    if (rc < 0)
        return rc;
    rc = migrate_send(source, peer, &offer, &d->err);
    peer->ops->close(peer);
    return rc;
}

static int resolve(struct departure *d, const struct migrate_source *source)
{
    int rc = guest_source_reopen(d->chaos, &d->note, &d->guest, &d->err);

    return rc < 0 ? rc : migrate_resolve(source, &d->err);
}

static void run(struct mover *mover)
{
    struct departure *d = departure_of(mover);
    struct migrate_journal *journal = d->daemon->migrations->journal;
    const struct migrate_source source = {.journal = journal,
                                          .note = &d->note,
                                          .ops = &source_ops,
                                          .guest = d,
                                          .timing = &d->timing,
                                          .forced = d->forced};
    struct migrate_note left;
    struct chaos_error why;
    int rc;

    timing_begin(&d->timing);
    d->rc = mover_open(mover, &d->chaos, &d->err);
    if (d->rc == 0) {
        d->rc = d->resolve ? resolve(d, &source) : move(d, &source);
        guest_source_close(d->guest);
        d->guest = NULL;
        chaos_close(d->chaos);
    }
    rc = journal->ops->read(journal, d->note.token, MIGRATE_SOURCE, &left, &why);
    d->unfinished = rc != -ENOENT;
    if (rc == 0)
        d->note = left;
}

/* ---------------------------------------------------------------- what comes of it */

static struct event_about about(const struct departure *d)
{
    return (struct event_about){.name = d->note.name, .domid = d->note.domid, .uuid = d->note.uuid};
}

static void hold(struct departure *d, uint32_t domid, const uint8_t uuid[16])
{
    d->hold.domid = domid;
    memcpy(d->hold.uuid, uuid, sizeof(d->hold.uuid));
}

/* What the journal says: a guest that went on is its own, though its target is still to be told. */
static void hold_as_noted(struct departure *d)
{
    hold(d, migrate_is_held(d->note.phase) ? d->note.domid : 0, d->note.uuid);
}

static struct guest *guest_of(const struct departure *d)
{
    struct guest *guest =
        d->daemon->watch ? guest_by_domid(watch_guests(d->daemon), d->hold.domid) : NULL;

    return guest && hold_is_of(&d->hold, guest) ? guest : NULL;
}

static void unlink_departure(struct departure *d)
{
    struct departure **link = &d->daemon->migrations->departures->first;

    while (*link != d)
        link = &(*link)->next;
    *link = d->next;
    hold_remove(d->daemon, &d->hold);
    loop_timer_stop(d->daemon->loop, &d->timer);
    reply_release(&d->to);
    free(d);
}

/* Whether this is how a migration ends, rather than that it has not. */
static bool has_ended(const struct departure *d)
{
    return d->rc == 0 || d->rc == -ECONNABORTED || d->rc == -ESRCH;
}

static void answer(struct departure *d)
{
    struct wire_writer writer;

    if (!d->to.client)
        return;
    if (d->resolve ? !has_ended(d) : d->rc < 0) {
        reply_error(&d->to, &d->err);
    } else {
        reply_begin(&d->to, 0, &writer);
        if (d->resolve) {
            wire_put_string(&writer, WIRE_HOST, d->rc == 0 ? d->peer : "");
            wire_put_string(&writer, WIRE_DETAIL, d->rc == 0 ? "" : d->err.text);
        } else {
            wire_put_domain(&writer, &d->domain);
        }
        if (d->timed)
            wire_put_timing(&writer, &d->timing);
        reply_send(&d->to, &writer);
    }
    reply_release(&d->to);
}

/* Told once, and then when the reason is another one. */
static void tell_failure(const struct departure *d)
{
    const struct event_about it = about(d);

    if (d->rc == -EINPROGRESS && d->failures == 0) {
        log_error("%s", d->err.text);
        events_tell(d->daemon, EVENT_IN_DOUBT, &it, "%s", d->err.text);
    } else if (!d->resolve) {
        log_info("\"%s\" was not moved to %s: %s", d->note.name, d->peer, d->err.text);
        events_tell(d->daemon, EVENT_FAILED, &it, "cannot move it to %s: %s", d->peer, d->err.text);
    } else if (d->rc != d->last_failure) {
        log_info("the migration of \"%s\" to %s: %s", d->note.name, d->peer, d->err.text);
    }
}

/* The guest has gone, or goes on, or waits: whoever follows it hears of it. */
static void tell_ending(struct departure *d)
{
    struct guest *guest = guest_of(d);

    if (d->rc == 0) {
        if (!d->moved)
            log_info("\"%s\" has moved to %s", d->note.name, d->peer);
        d->moved = true;
        if (guest)
            watch_gone(d->daemon, guest, ""); /* if the loss of its record was not seen yet */
        return;
    }
    if (d->note.domid != 0) /* else there is no such guest */
        tell_failure(d);
    if (d->daemon->watch) /* it may have been suspended, and go on now */
        watch_scan_request(d->daemon->watch);
}

static void try_later(struct departure *d, uint64_t delay_ns)
{
    if (loop_timer_start(d->daemon->loop, &d->timer, delay_ns) < 0)
        log_error("no memory for a timer: the migration of \"%s\" is not tried again",
                  d->note.name);
}

static void begin(struct departure *d);

static void done(struct mover *mover, struct daemon *daemon)
{
    struct departures *departures = daemon->migrations->departures;
    struct departure *d = departure_of(mover);

    d->runs = false;
    (*(d->resolve ? &departures->tried : &departures->moving))--;
    tell_ending(d);
    if (d->force && d->unfinished) { /* that was said while it was tried without */
        begin(d);
        return;
    }
    answer(d);
    if (!d->unfinished) {
        unlink_departure(d);
        return;
    }
    d->resolve = true;
    d->last_failure = d->rc;
    hold_as_noted(d);
    if (!departures->quiet)
        try_later(d, policy_retry_ns(++d->failures));
}

static void begin(struct departure *d)
{
    struct departures *departures = d->daemon->migrations->departures;

    d->runs = true;
    d->forced = d->force;
    d->force = false;
    (*(d->resolve ? &departures->tried : &departures->moving))++;
    if (mover_start(d->daemon, &d->mover, &d->err) == 0)
        return;
    d->rc = d->err.code;
    d->unfinished = d->resolve;
    done(&d->mover, d->daemon);
}

static void try_again(struct loop_timer *timer)
{
    struct departure *d = container_of(timer, struct departure, timer);

    if (d->daemon->migrations->departures->tried >= DEPARTURES_TRIED)
        try_later(d, BUSY_NS);
    else
        begin(d);
}

/* ---------------------------------------------------------------- for others */

void departures_put(const struct daemon *daemon, const struct migrate_note *note,
                    struct wire_writer *writer)
{
    const struct departure *d = daemon->migrations->departures->first;
    const uint64_t now = loop_now();

    while (d && (d->runs || memcmp(d->note.token, note->token, sizeof(note->token)) != 0))
        d = d->next;
    if (!d)
        return;
    wire_put_string(writer, WIRE_DETAIL, d->err.text);
    wire_put_u32(writer, WIRE_FAILURES, d->failures);
    if (d->timer.place != 0 && d->timer.due_ns > now)
        wire_put_u64(writer, WIRE_VALUE, (d->timer.due_ns - now) / 1000000);
}

/* ---------------------------------------------------------------- requests */

static struct departure *departure_new(struct daemon *daemon, const char *peer)
{
    struct departures *departures = daemon->migrations->departures;
    struct departure *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->daemon = daemon;
    d->mover.run = run;
    d->mover.done = done;
    d->timer.expired = try_again;
    strcpy(d->peer, peer);
    d->hold.host = d->peer;
    hold_add(daemon, &d->hold);
    d->next = departures->first;
    departures->first = d;
    return d;
}

/* A guest that we know is asked to move once at a time; NULL: the mover will tell what it is. */
static int look_for_guest(struct daemon *daemon, const char *which, const struct guest **guest,
                          struct chaos_error *err)
{
    if (!daemon->watch)
        return 0;
    creates_conclude(daemon);
    watch_catch_up(daemon);
    *guest = watch_find(daemon, which);
    if (!*guest || !hold_find(daemon, *guest))
        return 0;
    return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                           "\"%s\" is being moved already: see chaos migrate --list",
                           (*guest)->name);
}

static int check_room(struct daemon *daemon, struct chaos_error *err)
{
    const struct departures *departures = daemon->migrations->departures;

    if (departures->quiet)
        return chaos_error_set(err, -ESHUTDOWN, CHAOS_EXIT_DAEMON, "chaosd is stopping");
    if (departures->moving >= daemon->settings.migration.outgoing)
        return chaos_error_set(err, -EUSERS, CHAOS_EXIT_RESOURCE,
                               "this host is moving %u guests already, and no more at once",
                               departures->moving);
    return migrate_journal_room(daemon->migrations->journal, err);
}

static int handle_migrate(struct daemon *daemon, const struct request *request,
                          struct chaos_error *err)
{
    const char *which = wire_find_string(&request->fields, WIRE_WHICH, "");
    const uint64_t timeout_ms = wire_find_number(&request->fields, WIRE_TIMEOUT_MS, 0);
    const uint64_t options = wire_find_number(&request->fields, WIRE_OPTIONS, 0);
    char peer[MIGRATE_PEER_MAX + 1];
    const struct guest *guest = NULL;
    struct departure *d;
    int rc = check_room(daemon, err);

    if (rc == 0)
        rc = dial_address(wire_find_string(&request->fields, WIRE_HOST, ""), peer, err);
    if (rc == 0 && (strlen(which) >= sizeof(d->which) || timeout_ms > MIGRATE_SILENCE_MAX))
        rc = chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                             "no domain's name is so long, or the time-out is longer than a day");
    if (rc == 0)
        rc = look_for_guest(daemon, which, &guest, err);
    if (rc < 0)
        return rc;
    d = departure_new(daemon, peer);
    if (!d)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    strcpy(d->which, which);
    if (guest)
        hold(d, guest->domid, guest->uuid);
    d->timeout_ms = (uint32_t)timeout_ms;
    d->timed = options & WIRE_OPTION_TIMING;
    d->live = options & WIRE_OPTION_LIVE;
    d->compress = options & WIRE_OPTION_COMPRESS;
    d->to = reply_later(request);
    begin(d);
    return 0;
}

/* Its token is the mover's while that runs. */
static bool is_of_note(const struct departure *d, const struct migrate_note *note)
{
    if (!d->runs)
        return memcmp(d->note.token, note->token, sizeof(note->token)) == 0;
    return d->hold.domid == note->domid &&
           memcmp(d->hold.uuid, note->uuid, sizeof(note->uuid)) == 0;
}

static int handle_finish(struct daemon *daemon, const struct request *request,
                         struct chaos_error *err)
{
    struct departure *d = daemon->migrations->departures->first;
    const bool force = wire_find_number(&request->fields, WIRE_OPTIONS, 0) & WIRE_OPTION_FORCE;
    struct migrate_note note = {.domid = 0};
    int rc = migrations_find(daemon, false, wire_find_string(&request->fields, WIRE_WHICH, ""),
                             &note, err);

    if (rc < 0)
        return rc;
    if (note.role == MIGRATE_TARGET)
        return arrivals_finish(daemon, request, &note, force, err);
    while (d && !is_of_note(d, &note))
        d = d->next;
    if (!d || (d->runs && d->to.client))
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "\"%s\" is being moved at this moment", note.name);
    d->to = reply_later(request);
    d->force = force;
    loop_timer_stop(daemon->loop, &d->timer);
    if (!d->runs)
        begin(d);
    return 0;
}

/* ---------------------------------------------------------------- module */

/* What a chaosd that died was at. */
static void take_up(void *opaque, const struct migrate_note *note)
{
    struct departure *d;

    if (note->role != MIGRATE_SOURCE)
        return;
    d = departure_new(opaque, note->peer);
    if (!d) {
        log_error("no memory to end the migration of \"%s\"", note->name);
        return;
    }
    log_info("\"%s\" was being moved to %s (%s): going on with it", note->name, note->peer,
             migrate_phase_name(note->phase));
    d->note = *note;
    d->resolve = true;
    d->moved = note->phase == MIGRATE_LEFT;
    hold_as_noted(d);
    try_later(d, 0);
}

static void departures_fini(struct daemon *daemon)
{
    struct departures *departures = daemon->migrations->departures;

    while (departures->first)
        unlink_departure(departures->first);
    free(departures);
    daemon->migrations->departures = NULL;
}

static int departures_init(struct daemon *daemon, struct chaos_error *err)
{
    struct departures *departures = calloc(1, sizeof(*departures));
    int rc;

    if (!departures)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    daemon->migrations->departures = departures;
    rc = migrate_journal_visit(daemon->migrations->journal, take_up, daemon, err);
    if (rc < 0)
        departures_fini(daemon);
    return rc;
}

/* Who is being moved is moved; the others are the next chaosd's. */
static void departures_quiesce(struct daemon *daemon)
{
    struct departures *departures = daemon->migrations->departures;

    departures->quiet = true;
    for (struct departure *d = departures->first; d; d = d->next) {
        loop_timer_stop(daemon->loop, &d->timer);
        if (d->runs && d->resolve)
            mover_cut(&d->mover);
    }
}

const struct module departures_module = {
    .name = "departures",
    .handlers = {{WIRE_MIGRATE, handle_migrate}, {WIRE_MIGRATE_FINISH, handle_finish}},
    .init = departures_init,
    .fini = departures_fini,
    .quiesce = departures_quiesce,
};
