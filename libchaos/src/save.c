// SPDX-License-Identifier: BSD-3-Clause
/* Saving a guest: it suspends itself, is written to a file, and goes on, or goes. */
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <chaos/checkpoint.h>

#include "checkpoint_file.h"
#include "cleanup.h"
#include "suspended.h"
#include "timing.h"

#define TIMEOUT_MS    10000u
#define CONNECT_MS    1000u
#define POLL_FIRST_NS 200000l
#define POLL_MOST_NS  10000000l

struct saving {
    struct chaos *chaos;
    const struct chaos_domain *domain;
    struct chaos_save_options options;
    struct chaos_config config;
    struct record record;
    char *record_text;
    struct checkpoint_file file;
    struct registry_claim note;
    struct stream_writer writer;
    struct save save;
};

static int look_at_domain(struct saving *s, struct chaos_error *err)
{
    const struct chaos_domain *domain = s->domain;
    int rc;

    if (domain->domid == 0)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_USAGE,
                               "domain 0 is the control domain: it cannot be saved");
    if (domain->name[0] == '\0')
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_FAILURE,
                               "domain %u was not made by chaos: use the toolstack that made it",
                               domain->domid);
    chaos_reap(s->chaos); /* it may have been left suspended by a save that was killed */
    rc = chaos_read_record(s->chaos, domain->name, &s->record, &s->record_text, &s->save.info, err);
    if (rc == -ENOENT)
        return chaos_error_set(err, rc, CHAOS_EXIT_NOT_FOUND, "domain \"%s\" is gone",
                               domain->name);
    if (rc == 0)
        rc = record_config(&s->record, &s->config, err);
    if (rc < 0)
        return rc;
    memcpy(s->config.name, domain->name, sizeof(s->config.name)); /* it may be renamed by now */
    s->save.info.vcpus = s->config.vcpus;                         /* Xen counts those that are up */
    if (s->save.info.shutdown || s->save.info.dying)
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_FAILURE, "its guest does not run any more");
    if (s->save.info.paused)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "it is paused and cannot suspend itself: unpause it first");
    return 0;
}

/* ---------------------------------------------------------------- the guest's part */

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static int went_otherwise(const struct hv_info *info, struct chaos_error *err)
{
    return chaos_error_set(err, -ESRCH, CHAOS_EXIT_FAILURE,
                           info->dying ? "it was destroyed meanwhile"
                                       : "its guest shut down instead of suspending itself");
}

static int wait_suspended(struct saving *s, struct chaos_error *err)
{
    const uint32_t limit = s->options.timeout_ms ? s->options.timeout_ms : TIMEOUT_MS;
    struct timespec pause = {.tv_nsec = POLL_FIRST_NS};
    const uint64_t start = now_ms();
    struct hv *hv = s->chaos->hv;
    struct hv_info info = {0};
    int rc;

    for (;;) {
        rc = hv->ops->info(hv, s->domain->domid, &info);
        if (rc == -ESRCH || (rc == 0 && !record_is_of(&s->record, info.uuid)))
            info.dying = true; /* and gone already */
        else if (rc < 0)
            return hv_error(err, rc, "ask Xen about it");
        if (info.dying || (info.shutdown && info.reason != HV_SHUTDOWN_SUSPEND))
            return went_otherwise(&info, err);
        if (info.shutdown)
            return 0;
        if (now_ms() - start >= limit)
            return chaos_error_set(err, -ETIMEDOUT, CHAOS_EXIT_TIMEOUT,
                                   "its guest did not suspend itself within %u ms, and goes on",
                                   limit);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < POLL_MOST_NS)
            pause.tv_nsec += pause.tv_nsec / 2;
    }
}

/* A guest that has just begun, or gone on, may not have connected to its bus yet. */
static int request(struct saving *s, struct chaos_error *err)
{
    const struct timespec pause = {.tv_nsec = POLL_MOST_NS};
    struct bus *bus = s->chaos->bus;
    const uint64_t start = now_ms();
    int rc;

    while ((rc = bus->ops->request(bus, s->config.bus, s->domain->domid, BUS_REQUEST_SUSPEND,
                                   err)) == -ENOTCONN &&
           now_ms() - start < CONNECT_MS)
        nanosleep(&pause, NULL);
    return rc;
}

static int suspend(struct saving *s, struct chaos_error *err)
{
    int rc = suspended_note(s->chaos, &s->save.info, &s->note, err);

    if (rc < 0)
        return rc;
    rc = request(s, err);
    if (rc < 0) {
        suspended_forget(s->chaos, &s->note);
        return rc;
    }
    return wait_suspended(s, err);
}

/* ---------------------------------------------------------------- all of it */

static int write_memory(struct saving *s, struct chaos_error *err)
{
    int rc = guest_frames_read(s->chaos->hv, &s->save.info, &s->save.frames, err);

    return rc < 0 ? rc : save_pages(&s->save, err);
}

static int write_tail(struct saving *s, struct chaos_error *err)
{
    int rc = save_tail(&s->save, &s->record, s->config.bus, err);

    return rc < 0 ? rc : checkpoint_file_commit(&s->file, err);
}

/* The file is there: whatever happens from here on, nothing is lost. */
static int finish(struct saving *s, struct chaos_error *err)
{
    struct hv *hv = s->chaos->hv;
    int rc;

    if (s->options.after == CHAOS_SAVE_DESTROY) {
        rc = chaos_domain_destroy(s->chaos, s->domain, false, err);
        if (rc == 0)
            suspended_forget(s->chaos, &s->note);
        return rc;
    }
    rc = s->options.after == CHAOS_SAVE_PAUSE ? hv->ops->pause(hv, s->domain->domid) : 0;
    if (rc < 0)
        return hv_error(err, rc, "pause it");
    rc = suspended_resume(hv, s->domain->domid, err);
    if (rc == 0)
        suspended_forget(s->chaos, &s->note);
    return rc;
}

static int run(struct saving *s, const char *path, struct chaos_error *err)
{
    struct chaos_timing *timing = s->options.timing;
    int rc;

    timing_begin(timing);
    rc = look_at_domain(s, err);
    if (rc < 0)
        return rc;
    rc = checkpoint_file_create(&s->file, path, err);
    if (rc < 0)
        return chaos_error_wrap(err, "checkpoint \"%s\"", path);
    s->save.writer = &s->writer;
    rc = stream_begin(&s->writer, stream_write_fd, &s->file.fd, err);
    if (rc == 0)
        rc = save_head(&s->save, &s->config, err);
    timing_note(timing, "head");
    if (rc == 0)
        rc = suspend(s, err);
    timing_note(timing, "suspend");
    if (rc < 0)
        return rc;
    rc = write_memory(s, err);
    timing_note(timing, "memory");
    if (rc == 0)
        rc = write_tail(s, err);
    timing_note(timing, "file");
    if (rc == 0)
        rc = finish(s, err);
    timing_note(timing, s->options.after == CHAOS_SAVE_DESTROY ? "destroy" : "resume");
    return rc;
}

static void summarize(const struct saving *s, struct chaos_checkpoint *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->name, s->config.name, sizeof(out->name));
    memcpy(out->uuid, s->save.info.uuid, sizeof(out->uuid));
    out->memory_mib = s->config.memory_mib;
    out->vcpus = s->config.vcpus;
    out->xen_major = s->save.domain.xen_major;
    out->xen_minor = s->save.domain.xen_minor;
    out->records = s->writer.sequence;
    out->pages = s->save.frames.pages;
    out->stored_pages = s->save.stored_pages;
    out->bytes = s->writer.offset;
}

int chaos_domain_save(struct chaos *chaos, const struct chaos_domain *domain, const char *path,
                      const struct chaos_save_options *options, struct chaos_checkpoint *out,
                      struct chaos_error *err)
{
    struct saving s = {
        .chaos = chaos,
        .domain = domain,
        .file = CHECKPOINT_FILE_NONE,
        .note = REGISTRY_CLAIM_NONE,
        .save = {.hv = chaos->hv},
    };
    int rc;

    if (options)
        s.options = *options;
    rc = run(&s, path, err);
    if (rc == 0 && out)
        summarize(&s, out);
    if (s.note.fd >= 0) {
        /* As after a save that was killed: the guest goes on now, or once it has suspended. */
        registry_release(&s.note);
        suspended_reap(chaos);
    }
    checkpoint_file_close(&s.file);
    guest_frames_release(&s.save.frames);
    chaos_config_free(&s.config);
    free(s.record_text);
    if (rc < 0 && domain->name[0])
        return chaos_error_wrap(err, "domain \"%s\"", domain->name);
    return rc;
}
