// SPDX-License-Identifier: BSD-3-Clause
/* Saving a guest to a file: it suspends itself, is written, and goes on, or goes. */
#include "save.h"

#include <string.h>

#include <chaos/checkpoint.h>

#include "checkpoint_file.h"
#include "suspended.h"
#include "timing.h"

struct saving {
    struct chaos *chaos;
    struct chaos_save_options options;
    struct save_source source;
    struct checkpoint_file file;
    struct registry_claim note;
};

static int suspend(struct saving *s, struct chaos_error *err)
{
    int rc = suspended_note(s->chaos, &s->source.save.info, &s->note, err);

    if (rc < 0)
        return rc;
    rc = save_source_ask(&s->source, err);
    if (rc < 0) {
        suspended_forget(s->chaos, &s->note);
        return rc;
    }
    return save_source_wait(&s->source, s->options.timeout_ms, err);
}

static int write_rest(struct saving *s, struct chaos_error *err)
{
    int rc = save_source_rest(&s->source, err);

    return rc < 0 ? rc : checkpoint_file_commit(&s->file, err);
}

/* The file is there: whatever happens from here on, nothing is lost. */
static int finish(struct saving *s, struct chaos_error *err)
{
    const struct chaos_domain *domain = &s->source.domain;
    struct hv *hv = s->chaos->hv;
    int rc = 0;

    if (s->options.after == CHAOS_SAVE_DESTROY) {
        rc = chaos_domain_destroy(s->chaos, domain, false, err);
    } else {
        if (s->options.after == CHAOS_SAVE_PAUSE)
            rc = hv->ops->pause(hv, domain->domid);
        rc = rc < 0 ? hv_error(err, rc, "pause it") : suspended_resume(hv, domain->domid, err);
    }
    if (rc == 0)
        suspended_forget(s->chaos, &s->note);
    return rc;
}

static int run(struct saving *s, const struct chaos_domain *domain, const char *path,
               struct chaos_error *err)
{
    struct chaos_timing *timing = s->options.timing;
    int rc;

    timing_begin(timing);
    rc = save_source_open(&s->source, s->chaos, domain, err);
    if (rc < 0)
        return rc;
    s->source.save.compress = s->options.compress;
    rc = checkpoint_file_create(&s->file, path, err);
    if (rc < 0)
        return chaos_error_wrap(err, "checkpoint \"%s\"", path);
    rc = save_source_begin(&s->source, stream_write_fd, &s->file.fd, err);
    timing_note(timing, "head");
    if (rc == 0)
        rc = suspend(s, err);
    timing_note(timing, "suspend");
    if (rc == 0)
        rc = save_source_memory(&s->source, err);
    timing_note(timing, "memory");
    if (rc == 0)
        rc = write_rest(s, err);
    rc = save_source_why(&s->source, rc, err);
    timing_note(timing, "file");
    if (rc == 0)
        rc = finish(s, err);
    timing_note(timing, s->options.after == CHAOS_SAVE_DESTROY ? "destroy" : "resume");
    return rc;
}

static void summarize(const struct save_source *source, struct chaos_checkpoint *out)
{
    const struct save *save = &source->save;

    memset(out, 0, sizeof(*out));
    memcpy(out->name, source->config.name, sizeof(out->name));
    memcpy(out->uuid, save->info.uuid, sizeof(out->uuid));
    out->memory_mib = source->config.memory_mib;
    out->vcpus = source->config.vcpus;
    out->xen_major = save->domain.xen_major;
    out->xen_minor = save->domain.xen_minor;
    out->records = source->writer.sequence;
    out->pages = save->frames.pages;
    out->stored_pages = save->stored_pages;
    out->bytes = source->writer.offset;
    out->compressed = save->compress;
}

int chaos_domain_save(struct chaos *chaos, const struct chaos_domain *domain, const char *path,
                      const struct chaos_save_options *options, struct chaos_checkpoint *out,
                      struct chaos_error *err)
{
    struct saving s = {
        .chaos = chaos,
        .file = CHECKPOINT_FILE_NONE,
        .note = REGISTRY_CLAIM_NONE,
    };
    int rc;

    if (options)
        s.options = *options;
    rc = run(&s, domain, path, err);
    if (rc == 0 && out)
        summarize(&s.source, out);
    if (s.note.fd >= 0) {
        save_source_linger(&s.source);
        /* As after a save that was killed: the guest goes on now, or once it has suspended. */
        registry_release(&s.note);
        suspended_reap(chaos);
    }
    checkpoint_file_close(&s.file);
    save_source_close(&s.source);
    return rc < 0 && domain->name[0] ? chaos_error_wrap(err, "domain \"%s\"", domain->name) : rc;
}
