// SPDX-License-Identifier: BSD-3-Clause
/* Steps that put a guest into a domain and let it run. */
#include "create.h"

int create_load_guest(struct creation *c, struct chaos_error *err)
{
    c->build.domid = c->shell->record.domid;
    c->build.memory = &c->shell->memory;
    c->build.files = &c->files;
    c->build.cmdline = c->config.cmdline;
    c->build.console_port = c->shell->record.console_port;
    return build_memory(c->chaos->hv, &c->build, err);
}

int create_set_up_start(struct creation *c, struct chaos_error *err)
{
    int rc = build_vcpu(c->chaos->hv, &c->build, err);

    if (rc < 0)
        return rc;
    c->shell->record.console_frame = c->build.console_frame;
    return create_note_progress(c, err);
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
