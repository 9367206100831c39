// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest of this host that is to go to another. The migration's journal says who may run it; the
 * note in suspended/ beside it keeps a save, or another migration, from asking it as well.
 */
#include "guest_move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"
#include "suspended.h"
#include "timing.h"

#define TIMEOUT_MS 10000u

struct guest_source {
    struct save_source source;
    struct guest_source_options how;
    struct registry_claim note; /* in suspended/; fd -1: it was not asked */
    bool gone;                  /* a guest of which only the journal tells */
};

static struct guest_source *source_new(struct chaos_error *err)
{
    struct guest_source *source = calloc(1, sizeof(*source));

    if (source)
        source->note = (struct registry_claim)REGISTRY_CLAIM_NONE;
    else
        chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return source;
}

int guest_source_open(struct chaos *chaos, const struct chaos_domain *domain,
                      const struct guest_source_options *how, struct guest_source **out,
                      struct chaos_error *err)
{
    struct guest_source *source = source_new(err);
    int rc;

    if (!source)
        return err->code;
    source->how = *how;
    if (source->how.timeout_ms == 0)
        source->how.timeout_ms = TIMEOUT_MS;
    rc = save_source_open(&source->source, chaos, domain, err);
    source->source.live = how->live;
    source->source.save.compress = how->compress;
    if (rc == 0)
        rc = guest_move_check_disks(&source->source.config, err);
    if (rc < 0)
        guest_source_close(source);
    else
        *out = source;
    return rc;
}

int guest_source_reopen(struct chaos *chaos, const struct migrate_note *note,
                        struct guest_source **out, struct chaos_error *err)
{
    struct guest_source *source = source_new(err);
    struct save_source *s;
    struct hv_info info;
    int rc;

    if (!source)
        return err->code;
    s = &source->source;
    s->chaos = chaos;
    s->domain.domid = note->domid;
    memcpy(s->domain.uuid, note->uuid, sizeof(note->uuid));
    strcpy(s->domain.name, note->name);
    chaos_reap(chaos); /* it may be half destroyed: then it is no more */
    rc = chaos_read_record(chaos, note->name, &s->record, &s->record_text, &info, err);
    if (rc < 0 && rc != -ENOENT) {
        guest_source_close(source);
        return rc;
    }
    source->gone =
        rc < 0 || s->record.domid != note->domid || !record_is_of(&s->record, note->uuid);
    if (!source->gone)
        suspended_adopt(chaos, note->uuid, &source->note);
    *out = source;
    return 0;
}

void guest_source_close(struct guest_source *source)
{
    if (!source)
        return;
    registry_release(&source->note);
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
                                  .xen_minor = (uint16_t)host.minor,
                                  .silence_ms = source->how.timeout_ms,
                                  .features = save_source_features(&source->source)};
    memcpy(out->hw_caps, host.hw_caps, sizeof(out->hw_caps));
    return 0;
}

/* By now the journal says that it is being moved: who took its record before that destroys it. */
static int note(struct guest_source *source, struct chaos_error *err)
{
    struct save_source *s = &source->source;
    struct chaos_error ignored;

    if (registry_check_name(&s->chaos->registry, s->domain.name, &ignored) == 0)
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "it was destroyed meanwhile");
    return suspended_note(s->chaos, &s->save.info, &source->note, err);
}

/* What may take long, and the guest goes on with its work, is done before it is asked. */
static int send_until_asked(struct guest_source *source, struct chaos_error *err)
{
    struct save_source *s = &source->source;
    int rc = note(source, err);

    if (rc < 0)
        return rc;
    rc = save_live_rounds(s, err);
    if (s->live)
        timing_note(source->how.timing, "live");
    if (rc == 0)
        rc = save_source_ask(s, err);
    if (rc < 0)
        suspended_forget(s->chaos, &source->note);
    return rc;
}

int guest_source_send(void *guest, stream_write *write, void *opaque, struct chaos_error *err)
{
    struct guest_source *source = guest;
    int rc = save_source_begin(&source->source, write, opaque, err);

    if (rc == 0)
        rc = send_until_asked(source, err);
    if (rc == 0)
        rc = save_source_wait(&source->source, source->how.timeout_ms, err);
    timing_note(source->how.timing, "suspend");
    if (rc == 0)
        rc = save_source_memory(&source->source, err);
    timing_note(source->how.timing, "memory");
    if (rc == 0 && source->source.config.nr_disks > 0) {
        rc = guest_move_wait_disks(&source->source.config, source->how.timeout_ms, err);
        timing_note(source->how.timing, "disks");
    }
    if (rc == 0)
        rc = save_source_rest(&source->source, err);
    save_live_end(&source->source);
    return save_source_why(&source->source, rc, err);
}

int guest_source_resume(void *guest, struct chaos_error *err)
{
    struct guest_source *source = guest;
    struct chaos *chaos = source->source.chaos;
    struct hv_info info = {0};
    int rc =
        source->gone ? -ESRCH : chaos->hv->ops->info(chaos->hv, source->source.domain.domid, &info);

    if (rc == -ESRCH || (rc == 0 && !record_is_of(&source->source.record, info.uuid))) {
        suspended_forget(chaos, &source->note);
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "domain \"%s\" is gone",
                               source->source.domain.name);
    }
    if (rc < 0)
        return hv_error(err, rc, "ask Xen about it");
    /* Who asked it may have died while Xen noted what it writes to. */
    chaos->hv->ops->dirty_stop(chaos->hv, info.domid);
    if (info.shutdown && info.reason == HV_SHUTDOWN_SUSPEND)
        rc = suspended_resume(chaos->hv, info.domid, err);
    if (rc < 0)
        return rc;
    /* One that has not done yet as it was asked may do so later: then the next command lets it go
     * on. */
    if (info.shutdown || info.dying)
        suspended_forget(chaos, &source->note);
    else
        registry_release(&source->note);
    return 0;
}

int guest_source_destroy(void *guest, struct chaos_error *err)
{
    struct guest_source *source = guest;
    struct chaos *chaos = source->source.chaos;
    int rc = source->gone ? 0 : chaos_destroy_moved(chaos, &source->source.domain, err);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    suspended_forget(chaos, &source->note);
    return 0;
}
