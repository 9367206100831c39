// SPDX-License-Identifier: BSD-3-Clause
/*
 * Xen says that some domain ended, not which: then all are looked at, some at a time, and never for
 * more than a small part of the time.
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

    look_for_missing(watch);
    watch->scanning = false;
    if (watch->polling && pause < WATCH_POLL_NS)
        pause = WATCH_POLL_NS;
    loop_timer_start(watch->daemon->loop, &watch->next_scan, pause);
}

static void scan_some(struct loop_work *work)
{
    struct watch *watch = container_of(work, struct watch, scan);
    struct hv *hv = watch->daemon->chaos->hv;
    struct hv_info infos[BATCH];
    uint64_t start = loop_now();
    int i, nr = hv->ops->list(hv, watch->scan_at, infos, BATCH);

    for (i = 0; i < nr; i++)
        saw(watch, &infos[i]);
    watch->scan_spent_ns += loop_now() - start;
    if (nr > 0) {
        watch->scan_at = infos[nr - 1].domid + 1;
        loop_defer(watch->daemon->loop, work);
        return;
    }
    if (nr < 0) {
        log_error("cannot list the domains: %s", strerror(-nr));
        watch->scanning = false;
        watch->scan_again = true;
        loop_timer_start(watch->daemon->loop, &watch->next_scan, WATCH_POLL_NS);
        return;
    }
    finish(watch);
}

static void begin(struct watch *watch)
{
    watch->scanning = true;
    watch->scan_again = false;
    watch->scan_nr++;
    watch->scan_at = 1; /* dom0 is no guest */
    watch->scan_spent_ns = 0;
    watch->scan_began_ns = loop_now();
    port_resume(watch->daemon, &watch->virq); /* what ends from here on is told again */
    loop_defer(watch->daemon->loop, &watch->scan);
}

void watch_scan_request(struct watch *watch)
{
    if (watch->scanning || watch->next_scan.place != 0)
        watch->scan_again = true;
    else
        begin(watch);
}

static void pause_over(struct loop_timer *timer)
{
    struct watch *watch = container_of(timer, struct watch, next_scan);

    if (watch->scan_again || watch->polling)
        begin(watch);
}

static bool domain_ended(struct port *port)
{
    watch_scan_request(container_of(port, struct watch, virq));
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
