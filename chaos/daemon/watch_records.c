// SPDX-License-Identifier: BSD-3-Clause
/* Guests that others make, rename and unmake, by their records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaos.h"
#include "cleanup.h"
#include "consoles.h"
#include "events.h"
#include "lifecycle.h"
#include "log.h"
#include "watch.h"

#define ADOPT_BATCH 16 /* records of one turn of the loop */

static struct event_about about(const struct guest *guest)
{
    return (struct event_about){.name = guest->name, .domid = guest->domid, .uuid = guest->uuid};
}

static bool same_domain(const struct guest *guest, const struct record *record)
{
    return guest->domid == record->domid &&
           memcmp(guest->uuid, record->uuid, sizeof(guest->uuid)) == 0;
}

/* Its record is back: somebody only renamed it, or let go of it. */
static void untake(struct watch *watch, struct guest *guest)
{
    if (guest->state != GUEST_TAKEN)
        return;
    watch->nr_taken--;
    guest->state = guest->before_taken;
    watch_check(watch, guest);
}

static void renamed(struct watch *watch, struct guest *guest, const char *name)
{
    struct guest *former = guest_by_name(&watch->table, name);
    char detail[CHAOS_NAME_MAX + 8];
    struct event_about it;

    if (former)
        watch_gone(watch->daemon, former, "");
    snprintf(detail, sizeof(detail), "from %s", guest->name);
    guest_set_name(&watch->table, guest, name);
    untake(watch, guest);
    it = about(guest);
    events_tell(watch->daemon, EVENT_RENAMED, &it, "%s", detail);
}

/* Another domain than the one we knew has the name. */
static void replaced(struct watch *watch, struct guest *guest, const char *name,
                     const struct record *record, bool adopting)
{
    struct event_about it;

    if (guest && guest->state == GUEST_RESTARTING && guest->domid == 0) {
        watch_restarted(watch->daemon, guest, record->domid, record->uuid);
        return;
    }
    if (guest)
        watch_gone(watch->daemon, guest, "");
    guest = watch_add(watch->daemon, name, record->domid, record->uuid);
    if (!guest)
        return;
    guest->adopted = adopting;
    if (adopting)
        return;
    it = about(guest);
    events_tell(watch->daemon, EVENT_CREATED, &it, "%s", "");
}

static void look_at_record(struct watch *watch, const char *name, bool adopting)
{
    struct guest *guest = guest_by_name(&watch->table, name), *known;
    cleanup_free char *text = NULL;
    struct chaos_error err = {0};
    struct record record;
    size_t length;
    int rc = registry_read(&watch->daemon->chaos->registry, name, &text, &length, &err);

    if (rc == 0)
        rc = record_parse(text, length, &record, &err);
    if (rc < 0) {
        if (rc != -ENOENT) /* gone already */
            log_error("the record of \"%s\": %s", name, err.text);
        return;
    }
    known = guest_by_domid(&watch->table, record.domid);
    if (!known || !same_domain(known, &record))
        replaced(watch, guest, name, &record, adopting);
    else if (known != guest)
        renamed(watch, known, name);
    else
        untake(watch, known);
}

static void record_went(struct watch *watch, const char *name)
{
    struct guest *guest = guest_by_name(&watch->table, name);

    if (!guest || guest->state == GUEST_DESTROYING || guest->state == GUEST_RESTARTING ||
        guest->state == GUEST_TAKEN)
        return;
    guest->announced = false;
    guest->before_taken = guest->state;
    guest->state = GUEST_TAKEN;
    watch->nr_taken++;
}

static void change(void *opaque, const char *name, bool came)
{
    struct watch *watch = opaque;
    struct guest *guest;

    if (!came) {
        record_went(watch, name);
        return;
    }
    guest = guest_by_name(&watch->table, name);
    if (guest && guest->announced)
        guest->announced = false;
    else
        look_at_record(watch, name, false);
}

/* ---------------------------------------------------------------- guests that others unmake */

static bool is_gone(struct watch *watch, const struct guest *guest)
{
    struct hv *hv = watch->daemon->chaos->hv;
    struct hv_info info;
    int rc = hv->ops->info(hv, guest->domid, &info);

    return rc == -ESRCH ||
           (rc == 0 && (info.dying || memcmp(info.uuid, guest->uuid, sizeof(info.uuid)) != 0));
}

/* Tells of those that are gone; without a VIRQ this is how it is seen. */
static void look_at_taken(struct watch *watch)
{
    struct guest *guest, *next;

    for (guest = watch->table.first; guest && watch->nr_taken > 0; guest = next) {
        next = guest->next;
        if (guest->state == GUEST_TAKEN && is_gone(watch, guest))
            watch_gone(watch->daemon, guest, "");
    }
    if (watch->nr_taken > 0)
        loop_timer_start(watch->daemon->loop, &watch->taken, watch->patience_ns);
}

static void patience_over(struct loop_timer *timer)
{
    struct watch *watch = container_of(timer, struct watch, taken);

    if (watch->patience_ns < WATCH_PATIENCE_MAX)
        watch->patience_ns *= 2;
    look_at_taken(watch);
}

/* Whoever has the record unmakes the domain: nothing of ours may keep it. */
static void let_go(struct watch *watch)
{
    struct guest *guest;

    for (guest = watch->table.first; guest; guest = guest->next)
        if (guest->state == GUEST_TAKEN) {
            consoles_detach(watch->daemon, guest);
            loop_timer_stop(watch->daemon->loop, &guest->timer);
        }
    watch->patience_ns = WATCH_PATIENCE_NS;
    look_at_taken(watch);
}

/* ---------------------------------------------------------------- descriptor */

static void read_changes(struct watch *watch)
{
    uint32_t taken = watch->nr_taken;
    int rc = registry_watch_read(watch->records.fd, change, watch);

    if (rc == -EOVERFLOW) {
        log_info("too much happens at once: looking at all records");
        watch_adopt(watch);
    } else if (rc < 0) {
        log_error("cannot read what happens to records: %s", strerror(-rc));
    }
    if (watch->nr_taken > taken)
        let_go(watch);
    loop_change(watch->daemon->loop, &watch->records, EPOLLIN);
}

static void settled(struct loop_timer *timer)
{
    read_changes(container_of(timer, struct watch, settle));
}

void watch_catch_up(struct daemon *daemon)
{
    loop_timer_stop(daemon->loop, &daemon->watch->settle);
    read_changes(daemon->watch);
}

/* A create is not to wait for us: what it did is looked at a little later. */
static void records_ready(struct loop_fd *fd, uint32_t events)
{
    struct watch *watch = container_of(fd, struct watch, records);

    (void)events;
    loop_change(watch->daemon->loop, fd, 0);
    if (loop_timer_start(watch->daemon->loop, &watch->settle, WATCH_SETTLE_NS) < 0)
        read_changes(watch);
}

/* ---------------------------------------------------------------- adoption */

static int note_name(void *opaque, const char *name, struct chaos_error *err)
{
    struct watch *watch = opaque;
    size_t room = watch->names_room ? watch->names_room * 2 : 64;
    char(*grown)[CHAOS_NAME_MAX + 1];

    if (watch->nr_names == watch->names_room) {
        grown = realloc(watch->names, room * sizeof(*grown));
        if (!grown)
            return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
        watch->names = grown;
        watch->names_room = room;
    }
    snprintf(watch->names[watch->nr_names++], sizeof(*watch->names), "%s", name);
    return 0;
}

static void adopt_some(struct loop_work *work)
{
    struct watch *watch = container_of(work, struct watch, adopt);
    unsigned int i;

    for (i = 0; i < ADOPT_BATCH && watch->nr_names > 0; i++)
        look_at_record(watch, watch->names[--watch->nr_names], true);
    if (watch->nr_names > 0) {
        loop_defer(watch->daemon->loop, work);
        return;
    }
    free(watch->names);
    watch->names = NULL;
    watch->names_room = 0;
    watch_scan_request(watch);
}

void watch_adopt(struct watch *watch)
{
    struct chaos_error err;

    watch->nr_names = 0;
    if (registry_visit_names(&watch->daemon->chaos->registry, note_name, watch, &err) < 0)
        log_error("cannot look at the records: %s", err.text);
    loop_defer(watch->daemon->loop, &watch->adopt);
}

int watch_records_init(struct watch *watch, struct chaos_error *err)
{
    struct daemon *daemon = watch->daemon;
    int rc;

    watch->settle.expired = settled;
    watch->taken.expired = patience_over;
    watch->adopt.run = adopt_some;
    watch->records.ready = records_ready;
    watch->records.fd = registry_watch_open(&daemon->chaos->registry);
    rc = watch->records.fd < 0 ? watch->records.fd
                               : loop_add(daemon->loop, &watch->records, EPOLLIN);
    if (rc < 0)
        return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE,
                               "cannot watch the records of domains: %s", strerror(-rc));
    watch_adopt(watch);
    return 0;
}

void watch_records_fini(struct watch *watch)
{
    struct loop *loop = watch->daemon->loop;

    if (watch->records.fd >= 0) {
        loop_remove(loop, &watch->records);
        close(watch->records.fd);
    }
    loop_timer_stop(loop, &watch->settle);
    loop_timer_stop(loop, &watch->taken);
    loop_undefer(loop, &watch->adopt);
    free(watch->names);
    watch->names = NULL;
}
