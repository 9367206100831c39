// SPDX-License-Identifier: BSD-3-Clause
/* What is asked of, and about, a domain that is there. */
#include "chaos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "clock.h"
#include "migrate_guard.h"

#define POLL_FIRST_US 500
#define POLL_MOST_US  20000

static int not_domain0(const struct chaos_domain *domain, const char *what, struct chaos_error *err)
{
    if (domain->domid != 0)
        return 0;
    return chaos_error_set(err, -EPERM, CHAOS_EXIT_USAGE,
                           "domain 0 is the control domain: it cannot be %s", what);
}

static int hv_result(struct chaos_error *err, int rc, const struct chaos_domain *domain,
                     const char *what)
{
    return rc < 0 ? hv_error(err, rc, "%s domain %u", what, domain->domid) : 0;
}

int chaos_domain_pause(struct chaos *chaos, const struct chaos_domain *domain,
                       struct chaos_error *err)
{
    int rc = not_domain0(domain, "paused", err);

    if (rc == 0)
        rc = migrate_guard(chaos, domain, err);
    if (rc < 0)
        return rc;
    return hv_result(err, chaos->hv->ops->pause(chaos->hv, domain->domid), domain, "pause");
}

int chaos_domain_unpause(struct chaos *chaos, const struct chaos_domain *domain,
                         struct chaos_error *err)
{
    int rc = not_domain0(domain, "unpaused", err);

    if (rc == 0)
        rc = migrate_guard(chaos, domain, err);
    if (rc < 0)
        return rc;
    return hv_result(err, chaos->hv->ops->unpause(chaos->hv, domain->domid), domain, "unpause");
}

static int read_own_record(struct chaos *chaos, const struct chaos_domain *domain,
                           struct record *record, char **text, struct chaos_error *err)
{
    struct hv_info info;
    int rc;

    if (domain->name[0] == '\0' || domain->domid == 0)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_FAILURE,
                               "domain %u was not made by chaos: use the toolstack that made it",
                               domain->domid);
    rc = chaos_read_record(chaos, domain->name, record, text, &info, err);
    if (rc == -ENOENT)
        return chaos_error_set(err, rc, CHAOS_EXIT_NOT_FOUND, "domain \"%s\" is gone",
                               domain->name);
    return rc;
}

static int bus_of(struct chaos *chaos, const struct chaos_domain *domain, enum chaos_bus *bus,
                  struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct record record;
    int rc = read_own_record(chaos, domain, &record, &text, err);

    *bus = rc < 0 ? CHAOS_BUS_NOXS : record.bus;
    return rc;
}

int chaos_domain_request(struct chaos *chaos, const struct chaos_domain *domain,
                         enum chaos_shutdown request, struct chaos_error *err)
{
    enum chaos_bus bus;
    int rc = not_domain0(domain, "shut down from here", err);

    if (rc == 0)
        rc = migrate_guard(chaos, domain, err);
    if (rc < 0)
        return rc;
    if (domain->shutdown)
        return 0; /* it has already */
    if (domain->paused)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "domain %u is paused and cannot answer: unpause it first",
                               domain->domid);
    rc = bus_of(chaos, domain, &bus, err);
    if (rc < 0)
        return rc;
    rc = chaos->bus->ops->request(
        chaos->bus, bus, domain->domid,
        request == CHAOS_SHUTDOWN_REBOOT ? BUS_REQUEST_REBOOT : BUS_REQUEST_POWEROFF, err);
    return rc < 0 ? chaos_error_wrap(err, "domain %u", domain->domid) : 0;
}

/* There is one VIRQ_DOM_EXC on a host, and it may be xenstored's: so ask, ever more seldom. */
int chaos_domain_wait(struct chaos *chaos, struct chaos_domain *domain, uint32_t timeout_ms,
                      struct chaos_error *err)
{
    const uint64_t start = clock_us(), limit = (uint64_t)timeout_ms * 1000u;
    struct timespec pause = {.tv_nsec = POLL_FIRST_US * 1000};
    char name[CHAOS_NAME_MAX + 1];
    struct hv_info info;
    int rc;

    memcpy(name, domain->name, sizeof(name));
    for (;;) {
        rc = chaos->hv->ops->info(chaos->hv, domain->domid, &info);
        if (rc == -ESRCH || (rc == 0 && memcmp(info.uuid, domain->uuid, sizeof(info.uuid)) != 0)) {
            domain->dying = true;
            return 0;
        }
        if (rc < 0)
            return hv_result(err, rc, domain, "ask Xen about");
        if (info.shutdown || info.dying) {
            chaos_domain_fill(&info, name, domain);
            return 0;
        }
        if (timeout_ms != UINT32_MAX && clock_us() - start >= limit)
            return chaos_error_set(err, -ETIMEDOUT, CHAOS_EXIT_TIMEOUT,
                                   "domain %u (%s) did not shut down within %u s; chaos destroy "
                                   "does not ask it",
                                   domain->domid, domain->name[0] ? domain->name : "no name",
                                   timeout_ms / 1000);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < POLL_MOST_US * 1000)
            pause.tv_nsec *= 2;
    }
}

int chaos_domain_config(struct chaos *chaos, const struct chaos_domain *domain,
                        struct chaos_config *out, struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct record record;
    int rc = read_own_record(chaos, domain, &record, &text, err);

    if (rc == 0)
        rc = record_config(&record, out, err);
    if (rc == 0) /* it may have been renamed since */
        memcpy(out->name, domain->name, sizeof(out->name));
    return rc;
}

int chaos_domain_rename(struct chaos *chaos, const struct chaos_domain *domain, const char *name,
                        struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct record record;
    int rc = chaos_name_check(name, err);

    if (rc < 0)
        return rc;
    rc = read_own_record(chaos, domain, &record, &text, err);
    if (rc == 0)
        rc = migrate_guard(chaos, domain, err);
    if (rc == 0)
        rc = registry_rename(&chaos->registry, domain->name, name, domain->domid, err);
    return rc;
}

int chaos_domain_times(struct chaos *chaos, const struct chaos_domain *domain,
                       struct chaos_domain_times *out, struct chaos_error *err)
{
    struct hv_noxs noxs;
    int rc = chaos->hv->ops->noxs(chaos->hv, domain->domid, &noxs);

    memset(out, 0, sizeof(*out));
    if (rc == -ENOSYS)
        return 0;
    if (rc < 0)
        return hv_result(err, rc, domain, "ask Xen about");
    out->known = true;
    out->age_ns = noxs.now_ns - noxs.created_ns;
    out->ready_ns = noxs.ready_ns ? noxs.ready_ns - noxs.created_ns : 0;
    out->devices = noxs.slots;
    out->device_generation = noxs.generation;
    return 0;
}

const char *chaos_shutdown_name(enum chaos_shutdown reason)
{
    static const char *const names[] = {
        [CHAOS_SHUTDOWN_POWEROFF] = "poweroff", [CHAOS_SHUTDOWN_REBOOT] = "reboot",
        [CHAOS_SHUTDOWN_SUSPEND] = "suspend",   [CHAOS_SHUTDOWN_CRASH] = "crash",
        [CHAOS_SHUTDOWN_WATCHDOG] = "watchdog", [CHAOS_SHUTDOWN_SOFT_RESET] = "soft-reset",
    };

    return (size_t)reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown";
}
