// SPDX-License-Identifier: BSD-3-Clause
/*
 * Xen says that some domain ended, and on being asked which. One that does not know that, and when
 * something was missed: then all are looked at, some at a time, and never for more than a small
 * part of the time.
 */
#include <errno.h>
#include <string.h>

#include "chaos.h"
#include "lifecycle.h"
#include "log.h"
#include "noxs_abi.h"
#include "watch.h"

#define BATCH            64      /* domains of one turn of the loop */
#define SHARE            8       /* so many times as long as a scan took passes before the next */
#define PAUSE_NS         500000u /* ... and so long at least */
#define VIRQ_DOM_EXC_NUM 3       /* VIRQ_DOM_EXC, which a hypervisor without noxs has as well */

/* Its domain is not there any more. */
static void missing(struct watch *watch, struct guest *guest)
{
    switch (guest->state) {
    case GUEST_TAKEN:
        watch_gone(watch->daemon, guest, "");
        break;
    case GUEST_DESTROYING:
    case GUEST_RESTARTING:
        break; /* we are at it */
    case GUEST_RUNNING:
    case GUEST_SHUT_DOWN:
        lifecycle_vanished(watch->daemon, guest);
        break;
    }
}

/* It was suspended, went on when nobody looked, and has ended. */
static bool ended_after_suspend(const struct guest *guest, const struct hv_info *info)
{
    return guest->state == GUEST_SHUT_DOWN && guest->reason == CHAOS_SHUTDOWN_SUSPEND &&
           info->shutdown && info->reason != HV_SHUTDOWN_SUSPEND;
}

static void saw(struct watch *watch, const struct hv_info *info)
{
    struct guest *guest = guest_by_domid(&watch->table, info->domid);

    if (!guest)
        return;
    guest->scan = watch->scan_nr;
    if (info->dying || memcmp(guest->uuid, info->uuid, sizeof(info->uuid)) != 0) {
        missing(watch, guest);
        return;
    }
    if (!guest->checked && guest->state == GUEST_RUNNING)
        watch_check_now(watch->daemon, guest); /* sees the same, and its last words */
    else if ((info->shutdown && guest->state == GUEST_RUNNING) || ended_after_suspend(guest, info))
        lifecycle_ended(watch->daemon, guest, (enum chaos_shutdown)info->reason);
    else if (!info->shutdown && guest->state == GUEST_SHUT_DOWN)
        lifecycle_resumed(watch->daemon, guest);
}

/* Whatever happened to it: what counts is how it is now. */
static void look_at(struct watch *watch, uint32_t domid)
{
    struct guest *guest = guest_by_domid(&watch->table, domid);
    struct hv *hv = watch->daemon->chaos->hv;
    struct hv_info info;
    int rc;

    if (!guest)
        return; /* a shell, or another toolstack's */
    rc = hv->ops->info(hv, domid, &info);
    if (rc == 0) {
        saw(watch, &info);
    } else if (rc == -ESRCH) {
        missing(watch, guest);
    } else {
        log_error("cannot look at \"%s\": %s", guest->name, strerror(-rc));
        watch->scan_all = watch->scan_again = true;
    }
}

static void look_for_missing(struct watch *watch)
{
    struct guest *guest, *next;

    for (guest = watch->table.first; guest; guest = next) {
        next = guest->next;
        if (guest->domid != 0 && guest->scan != watch->scan_nr &&
            guest->since_ns < watch->scan_began_ns)
            missing(watch, guest);
    }
}

static void finish(struct watch *watch)
{
    uint64_t pause = PAUSE_NS + watch->scan_spent_ns * SHARE;

    watch->scanning = false;
    if (watch->polling && pause < WATCH_POLL_NS)
        pause = WATCH_POLL_NS;
    loop_timer_start(watch->daemon->loop, &watch->next_scan, pause);
}

static void begin_all(struct watch *watch)
{
    watch->scan_all = false;
    watch->scan_nr++;
    watch->scan_at = 1; /* dom0 is no guest */
    watch->scan_began_ns = loop_now();
    loop_defer(watch->daemon->loop, &watch->scan);
}

static void begin_changed(struct watch *watch)
{
    watch->scan_at = 0;
    loop_defer(watch->daemon->loop, &watch->scan);
}

/* Tries again, with all domains. */
static void failed(struct watch *watch, const char *what, int rc)
{
    log_error("cannot %s: %s", what, strerror(-rc));
    watch->scanning = false;
    watch->scan_again = watch->scan_all = true;
    loop_timer_start(watch->daemon->loop, &watch->next_scan, WATCH_POLL_NS);
}

static void all_some(struct watch *watch)
{
    struct hv *hv = watch->daemon->chaos->hv;
    struct hv_info infos[BATCH];
    uint64_t start = loop_now();
    int i, nr = hv->ops->list(hv, watch->scan_at, infos, BATCH);

    for (i = 0; i < nr; i++)
        saw(watch, &infos[i]);
    watch->scan_spent_ns += loop_now() - start;
    if (nr > 0) {
        watch->scan_at = infos[nr - 1].domid + 1;
        loop_defer(watch->daemon->loop, &watch->scan);
    } else if (nr < 0) {
        failed(watch, "list the domains", nr);
    } else {
        look_for_missing(watch);
        finish(watch);
    }
}

static void changed_some(struct watch *watch)
{
    struct hv *hv = watch->daemon->chaos->hv;
    uint32_t domids[BATCH];
    uint64_t start = loop_now();
    int i, nr = hv->ops->changed(hv, domids, BATCH);

    for (i = 0; i < nr; i++)
        look_at(watch, domids[i]);
    watch->scan_spent_ns += loop_now() - start;
    if (nr == BATCH) {
        loop_defer(watch->daemon->loop, &watch->scan);
    } else if (nr >= 0) {
        finish(watch);
    } else if (nr == -ENOSYS) {
        watch->told = false;
        begin_all(watch);
    } else {
        failed(watch, "ask Xen which domains ended", nr);
    }
}

static void scan_some(struct loop_work *work)
{
    struct watch *watch = container_of(work, struct watch, scan);

    if (watch->scan_at > 0)
        all_some(watch);
    else
        changed_some(watch);
}

static void begin(struct watch *watch)
{
    watch->scanning = true;
    watch->scan_again = false;
    watch->scan_spent_ns = 0;
    port_resume(watch->daemon, &watch->virq); /* what ends from here on is told again */
    if (!watch->told || watch->scan_all)
        begin_all(watch);
    else
        begin_changed(watch);
}

/* Soon; one that is under way is followed by another. */
static void request(struct watch *watch)
{
    if (watch->scanning || watch->next_scan.place != 0)
        watch->scan_again = true;
    else
        begin(watch);
}

void watch_scan_request(struct watch *watch)
{
    watch->scan_all = true;
    request(watch);
}

static void pause_over(struct loop_timer *timer)
{
    struct watch *watch = container_of(timer, struct watch, next_scan);

    if (watch->scan_again || watch->polling)
        begin(watch);
}

static bool domain_ended(struct port *port)
{
    request(container_of(port, struct watch, virq));
    return false; /* until the scan begins: one event is enough for it */
}

void watch_scan_init(struct watch *watch)
{
    struct daemon *daemon = watch->daemon;
    int rc;

    watch->scan.run = scan_some;
    watch->next_scan.expired = pause_over;
    watch->virq.event = domain_ended;
    rc = port_bind_virq(daemon, &watch->virq, NOXS_VIRQ);
    watch->told = rc == 0; /* nobody else takes what we are to be told */
    if (rc < 0)
        rc = port_bind_virq(daemon, &watch->virq, VIRQ_DOM_EXC_NUM);
    if (rc < 0) {
        log_info("Xen cannot tell us when a domain ends (%s): looking %u times a second",
                 strerror(-rc), (unsigned int)(1000000000u / WATCH_POLL_NS));
        watch->polling = true;
        watch_scan_request(watch);
    }
}

void watch_scan_fini(struct watch *watch)
{
    struct loop *loop = watch->daemon->loop;

    port_unbind(watch->daemon, &watch->virq);
    loop_undefer(loop, &watch->scan);
    loop_timer_stop(loop, &watch->next_scan);
}
