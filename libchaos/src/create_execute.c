// SPDX-License-Identifier: BSD-3-Clause
/* Steps that put a guest into a domain and let it run. */
#include "create.h"

#include <xen/xen.h>
#include <xen/grant_table.h>

/* The layout and the files are there. */
void create_begin_build(struct creation *c)
{
    c->build.domid = c->shell->record.domid;
    c->build.memory = &c->shell->memory;
    c->build.files = &c->files;
    c->build.cmdline = c->config.cmdline;
    c->build.console_port = c->shell->record.console_port;
    c->build.store_port = c->shell->store_port;
}

int create_load_guest(struct creation *c, struct chaos_error *err)
{
    create_begin_build(c);
    return build_memory(c->chaos->hv, &c->build, err);
}

/* XenStore's daemon maps the ring by a grant, as it would that of a guest of any toolstack. */
int create_introduce(struct creation *c, struct chaos_error *err)
{
    const struct hv_grant rings[] = {
        {GNTTAB_RESERVED_CONSOLE, c->build.console_frame},
        {GNTTAB_RESERVED_XENSTORE, c->build.store_frame},
    };
    const struct bus_start start = {
        .store_port = c->build.store_port,
        .console_port = c->shell->record.console_port,
        .store_frame = c->build.store_frame,
        .console_frame = c->build.console_frame,
    };
    const uint32_t domid = c->shell->record.domid;
    struct chaos *chaos = c->chaos;
    int rc = chaos->hv->ops->grant(chaos->hv, domid, rings, sizeof(rings) / sizeof(rings[0]));

    if (rc < 0)
        return hv_error(err, rc, "grant its rings");
    return chaos->bus->ops->introduce(chaos->bus, domid, &c->config, &start, err);
}

int create_set_up_start(struct creation *c, struct chaos_error *err)
{
    int rc = build_vcpu(c->chaos->hv, &c->build, err);

    if (rc < 0)
        return rc;
    c->shell->record.console_frame = c->build.console_frame;
    rc = create_note_progress(c, err);
    return rc == 0 && create_on_xenstore(c) ? create_introduce(c, err) : rc;
}

int create_wait_devices(struct creation *c, struct chaos_error *err)
{
    return c->chaos->bus->ops->wait(c->chaos->bus, c->shell->record.domid, &c->config, err);
}

int create_start_guest(struct creation *c, struct chaos_error *err)
{
    struct hv *hv = c->chaos->hv;
    int rc = c->paused ? 0 : hv->ops->unpause(hv, c->shell->record.domid);

    return rc < 0 ? hv_error(err, rc, "let it run") : 0;
}

int create_commit_record(struct creation *c, struct chaos_error *err)
{
    return registry_commit(&c->chaos->registry, &c->shell->claim, c->shell->record.domid, err);
}
