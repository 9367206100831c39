// SPDX-License-Identifier: BSD-3-Clause
/* Guests that come, are looked at, and go. */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chaos.h"
#include "cleanup.h"
#include "consoles.h"
#include "events.h"
#include "holds.h"
#include "lifecycle.h"
#include "log.h"

struct guest_table *watch_guests(struct daemon *daemon)
{
    return &daemon->watch->table;
}

static struct event_about about(const struct guest *guest)
{
    return (struct event_about){.name = guest->name, .domid = guest->domid, .uuid = guest->uuid};
}

static struct guest *find_uuid(const struct guest_table *table, const char *text)
{
    struct guest *guest = table->first;
    uint8_t uuid[16];

    if (!uuid_parse(text, uuid))
        return NULL;
    while (guest && memcmp(guest->uuid, uuid, sizeof(uuid)) != 0)
        guest = guest->next;
    return guest;
}

struct guest *watch_find(struct daemon *daemon, const char *which)
{
    const struct guest_table *table = &daemon->watch->table;
    const char *digits = strncmp(which, "id:", 3) == 0 ? which + 3 : which;

    if (strncmp(which, "uuid:", 5) == 0)
        return find_uuid(table, which + 5);
    if (strncmp(which, "name:", 5) == 0)
        return guest_by_name(table, which + 5);
    if (digits[0] != '\0' && strlen(digits) <= 5 && digits[strspn(digits, "0123456789")] == '\0')
        return guest_by_domid(table, (uint32_t)strtoul(digits, NULL, 10));
    return guest_by_name(table, which);
}

/* ---------------------------------------------------------------- looking at one */

void watch_check(struct watch *watch, struct guest *guest)
{
    guest->checked = false;
    if (guest->to_be_checked)
        return;
    guest->to_be_checked = true;
    guest->next_to_check = NULL;
    *watch->to_check_last = guest;
    watch->to_check_last = &guest->next_to_check;
    loop_defer(watch->daemon->loop, &watch->check);
}

static void uncheck(struct watch *watch, struct guest *guest)
{
    struct guest **link = &watch->to_check;

    if (!guest->to_be_checked)
        return;
    while (*link != guest)
        link = &(*link)->next_to_check;
    *link = guest->next_to_check;
    if (!*link)
        watch->to_check_last = link;
    guest->to_be_checked = false;
}

static void set_policy(struct guest *guest, const struct chaos_config *config)
{
    guest->policy = (struct policy){config->on_poweroff, config->on_reboot, config->on_crash};
    guest->has_policy = true;
}

/* A record that cannot be read says nothing of what to do: then nothing is done. */
static void leave_alone(struct guest *guest, const struct chaos_error *err)
{
    log_error("the record of \"%s\": %s", guest->name, err->text);
    guest->policy =
        (struct policy){CHAOS_ACTION_PRESERVE, CHAOS_ACTION_PRESERVE, CHAOS_ACTION_PRESERVE};
    guest->has_policy = true;
}

static void read_policy(struct guest *guest, const struct record *record)
{
    struct chaos_config config;
    struct chaos_error err;

    if (guest->has_policy)
        return;
    if (record_config(record, &config, &err) < 0) {
        leave_alone(guest, &err);
        return;
    }
    set_policy(guest, &config);
    chaos_config_free(&config);
}

void watch_check_now(struct daemon *daemon, struct guest *guest)
{
    struct watch *watch = daemon->watch;
    cleanup_free char *text = NULL;
    struct record record;
    struct hv_info info;
    struct chaos_error err = {0};
    int rc;

    uncheck(watch, guest);
    if (guest->checked || guest->domid == 0 || guest->state == GUEST_TAKEN)
        return;
    rc = chaos_read_record(daemon->chaos, guest->name, &record, &text, &info, &err);
    if ((rc < 0 && rc != -EBADMSG) || (rc == 0 && info.domid != guest->domid)) {
        if (rc < 0 && rc != -ENOENT)
            log_error("cannot look at \"%s\": %s", guest->name, err.text);
        watch_scan_request(watch); /* it is gone, or is looked at again */
        return;
    }
    guest->checked = true;
    if (rc < 0) {
        leave_alone(guest, &err);
        return;
    }
    read_policy(guest, &record);
    consoles_attach(daemon, guest, record.console_frame, record.console_port);
    if (!guest->adopted && !info.paused) {
        const struct event_about it = about(guest);

        guest->adopted = true;
        events_tell(daemon, EVENT_STARTED, &it, "%s", "");
    }
    if (info.shutdown && guest->state == GUEST_RUNNING)
        lifecycle_ended(daemon, guest, (enum chaos_shutdown)info.reason);
}

static void check_next(struct loop_work *work)
{
    struct watch *watch = container_of(work, struct watch, check);

    if (watch->to_check)
        watch_check_now(watch->daemon, watch->to_check);
    if (watch->to_check)
        loop_defer(watch->daemon->loop, work);
}

/* ---------------------------------------------------------------- coming and going */

struct guest *watch_add(struct daemon *daemon, const char *name, uint32_t domid,
                        const uint8_t uuid[16])
{
    struct guest *guest = guest_add(&daemon->watch->table, name);

    if (!guest) {
        log_error("no memory to watch \"%s\"", name);
        return NULL;
    }
    guest->daemon = daemon;
    guest->since_ns = loop_now();
    guest_set_domain(&daemon->watch->table, guest, domid, uuid);
    if (domid != 0)
        watch_check(daemon->watch, guest);
    return guest;
}

struct guest *watch_expect(struct daemon *daemon, const char *name)
{
    static const uint8_t none[16];
    struct guest *guest;

    if (guest_by_name(&daemon->watch->table, name))
        return NULL;
    guest = watch_add(daemon, name, 0, none);
    if (guest)
        guest->state = GUEST_RESTARTING;
    return guest;
}

void watch_gone(struct daemon *daemon, struct guest *guest, const char *detail)
{
    struct watch *watch = daemon->watch;
    const struct event_about it = about(guest);
    const struct hold *hold = hold_find(daemon, guest);

    if (hold && atomic_load(&hold->leaves))
        events_tell(daemon, EVENT_MIGRATED_OUT, &it, "to %s", hold->host);
    else
        events_tell(daemon, EVENT_DESTROYED, &it, "%s", detail);
    consoles_end(daemon, guest);
    lifecycle_forget(daemon, guest);
    uncheck(watch, guest);
    if (guest->state == GUEST_TAKEN)
        watch->nr_taken--;
    guest_remove(&watch->table, guest);
}

void watch_restarted(struct daemon *daemon, struct guest *guest, uint32_t domid,
                     const uint8_t uuid[16])
{
    struct event_about it;

    guest_set_domain(&daemon->watch->table, guest, domid, uuid);
    guest->state = GUEST_RUNNING;
    guest->restart = false;
    guest->since_ns = loop_now();
    guest->history.restarts++;
    watch_check(daemon->watch, guest);
    it = about(guest);
    events_tell(daemon, EVENT_RESTARTED, &it, "restart %u", guest->history.restarts);
}

static void created(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config)
{
    struct guest *guest = guest_by_name(&daemon->watch->table, domain->name);
    struct event_about it;

    if (guest && guest->domid == domain->domid) { /* its record was seen first */
        set_policy(guest, config);
        return;
    }
    if (guest && guest->state == GUEST_RESTARTING && guest->domid == 0) {
        set_policy(guest, config);
        guest->announced = true;
        watch_restarted(daemon, guest, domain->domid, domain->uuid);
        return;
    }
    if (guest) /* the end of the former one has not been seen yet */
        watch_gone(daemon, guest, "");
    guest = watch_add(daemon, domain->name, domain->domid, domain->uuid);
    if (!guest)
        return;
    guest->announced = true;
    set_policy(guest, config);
    it = about(guest);
    events_tell(daemon, EVENT_CREATED, &it, "%s", "");
}

static void destroyed(struct daemon *daemon, const struct chaos_domain *domain)
{
    struct guest *guest = guest_by_domid(&daemon->watch->table, domain->domid);

    if (guest && memcmp(guest->uuid, domain->uuid, sizeof(guest->uuid)) == 0)
        watch_gone(daemon, guest, "");
}

/* ---------------------------------------------------------------- module */

static void watch_fini(struct daemon *daemon)
{
    struct watch *watch = daemon->watch;

    watch_scan_fini(watch);
    watch_records_fini(watch);
    loop_undefer(daemon->loop, &watch->check);
    while (watch->table.first) {
        consoles_end(daemon, watch->table.first);
        lifecycle_forget(daemon, watch->table.first);
        guest_remove(&watch->table, watch->table.first);
    }
    free(watch);
    daemon->watch = NULL;
}

static int watch_init(struct daemon *daemon, struct chaos_error *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    int rc;

    if (!watch)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    watch->daemon = daemon;
    watch->to_check_last = &watch->to_check;
    watch->check.run = check_next;
    daemon->watch = watch;
    watch_scan_init(watch); /* before the records: nothing that ends in between is missed */
    rc = watch_records_init(watch, err);
    if (rc < 0)
        watch_fini(daemon);
    return rc;
}

const struct module watch_module = {
    .name = "watch",
    .init = watch_init,
    .fini = watch_fini,
    .created = created,
    .destroyed = destroyed,
};
