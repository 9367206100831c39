// SPDX-License-Identifier: BSD-3-Clause
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "migrate_guard.h"

#define TIMEOUT_MS    10000u
#define LINGER_MS     30000 /* Linux gives up after 20 s that its tasks do not stop */
#define CONNECT_MS    1000u
#define POLL_FIRST_NS 200000l
#define POLL_MOST_NS  10000000l

static int look_at_domain(struct save_source *s, struct chaos_error *err)
{
    struct hv_info *info = &s->save.info;
    int rc = chaos_read_record(s->chaos, s->domain.name, &s->record, &s->record_text, info, err);

    if (rc == -ENOENT)
        return chaos_error_set(err, rc, CHAOS_EXIT_NOT_FOUND, "domain \"%s\" is gone",
                               s->domain.name);
    if (rc == 0)
        rc = record_config(&s->record, &s->config, err);
    if (rc < 0)
        return rc;
    memcpy(s->config.name, s->domain.name, sizeof(s->config.name)); /* it may be renamed by now */
    info->vcpus = s->config.vcpus; /* Xen counts those that are up */
    if (info->dying)
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "it is being destroyed");
    if (info->shutdown && info->reason == HV_SHUTDOWN_SUSPEND) /* not one that was left: see reap */
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "another process is saving it at this moment");
    if (info->shutdown)
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_FAILURE, "its guest does not run any more");
    if (info->paused)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "it is paused and cannot suspend itself: unpause it first");
    return 0;
}

int save_source_open(struct save_source *source, struct chaos *chaos,
                     const struct chaos_domain *domain, struct chaos_error *err)
{
    *source = (struct save_source){.chaos = chaos, .domain = *domain, .save = {.hv = chaos->hv}};
    source->save.writer = &source->writer;
    if (domain->domid == 0)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_USAGE,
                               "domain 0 is the control domain: it cannot be saved");
    if (domain->name[0] == '\0')
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_FAILURE,
                               "domain %u was not made by chaos: use the toolstack that made it",
                               domain->domid);
    chaos_reap(chaos); /* it may have been left suspended by a save that was killed */
    return migrate_guard(chaos, domain, err) < 0 ? err->code : look_at_domain(source, err);
}

void save_source_close(struct save_source *source)
{
    save_live_end(source);
    guest_frames_release(&source->save.frames);
    chaos_config_free(&source->config);
    free(source->record_text);
    source->record_text = NULL;
}

uint32_t save_source_features(const struct save_source *source)
{
    return (source->live ? STREAM_LIVE : 0) | (source->save.compress ? STREAM_LZ4 : 0);
}

int save_source_begin(struct save_source *source, stream_write *write, void *opaque,
                      struct chaos_error *err)
{
    int rc = stream_begin(&source->writer, write, opaque, save_source_features(source), err);

    return rc < 0 ? rc : save_head(&source->save, &source->config, err);
}

/* ---------------------------------------------------------------- the guest's part */

/* A guest that has just begun, or gone on, may not have connected to its bus yet. */
int save_source_ask(struct save_source *source, struct chaos_error *err)
{
    const struct timespec pause = {.tv_nsec = POLL_MOST_NS};
    struct bus *bus = source->chaos->bus;
    const uint64_t start = clock_ms();
    int rc;

    while ((rc = bus->ops->request(bus, source->config.bus, source->domain.domid,
                                   BUS_REQUEST_SUSPEND, err)) == -ENOTCONN &&
           clock_ms() - start < CONNECT_MS)
        nanosleep(&pause, NULL);
    return rc;
}

/* A guest that boots, say, would find the request later, when nobody waits for it any more. One
 * that waits for its disk may have found it. */
static int timed_out(struct save_source *source, uint32_t limit_ms, struct chaos_error *err)
{
    struct bus *bus = source->chaos->bus;

    source->begun =
        bus->ops->withdraw && bus->ops->withdraw(bus, source->config.bus, source->domain.domid);
    return chaos_error_set(err, -ETIMEDOUT, CHAOS_EXIT_TIMEOUT,
                           "its guest did not suspend itself within %u ms, and goes on", limit_ms);
}

static int destroyed(struct chaos_error *err)
{
    return chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "it was destroyed meanwhile");
}

static bool is_gone(const struct save_source *source, int rc, const struct hv_info *info)
{
    return rc == -ESRCH || (rc == 0 && (info->dying || !record_is_of(&source->record, info->uuid)));
}

/* Xen says that a domain is dying only once its memory is taken; its record is taken before that.
 */
static bool record_is_taken(const struct save_source *source)
{
    struct registry *registry = &source->chaos->registry;
    struct chaos_error ignored;
    char name[CHAOS_NAME_MAX + 1];

    if (registry_name_of(registry, source->domain.domid, name) < 0)
        strcpy(name, source->domain.name);
    return registry_check_name(registry, name, &ignored) == 0;
}

int save_source_why(const struct save_source *source, int rc, struct chaos_error *err)
{
    struct hv *hv = source->chaos->hv;
    struct hv_info info;

    if (rc < 0 && (record_is_taken(source) ||
                   is_gone(source, hv->ops->info(hv, source->domain.domid, &info), &info)))
        return destroyed(err);
    return rc;
}

static int wait_end(struct save_source *source, uint32_t limit_ms, struct hv_info *info,
                    struct chaos_error *err)
{
    struct timespec pause = {.tv_nsec = POLL_FIRST_NS};
    struct hv *hv = source->chaos->hv;
    const uint64_t start = clock_ms();
    int rc;

    for (;;) {
        rc = hv->ops->info(hv, source->domain.domid, info);
        if (is_gone(source, rc, info))
            info->dying = true; /* or gone already */
        else if (rc < 0)
            return hv_error(err, rc, "ask Xen about it");
        if (info->dying || info->shutdown)
            return 0;
        if (clock_ms() - start >= limit_ms)
            return -ETIMEDOUT;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < POLL_MOST_NS)
            pause.tv_nsec += pause.tv_nsec / 2;
    }
}

int save_source_wait(struct save_source *source, uint32_t timeout_ms, struct chaos_error *err)
{
    const uint32_t limit_ms = timeout_ms ? timeout_ms : TIMEOUT_MS;
    struct hv_info info = {0};
    int rc = wait_end(source, limit_ms, &info, err);

    if (rc == -ETIMEDOUT)
        return timed_out(source, limit_ms, err);
    if (rc == 0 && info.dying)
        return destroyed(err);
    if (rc == 0 && info.reason != HV_SHUTDOWN_SUSPEND)
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_FAILURE,
                               "its guest shut down instead of suspending itself");
    return rc;
}

void save_source_linger(struct save_source *source)
{
    struct hv_info info = {0};
    struct chaos_error ignored;

    if (source->begun)
        wait_end(source, LINGER_MS, &info, &ignored);
}

/* ---------------------------------------------------------------- its state */

int save_source_memory(struct save_source *source, struct chaos_error *err)
{
    struct save *save = &source->save;
    int rc;

    if (source->live)
        return save_live_last(source, err);
    rc = guest_frames_read(source->chaos->hv, &save->info, &save->frames, err);
    return rc < 0 ? rc : save_pages(save, err);
}

int save_source_rest(struct save_source *source, struct chaos_error *err)
{
    return save_tail(&source->save, &source->record, source->config.bus, err);
}
