// SPDX-License-Identifier: BSD-3-Clause
#include "suspended.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include "cleanup.h"
#include "migrate_guard.h"

int suspended_note(struct chaos *chaos, const struct hv_info *info, struct registry_claim *claim,
                   struct chaos_error *err)
{
    cleanup(text_release) struct text text;
    struct record record = {.domid = info->domid};
    char room[RECORD_HEADER * 2], uuid[UUID_TEXT];

    memcpy(record.uuid, info->uuid, sizeof(record.uuid));
    uuid_format(record.uuid, uuid);
    text_begin(&text, room, sizeof(room));
    record_begin(&record, CHAOS_BUS_NOXS, &text); /* of no matter here */
    if (!text_end(&text))
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return registry_claim_suspended(&chaos->registry, uuid, text.bytes, text.length, claim, err);
}

void suspended_forget(struct chaos *chaos, struct registry_claim *claim)
{
    registry_drop(&chaos->registry, claim, 0);
}

int suspended_resume(struct hv *hv, uint32_t domid, struct chaos_error *err)
{
    struct vcpu_guest_context context;
    int rc = hv->ops->get_vcpu_state(hv, domid, 0, HV_VCPU_CONTEXT, &context, sizeof(context));

    /* What its hypercall returns: 1, it is still in its old domain; 0, in a new one. */
    context.user_regs.rax = 1;
    if (rc == (int)sizeof(context))
        rc = hv->ops->set_vcpu_state(hv, domid, 0, HV_VCPU_CONTEXT, &context, sizeof(context));
    else if (rc >= 0)
        rc = -EINVAL;
    if (rc == 0)
        rc = hv->ops->resume(hv, domid);
    return rc < 0 ? hv_error(err, rc, "let it go on") : 0;
}

/* Keeps the note of our guest. */
struct adoption {
    const char *uuid;
    struct registry_claim *claim;
};

static int adopt_one(void *opaque, struct registry_claim *claim, struct chaos_error *err)
{
    struct adoption *adoption = opaque;

    (void)err;
    if (strcmp(claim->name, adoption->uuid) == 0)
        *adoption->claim = *claim;
    else
        registry_release(claim);
    return 0;
}

bool suspended_adopt(struct chaos *chaos, const uint8_t uuid[16], struct registry_claim *claim)
{
    char text[UUID_TEXT];
    struct adoption adoption = {.uuid = text, .claim = claim};
    struct chaos_error ignored;

    uuid_format(uuid, text);
    claim->fd = -1;
    registry_visit_abandoned(&chaos->registry, REGISTRY_SUSPENDED, adopt_one, &adoption, &ignored);
    return claim->fd >= 0;
}

static int reap_one(void *opaque, struct registry_claim *claim, struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct chaos *chaos = opaque;
    struct chaos_error ignored;
    struct record record = {0};
    struct hv_info info;
    size_t length;
    int rc = registry_read_claim(claim, &text, &length, err);

    if (rc == 0)
        rc = record_parse(text, length, &record, &ignored);
    if (rc == 0)
        rc = chaos->hv->ops->info(chaos->hv, record.domid, &info);
    if (rc == 0 && record_is_of(&record, info.uuid) && !info.dying) {
        chaos->hv->ops->dirty_stop(chaos->hv, record.domid); /* of a live save */
        /* One that has not done as it was asked yet may still do so. */
        if (!info.shutdown || (info.reason == HV_SHUTDOWN_SUSPEND &&
                               (migrate_holds(chaos, record.domid, record.uuid) ||
                                suspended_resume(chaos->hv, record.domid, &ignored) < 0))) {
            registry_release(claim);
            return 0;
        }
    }
    suspended_forget(chaos, claim);
    return 0;
}

void suspended_reap(struct chaos *chaos)
{
    struct chaos_error ignored;

    registry_visit_abandoned(&chaos->registry, REGISTRY_SUSPENDED, reap_one, chaos, &ignored);
}
