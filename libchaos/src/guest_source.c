// SPDX-License-Identifier: BSD-3-Clause
/* A guest of this host that is to go to another. The migration's journal says who may run it, so it
 * has no note of its own in suspended/. */
#include "guest_move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"
#include "suspended.h"

struct guest_source {
    struct save_source source;
    uint32_t timeout_ms;
    bool asked;
};

int guest_source_open(struct chaos *chaos, const struct chaos_domain *domain, uint32_t timeout_ms,
                      struct guest_source **out, struct chaos_error *err)
{
    struct guest_source *source = calloc(1, sizeof(*source));
    int rc;

    if (!source)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    source->timeout_ms = timeout_ms;
    rc = save_source_open(&source->source, chaos, domain, err);
    if (rc < 0)
        guest_source_close(source);
    else
        *out = source;
    return rc;
}

void guest_source_close(struct guest_source *source)
{
    if (!source)
        return;
    save_source_close(&source->source);
    free(source);
}

int guest_source_offer(struct guest_source *source, struct migrate_offer *out,
                       struct chaos_error *err)
{
    const struct record *record = &source->source.record;
    struct hv *hv = source->source.chaos->hv;
    struct hv_host host;
    int rc = hv->ops->host(hv, &host);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen what this host is");
    *out = (struct migrate_offer){.config = record->config,
                                  .config_length = record->config_length,
                                  .xen_major = (uint16_t)host.major,
                                  .xen_minor = (uint16_t)host.minor};
    memcpy(out->hw_caps, host.hw_caps, sizeof(out->hw_caps));
    return 0;
}

int guest_source_send(void *guest, stream_write *write, void *opaque, struct chaos_error *err)
{
    struct guest_source *source = guest;
    int rc = save_source_begin(&source->source, write, opaque, err);

    if (rc == 0) {
        source->asked = true;
        rc = save_source_ask(&source->source, err);
    }
    if (rc == 0)
        rc = save_source_wait(&source->source, source->timeout_ms, err);
    if (rc == 0)
        rc = save_source_memory(&source->source, err);
    return rc < 0 ? rc : save_source_rest(&source->source, err);
}

int guest_source_resume(void *guest, struct chaos_error *err)
{
    struct guest_source *source = guest;
    struct chaos *chaos = source->source.chaos;
    struct registry_claim note;
    struct hv_info info;
    int rc = chaos->hv->ops->info(chaos->hv, source->source.domain.domid, &info);

    if (rc == -ESRCH || (rc == 0 && !record_is_of(&source->source.record, info.uuid)))
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "domain \"%s\" is gone",
                               source->source.domain.name);
    if (rc < 0)
        return hv_error(err, rc, "ask Xen about it");
    if (info.shutdown)
        return info.reason == HV_SHUTDOWN_SUSPEND
                   ? suspended_resume(chaos->hv, info.domid, err)
                   : 0; /* it ended by itself: that is its configuration's business */
    if (!source->asked || info.dying)
        return 0;
    /* It may do as it was asked later: then the next command lets it go on. */
    rc = suspended_note(chaos, &info, &note, err);
    if (rc == 0)
        registry_release(&note);
    return rc;
}

int guest_source_destroy(void *guest, struct chaos_error *err)
{
    struct guest_source *source = guest;

    return chaos_domain_destroy(source->source.chaos, &source->source.domain, false, err);
}
