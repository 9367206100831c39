// SPDX-License-Identifier: BSD-3-Clause
/* Steps that need only what a shell is made of: memory, vcpus, kinds of devices. */
#include "create.h"

#include <string.h>

static int make_domain(struct creation *c, struct chaos_error *err)
{
    struct hv_create how = {
        .max_vcpus = c->config.vcpus,
        .max_event_channels = c->config.max_event_channels,
        .max_grant_frames = c->config.max_grant_frames,
    };
    struct record *record = &c->shell->record;
    struct hv *hv = c->chaos->hv;
    int rc;

    memcpy(how.uuid, record_first_uuid(record), sizeof(how.uuid));
    rc = hv->ops->domain_create(hv, &how, &record->domid);
    return rc < 0 ? hv_error(err, rc, "make the domain") : 0;
}

static void unmake_domain(struct creation *c)
{
    struct chaos_error ignored;
    struct chaos *chaos = c->chaos;
    struct shell *shell = c->shell;
    const uint32_t domid = shell->record.domid;
    int rc = shell->devices ? chaos_end_domain(chaos, c->config.bus, domid, &ignored)
                            : chaos->hv->ops->destroy(chaos->hv, domid);

    if (rc < 0)
        registry_release(&shell->claim); /* the next command tries again */
}

/* From now on it can be found, whatever its uuid. */
static int note_domain(struct creation *c, struct chaos_error *err)
{
    const struct record *record = &c->shell->record;
    struct hv *hv = c->chaos->hv;
    int rc = create_note_progress(c, err);

    if (rc < 0 || record_first_uuid(record) == record->uuid)
        return rc;
    rc = hv->ops->set_uuid(hv, record->domid, record->uuid);
    return rc < 0 ? hv_error(err, rc, "give it its uuid") : 0;
}

static int set_up_vcpus(struct creation *c, struct chaos_error *err)
{
    static const uint64_t any[HV_AFFINITY_WORDS];
    const uint32_t domid = c->shell->record.domid;
    struct hv *hv = c->chaos->hv;
    uint32_t vcpu;
    int rc;

    rc = note_domain(c, err);
    if (rc < 0)
        return rc;
    rc = hv->ops->set_max_vcpus(hv, domid, c->config.vcpus);
    if (rc < 0)
        return hv_error(err, rc, "give it vcpus");
    if (memcmp(c->config.cpu_affinity, any, sizeof(any)) == 0)
        return 0;
    for (vcpu = 0; vcpu < c->config.vcpus; vcpu++) {
        rc = hv->ops->set_affinity(hv, domid, vcpu, c->config.cpu_affinity);
        if (rc < 0)
            return hv_error(err, rc, "bind its vcpus to the cpus given");
    }
    return 0;
}

static int give_memory(struct creation *c, struct chaos_error *err)
{
    return memory_populate(c->chaos->hv, c->shell->record.domid,
                           (uint64_t)c->config.memory_mib << 8, &c->shell->memory, err);
}

static void forget_memory(struct creation *c)
{
    memory_release(&c->shell->memory);
}

static int make_devices(struct creation *c, struct chaos_error *err)
{
    struct record *record = &c->shell->record;
    struct hv *hv = c->chaos->hv;
    int rc = hv->ops->evtchn_alloc_unbound(hv, record->domid, &record->console_port);

    if (rc < 0)
        return hv_error(err, rc, "make its console's event channel");
    if (create_on_xenstore(c))
        rc = hv->ops->evtchn_alloc_unbound(hv, record->domid, &c->shell->store_port);
    if (rc < 0)
        return hv_error(err, rc, "make its XenStore's event channel");
    rc = c->chaos->bus->ops->create(c->chaos->bus, record->domid, &c->config, err);
    c->shell->devices = rc == 0;
    return rc;
}

static const struct step steps[] = {
    {"domain", make_domain, unmake_domain},
    {"vcpus", set_up_vcpus, NULL},
    {"memory", give_memory, forget_memory},
    {"devices", make_devices, NULL},
};

const struct phase create_prepare = {steps, sizeof(steps) / sizeof(steps[0])};
