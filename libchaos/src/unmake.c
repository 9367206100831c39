// SPDX-License-Identifier: BSD-3-Clause
/* Destroying domains, and finishing what processes that died had begun. */
#include "chaos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "migrate_guard.h"
#include "suspended.h"

/*
 * Which domain id the record's devices have, and whether its domain is still there. *domid 0: no
 * domain was made, or its id belongs to another by now.
 */
static int locate(struct chaos *chaos, const struct record *record, uint32_t *domid, bool *alive,
                  struct chaos_error *err)
{
    struct hv_info info;
    int rc;

    *alive = false;
    *domid = record->domid;
    if (record->domid != 0) {
        rc = chaos->hv->ops->info(chaos->hv, record->domid, &info);
        if (rc == -ESRCH)
            return 0;
        if (rc < 0)
            return hv_error(err, rc, "ask Xen about a domain");
        if (record_is_of(record, info.uuid)) {
            *alive = true;
            return 0;
        }
        *domid = 0;
        return 0;
    }
    rc = chaos_find_uuid(chaos, record_first_uuid(record), &info);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return hv_error(err, rc, "ask Xen about a domain");
    *domid = info.domid;
    *alive = true;
    return 0;
}

int chaos_end_domain(struct chaos *chaos, enum chaos_bus bus, uint32_t domid,
                     struct chaos_error *err)
{
    struct hv *hv = chaos->hv;
    int rc;

    if (bus == CHAOS_BUS_XENSTORE && chaos->bus->ops->leave) {
        hv->ops->pause(hv, domid); /* its guest is not to see its devices go */
        chaos->bus->ops->leave(chaos->bus, bus, domid);
    }
    rc = hv->ops->destroy(hv, domid);
    if (rc < 0 && rc != -ESRCH)
        return hv_error(err, rc, "destroy domain %u", domid);
    return chaos->bus->ops->destroy(chaos->bus, bus, domid, err);
}

static int unmake(struct chaos *chaos, const struct record *record, uint32_t *domid,
                  struct chaos_error *err)
{
    bool alive;
    int rc = locate(chaos, record, domid, &alive, err);

    if (rc < 0 || *domid == 0)
        return rc;
    return alive ? chaos_end_domain(chaos, record->bus, *domid, err)
                 : chaos->bus->ops->destroy(chaos->bus, record->bus, *domid, err);
}

int chaos_unmake(struct chaos *chaos, struct registry_claim *claim, struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct record record;
    uint32_t domid = 0;
    size_t length;
    int rc;

    rc = registry_read_claim(claim, &text, &length, err);
    if (rc == 0 && record_parse(text, length, &record, err) == 0)
        rc = unmake(chaos, &record, &domid, err);
    /* A record that nobody can read names no domain: forget it. */
    if (rc < 0) {
        registry_release(claim);
        return rc;
    }
    registry_drop(&chaos->registry, claim, domid);
    return 0;
}

static int reap_one(void *opaque, struct registry_claim *claim, struct chaos_error *err)
{
    /* What cannot be cleared away now stays for the next command, and is in nobody's way. */
    chaos_unmake(opaque, claim, err);
    return 0;
}

void chaos_reap(struct chaos *chaos)
{
    struct chaos_error ignored;

    registry_visit_abandoned(&chaos->registry, REGISTRY_PENDING, reap_one, chaos, &ignored);
    suspended_reap(chaos);
}

bool chaos_forget_stale(struct chaos *chaos, const char *name)
{
    cleanup_free char *text = NULL;
    struct registry_claim claim;
    struct chaos_error ignored;
    struct hv_info info;
    struct record record;
    int rc = chaos_read_record(chaos, name, &record, &text, &info, &ignored);

    if (rc != -ENOENT && rc != -EBADMSG)
        return false;
    return registry_take(&chaos->registry, name, &claim, &ignored) == 0 &&
           chaos_unmake(chaos, &claim, &ignored) == 0;
}

/* A domain without a record, by its id: it may have lost one of ours. */
static int destroy_foreign(struct chaos *chaos, uint32_t domid, struct chaos_error *err)
{
    int rc = chaos->hv->ops->destroy(chaos->hv, domid);

    if (rc < 0)
        return hv_error(err, rc, "destroy domain %u", domid);
    /* Nobody knows which bus it was on; the host need not have both. */
    for (int bus = CHAOS_BUS_NOXS; rc == 0 && bus <= CHAOS_BUS_XENSTORE; bus++) {
        rc = chaos->bus->ops->destroy(chaos->bus, (enum chaos_bus)bus, domid, err);
        if (rc < 0 && err->exit == CHAOS_EXIT_PRIVILEGE)
            rc = 0;
    }
    return rc;
}

/* Gives a name back that was taken: it is, or has become, that of a domain to be left alone. */
static int put_back(struct chaos *chaos, struct registry_claim *claim, uint32_t domid,
                    struct chaos_error *err)
{
    int rc = registry_commit(&chaos->registry, claim, domid, err);

    if (rc < 0)
        registry_release(claim);
    return rc;
}

/* The name may have become that of another domain since ours was looked up, even of one with the
 * same id: then it keeps it. */
static int check_taken(struct chaos *chaos, const struct chaos_domain *domain,
                       struct registry_claim *claim, struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct chaos_error ignored;
    struct record record;
    size_t length;
    int rc;

    if (registry_read_claim(claim, &text, &length, &ignored) < 0 ||
        record_parse(text, length, &record, &ignored) < 0 ||
        (record.domid == domain->domid && record_is_of(&record, domain->uuid)))
        return 0;
    rc = put_back(chaos, claim, record.domid, err);
    if (rc < 0)
        return rc;
    return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND,
                           "domain %u (%s) is gone; its name is now that of another one, %u",
                           domain->domid, domain->name, record.domid);
}

/* A migration may have begun since we looked: now that we have the record none can. */
static int check_guard(struct chaos *chaos, const struct chaos_domain *domain,
                       struct registry_claim *claim, struct chaos_error *err)
{
    struct chaos_error why = {.code = 0};

    if (migrate_guard(chaos, domain, &why) == 0)
        return 0;
    if (put_back(chaos, claim, domain->domid, err) == 0)
        *err = why;
    return err->code;
}

static int destroy_named(struct chaos *chaos, const struct chaos_domain *domain, bool guarded,
                         struct chaos_error *err)
{
    struct registry_claim claim;
    int rc = guarded ? migrate_guard(chaos, domain, err) : 0;

    if (rc == 0)
        rc = registry_take(&chaos->registry, domain->name, &claim, err);
    if (rc == 0)
        rc = check_taken(chaos, domain, &claim, err);
    if (rc == 0 && guarded)
        rc = check_guard(chaos, domain, &claim, err);
    return rc < 0 ? rc : chaos_unmake(chaos, &claim, err);
}

int chaos_destroy_moved(struct chaos *chaos, const struct chaos_domain *domain,
                        struct chaos_error *err)
{
    return destroy_named(chaos, domain, false, err);
}

int chaos_domain_destroy(struct chaos *chaos, const struct chaos_domain *domain, bool force,
                         struct chaos_error *err)
{
    if (domain->domid == 0)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_USAGE,
                               "domain 0 is the control domain: it cannot be destroyed");
    if (domain->shell && !force)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_FAILURE,
                               "domain %u is a shell of chaosd's pools: chaos pool drain",
                               domain->domid);
    if (domain->name[0] == '\0' && !force)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_FAILURE,
                               "domain %u was not made by chaos: use the toolstack that made it, "
                               "or --force",
                               domain->domid);
    chaos_reap(chaos);
    if (domain->name[0] == '\0')
        return destroy_foreign(chaos, domain->domid, err);
    return destroy_named(chaos, domain, !force, err);
}
