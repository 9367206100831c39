// SPDX-License-Identifier: BSD-3-Clause
#include "lifecycle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consoles.h"
#include "creates.h"
#include "events.h"
#include "holds.h"
#include "log.h"
#include "restart.h"
#include "suspensions.h"
#include "watch.h"
#include "worker.h"

#define HELD_NS 100000000u /* before another look at a guest that a migration holds */

struct lifecycle {
    bool quiet;
};

enum deed_kind {
    DEED_DESTROY,
    DEED_RESTART, /* unmakes it; the rest is a create */
    DEED_FORGET,  /* the record of a domain that is gone */
    DEED_RESUME,  /* a restart that a process began which died */
    DEED_FINISH   /* takes the mark away once the new one runs */
};

/* Something that is done to a guest, on a worker. */
struct deed {
    struct job job;
    enum deed_kind kind;
    struct guest *guest; /* NULL: it went meanwhile; the loop's, not the worker's */
    struct daemon *daemon;
    struct chaos_domain domain;
    struct chaos_config config;
    int rc;
    struct chaos_error err;
};

static void act(struct daemon *daemon, struct guest *guest, enum deed_kind kind);

static struct event_about about(const struct guest *guest)
{
    return (struct event_about){.name = guest->name, .domid = guest->domid, .uuid = guest->uuid};
}

/* ---------------------------------------------------------------- failures */

static enum deed_kind next_deed(const struct guest *guest)
{
    if (guest->state == GUEST_RESTARTING)
        return DEED_RESUME;
    return guest->restart ? DEED_RESTART : DEED_DESTROY;
}

static void timer_expired(struct loop_timer *timer)
{
    struct guest *guest = container_of(timer, struct guest, timer);

    act(guest->daemon, guest, next_deed(guest));
}

static void wait_for(struct guest *guest, uint64_t delay_ns)
{
    guest->timer.expired = timer_expired;
    if (loop_timer_start(guest->daemon->loop, &guest->timer, delay_ns) < 0)
        log_error("no memory for a timer: \"%s\" stays as it is", guest->name);
}

/* Tries again, ever more seldom; it is told once, and then when the reason is another one. */
static void try_again(struct guest *guest, const char *what, const struct chaos_error *err)
{
    const struct event_about it = about(guest);
    uint64_t delay = policy_retry_ns(++guest->failures);

    if (guest->failures == 1 || err->code != guest->last_failure) {
        log_error("cannot %s \"%s\": %s; trying again", what, guest->name, err->text);
        events_tell(guest->daemon, EVENT_FAILED, &it, "cannot %s it: %s", what, err->text);
    }
    guest->last_failure = err->code;
    wait_for(guest, delay);
}

/* ---------------------------------------------------------------- deeds */

static void run_deed(struct job *job, struct chaos *chaos)
{
    struct deed *deed = container_of(job, struct deed, job);

    switch (deed->kind) {
    case DEED_DESTROY:
        deed->rc = chaos_domain_destroy(chaos, &deed->domain, false, &deed->err);
        break;
    case DEED_RESTART:
        deed->rc = restart_begin(chaos, &deed->domain, &deed->config, &deed->err);
        break;
    case DEED_FORGET:
        chaos_forget_stale(chaos, deed->domain.name);
        deed->rc = 0;
        break;
    case DEED_RESUME:
        chaos_reap(chaos);
        deed->rc = restart_config(chaos, deed->domain.name, &deed->config, &deed->err);
        break;
    case DEED_FINISH:
        deed->rc = restart_finish(chaos, &deed->domain, &deed->err);
        break;
    }
}

static void destroyed(struct daemon *daemon, struct deed *deed)
{
    struct guest *guest = deed->guest;

    if (deed->rc == 0)
        daemon_destroyed(daemon, &deed->domain); /* which ends the guest as well */
    else if (guest && deed->err.exit == CHAOS_EXIT_NOT_FOUND)
        watch_gone(daemon, guest, "");
    else if (guest && deed->rc < 0)
        try_again(guest, "destroy", &deed->err);
}

static bool is_there(struct daemon *daemon, const char *name)
{
    struct chaos_domain domain;
    struct chaos_error ignored;
    char which[CHAOS_NAME_MAX + 6];

    snprintf(which, sizeof(which), "name:%s", name);
    return chaos_domain_find(daemon->chaos, which, &domain, &ignored) == 0;
}

/* The new domain runs, or could not be made. */
static void created(void *opaque, const struct chaos_domain *domain, const struct chaos_error *err)
{
    struct deed *deed = opaque;
    struct daemon *daemon = deed->daemon;
    struct guest *guest = deed->guest;

    if (guest)
        guest->deed = NULL;
    if (domain) {
        if (guest)
            guest->failures = 0;
        deed->domain = *domain;
        deed->kind = DEED_FINISH;
        deed->guest = NULL;
        worker_submit(daemon, &deed->job, JOB_BACKGROUND);
        return;
    }
    if (err->exit == CHAOS_EXIT_EXISTS && is_there(daemon, deed->domain.name)) {
        /* Somebody else made it: so be it. */
        chaos_domain_call_off_restart(daemon->chaos, deed->domain.name);
        if (guest && guest->domid == 0)
            watch_gone(daemon, guest, "another domain has its name");
    } else if (guest) {
        try_again(guest, "restart", err);
    }
    free(deed);
}

/* Its former domain is gone; `created` has the deed from here on. */
static void make_anew(struct daemon *daemon, struct deed *deed)
{
    struct guest *guest = deed->guest;

    if (guest) {
        guest->deed = deed;
        guest_set_domain(watch_guests(daemon), guest, 0, NULL);
    }
    creates_start(daemon, &deed->config, false, created, deed);
}

static void unmade(struct daemon *daemon, struct deed *deed)
{
    struct guest *guest = deed->guest;

    if (deed->rc == 0) {
        make_anew(daemon, deed);
        return;
    }
    if (guest && deed->err.exit == CHAOS_EXIT_NOT_FOUND) {
        watch_gone(daemon, guest, "");
    } else if (guest) {
        if (!restart_wanted(daemon->chaos, deed->domain.name))
            guest->state = GUEST_SHUT_DOWN; /* nothing was done yet */
        try_again(guest, "restart", &deed->err);
    }
    free(deed);
}

static void resumed(struct daemon *daemon, struct deed *deed)
{
    struct guest *guest = deed->guest;

    if (deed->rc == 0) {
        make_anew(daemon, deed);
        return;
    }
    if (guest && guest->domid == 0)
        watch_gone(daemon, guest, "its restart was called off");
    free(deed);
}

static void deed_done(struct job *job, struct daemon *daemon)
{
    struct deed *deed = container_of(job, struct deed, job);

    if (deed->guest)
        deed->guest->deed = NULL;
    switch (deed->kind) {
    case DEED_DESTROY:
        destroyed(daemon, deed);
        break;
    case DEED_FORGET:
        if (deed->guest)
            watch_gone(daemon, deed->guest, "by another toolstack");
        break;
    case DEED_RESTART:
        unmade(daemon, deed);
        return;
    case DEED_RESUME:
        resumed(daemon, deed);
        return;
    case DEED_FINISH:
        if (deed->rc == -ECANCELED)
            daemon_destroyed(daemon, &deed->domain);
        break;
    }
    free(deed);
}

static void act(struct daemon *daemon, struct guest *guest, enum deed_kind kind)
{
    struct chaos_error err;
    struct deed *deed;

    if (daemon->lifecycle->quiet || guest->deed)
        return;
    if (hold_find(daemon, guest)) { /* it ended instead of moving, or will not be here */
        wait_for(guest, HELD_NS);
        return;
    }
    deed = calloc(1, sizeof(*deed));
    if (!deed) {
        chaos_error_set(&err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
        try_again(guest, "act upon", &err);
        return;
    }
    loop_timer_stop(daemon->loop, &guest->timer);
    consoles_detach(daemon, guest); /* a mapping of its page would keep the domain */
    guest->state =
        kind == DEED_RESTART || kind == DEED_RESUME ? GUEST_RESTARTING : GUEST_DESTROYING;
    deed->job.run = run_deed;
    deed->job.done = deed_done;
    deed->kind = kind;
    deed->guest = guest;
    deed->daemon = daemon;
    deed->domain.domid = guest->domid;
    snprintf(deed->domain.name, sizeof(deed->domain.name), "%s", guest->name);
    memcpy(deed->domain.uuid, guest->uuid, sizeof(guest->uuid));
    guest->deed = deed;
    worker_submit(daemon, &deed->job, JOB_BACKGROUND);
}

/* ---------------------------------------------------------------- ends */

static uint64_t ran_for(const struct daemon *daemon, const struct guest *guest)
{
    const struct chaos_domain domain = {.domid = guest->domid};
    struct chaos_domain_times times;
    struct chaos_error ignored;

    if (chaos_domain_times(daemon->chaos, &domain, &times, &ignored) == 0 && times.known)
        return times.age_ns;
    return loop_now() - guest->since_ns;
}

static void tell_end(struct daemon *daemon, const struct guest *guest)
{
    struct event_about it = about(guest);
    enum event_kind kind = EVENT_CRASHED;

    it.ended = true;
    it.reason = guest->reason;
    if (guest->reason == CHAOS_SHUTDOWN_POWEROFF || guest->reason == CHAOS_SHUTDOWN_REBOOT)
        kind = EVENT_SHUTDOWN;
    else if (guest->reason == CHAOS_SHUTDOWN_SUSPEND)
        kind = EVENT_SUSPENDED;
    events_tell(daemon, kind, &it, "%s", "");
}

static void restart_later(struct daemon *daemon, struct guest *guest, uint64_t delay_ns)
{
    const struct event_about it = about(guest);
    const uint64_t ms = delay_ns / 1000000;

    if (delay_ns == 0) {
        act(daemon, guest, DEED_RESTART);
        return;
    }
    log_info("\"%s\" ended %u times in a row within %u s of its start: restarting it in %" PRIu64
             ".%" PRIu64 " s",
             guest->name, guest->history.quick, (unsigned int)(POLICY_STABLE_NS / 1000000000u),
             ms / 1000, ms % 1000 / 100);
    events_tell(daemon, EVENT_BACKOFF, &it,
                "%u quick ends in a row: restart in %" PRIu64 ".%" PRIu64 " s",
                guest->history.quick, ms / 1000, ms % 1000 / 100);
    wait_for(guest, delay_ns);
}

void lifecycle_ended(struct daemon *daemon, struct guest *guest, enum chaos_shutdown reason)
{
    const struct event_about it = about(guest);
    struct policy_verdict verdict;

    guest->state = GUEST_SHUT_DOWN;
    guest->reason = reason;
    tell_end(daemon, guest);
    verdict = policy_judge(&guest->policy, reason, ran_for(daemon, guest), &guest->history);
    guest->restart = verdict.deed == POLICY_RESTART;
    guest->failures = 0;
    switch (verdict.deed) {
    case POLICY_NOTHING:
        suspensions_note(daemon);
        break;
    case POLICY_PRESERVE:
        consoles_leave(daemon, guest);
        events_tell(daemon, EVENT_PRESERVED, &it, "%s", "");
        break;
    case POLICY_DESTROY:
        act(daemon, guest, DEED_DESTROY);
        break;
    case POLICY_RESTART:
        restart_later(daemon, guest, verdict.delay_ns);
        break;
    }
}

void lifecycle_resumed(struct daemon *daemon, struct guest *guest)
{
    const struct event_about it = about(guest);

    lifecycle_forget(daemon, guest);
    guest->state = GUEST_RUNNING;
    guest->restart = false;
    events_tell(daemon, EVENT_RESUMED, &it, "%s", "");
}

void lifecycle_vanished(struct daemon *daemon, struct guest *guest)
{
    act(daemon, guest, DEED_FORGET);
}

void lifecycle_forget(struct daemon *daemon, struct guest *guest)
{
    loop_timer_stop(daemon->loop, &guest->timer);
    if (guest->deed)
        guest->deed->guest = NULL;
    guest->deed = NULL;
}

/* ---------------------------------------------------------------- module */

static void resume(void *opaque, const char *name)
{
    struct daemon *daemon = opaque;
    struct guest *guest = watch_expect(daemon, name);

    if (!guest)
        return;
    log_info("\"%s\" was being restarted: going on with it", name);
    act(daemon, guest, DEED_RESUME);
}

static int lifecycle_init(struct daemon *daemon, struct chaos_error *err)
{
    struct lifecycle *lifecycle = calloc(1, sizeof(*lifecycle));
    struct chaos_error ignored;

    if (!lifecycle)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    daemon->lifecycle = lifecycle;
    /* What a chaosd that died was at: half unmade domains first, then those to be made anew. */
    chaos_reap(daemon->chaos);
    restart_resume(daemon->chaos, resume, daemon, &ignored);
    return 0;
}

static void lifecycle_quiesce(struct daemon *daemon)
{
    daemon->lifecycle->quiet = true;
}

static void lifecycle_fini(struct daemon *daemon)
{
    free(daemon->lifecycle);
    daemon->lifecycle = NULL;
}

static const char *state_name(const struct guest *guest)
{
    switch (guest->state) {
    case GUEST_RUNNING:
        return "running";
    case GUEST_SHUT_DOWN:
        return guest->restart ? "backoff" : "shut down";
    case GUEST_RESTARTING:
        return "restarting";
    default:
        return "destroying";
    }
}

static int handle_guest(struct daemon *daemon, const struct request *request,
                        struct chaos_error *err)
{
    const char *which = wire_find_string(&request->fields, WIRE_WHICH, "");
    const struct guest *guest = watch_find(daemon, which);
    uint64_t now = loop_now();
    struct wire_writer writer;

    if (!guest)
        return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND, "chaosd knows no guest \"%s\"",
                               which);
    request_reply(request, 0, &writer);
    wire_put_string(&writer, WIRE_KIND, state_name(guest));
    wire_put_u32(&writer, WIRE_COUNT, guest->history.restarts);
    wire_put_u32(&writer, WIRE_FAILURES, guest->history.quick);
    if (guest->timer.place != 0 && guest->timer.due_ns > now)
        wire_put_u64(&writer, WIRE_VALUE, (guest->timer.due_ns - now) / 1000000);
    wire_put_u64(&writer, WIRE_TAIL, guest->console ? guest->console->log.end : 0);
    request_send(request, &writer);
    return 0;
}

const struct module lifecycle_module = {
    .name = "lifecycle",
    .handlers = {{WIRE_GUEST, handle_guest}},
    .init = lifecycle_init,
    .fini = lifecycle_fini,
    .quiesce = lifecycle_quiesce,
};
