// SPDX-License-Identifier: BSD-3-Clause
#include "creates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint_cache.h"
#include "checkpoint_file.h"
#include "cleanup.h"
#include "create_request.h"
#include "refill.h"
#include "restore_file.h"
#include "server.h"
#include "stats.h"
#include "wire_parts.h"
#include "worker.h"

#define AFTERMATH_NS   1000000u /* after the answer: who got it runs first, also on one processor */
#define AFTERMATH_MOST 16       /* before that time */
#define FILES_MAX      256      /* checkpoints that are open at once */

/* The checkpoint that a request's guests are made of. */
struct checkpoint {
    int fd;
    const char *path; /* what the client calls it */
    struct checkpoint_cache *cache;
    struct checkpoint_cached *cached; /* NULL: it is read from fd */
    struct restore_file file;
};

/* One request: one domain, or several in a row. */
struct creation {
    struct creation *next;
    struct daemon *daemon;
    struct create_request request;
    struct checkpoint *checkpoint; /* NULL: they are to boot */
    struct reply_to to;            /* client NULL: `done` is told instead */
    create_done *done;
    void *opaque;
    uint32_t index;        /* of the domain that is being made, from 0 */
    uint64_t start_ns;     /* ... and since when */
    struct loop_work work; /* the next one */
    struct job job;        /* what is a worker's: the cold way, and all that reads a checkpoint */
    struct chaos_create_options how;
    struct chaos_timing timing;
    struct shell *reclaimed[REFILL_RECLAIM]; /* to be destroyed first */
    unsigned int nr_reclaimed;
    bool retried, warm, intact;
    struct shell *used; /* what is left of it is let go after the answer */
    int rc;
    struct chaos_domain domain;
    struct chaos_error err;
};

/* Those that were answered, in the order of their answers. */
struct creates {
    struct daemon *daemon;
    struct creation *first, **last;
    unsigned int nr, unanswered, files;
    struct checkpoint_cache *cache;
    bool stopping;
    struct loop_timer aftermath;
};

static void checkpoint_close(struct creation *c)
{
    if (!c->checkpoint)
        return;
    restore_file_close(&c->checkpoint->file);
    if (c->checkpoint->cached)
        checkpoint_cache_put(c->checkpoint->cache, c->checkpoint->cached);
    close(c->checkpoint->fd);
    free(c->checkpoint);
    c->checkpoint = NULL;
    c->daemon->creates->files--;
}

static void creation_free(struct creation *c)
{
    reply_release(&c->to);
    create_request_free(&c->request);
    checkpoint_close(c);
    free(c);
}

/* ---------------------------------------------------------------- answers */

static void reply(struct creation *c)
{
    const bool more = c->index + 1 < c->request.count;
    struct wire_writer writer;

    reply_begin(&c->to, (more ? WIRE_MORE : 0) | (c->rc < 0 ? WIRE_ERROR : 0), &writer);
    wire_put_u32(&writer, WIRE_INDEX, c->index);
    if (c->index == 0)
        create_request_put_warnings(&c->request, &writer);
    if (c->rc < 0) {
        wire_put_error(&writer, &c->err);
    } else {
        wire_put_domain(&writer, &c->domain);
        wire_put_u32(&writer, WIRE_WARM, c->warm);
        if (c->how.timing)
            wire_put_timing(&writer, &c->timing);
    }
    reply_send(&c->to, &writer);
}

/* What nobody waits for. */
static void conclude(struct creation *c)
{
    struct daemon *daemon = c->daemon;

    shell_finish(daemon->chaos, c->used);
    c->used = NULL;
    if (c->rc == 0)
        daemon_created(daemon, &c->domain, &c->request.config);
    refill_poke(daemon);
}

void creates_conclude(struct daemon *daemon)
{
    struct creates *creates = daemon->creates;
    struct creation *c;

    loop_timer_stop(daemon->loop, &creates->aftermath);
    while ((c = creates->first)) {
        creates->first = c->next;
        conclude(c);
        creation_free(c);
    }
    creates->last = &creates->first;
    creates->nr = 0;
}

static void conclude_later(struct creation *c)
{
    struct creates *creates = c->daemon->creates;

    creates->unanswered--;
    reply_release(&c->to);
    c->next = NULL;
    *creates->last = c;
    creates->last = &c->next;
    if (creates->nr++ == 0)
        loop_timer_start(c->daemon->loop, &creates->aftermath, AFTERMATH_NS);
    if (creates->nr == AFTERMATH_MOST)
        creates_conclude(c->daemon);
}

static enum stats_time time_of(const struct creation *c)
{
    if (c->checkpoint)
        return c->warm ? STATS_RESTORE_WARM : STATS_RESTORE_COLD;
    return c->warm ? STATS_CREATE_WARM : STATS_CREATE_COLD;
}

static void note_success(struct creation *c)
{
    struct flavour wanted;
    const bool any = flavour_of(&c->request.config, &wanted);

    stats_time(c->daemon, time_of(c), loop_now() - c->start_ns);
    if (!(c->request.options & WIRE_OPTION_COLD))
        pools_served(refill_pools(c->daemon), any ? &wanted : NULL,
                     c->used ? shell_flavour(c->used) : NULL);
}

/* A domain was made, or not. */
static void finish(struct creation *c)
{
    struct daemon *daemon = c->daemon;

    if (c->rc < 0 && c->checkpoint)
        chaos_error_wrap(&c->err, "checkpoint \"%s\"", c->checkpoint->path);
    if (c->to.client)
        reply(c);
    if (c->rc < 0)
        stats_count(daemon, STATS_FAILED_CREATES);
    else
        note_success(c);
    if (c->done)
        c->done(c->opaque, c->rc < 0 ? NULL : &c->domain, &c->err);
    if (++c->index >= c->request.count) {
        conclude_later(c);
        return;
    }
    conclude(c);
    loop_defer(daemon->loop, &c->work);
}

static void submit(struct creation *c, void (*run)(struct job *, struct chaos *),
                   void (*done)(struct job *, struct daemon *))
{
    c->job.run = run;
    c->job.done = done;
    worker_submit(c->daemon, &c->job, c->checkpoint ? JOB_FILE : JOB_CLIENT);
}

static struct chaos_restore_options restore_options(const struct creation *c)
{
    return (struct chaos_restore_options){.paused = c->how.paused,
                                          .overrides = c->request.overrides,
                                          .nr_overrides = c->request.series.nr_overrides,
                                          .timing = c->how.timing};
}

/* ---------------------------------------------------------------- the cold way */

static void create_cold(struct job *job, struct chaos *chaos)
{
    struct creation *c = container_of(job, struct creation, job);
    const struct chaos_restore_options how = restore_options(c);

    while (c->nr_reclaimed > 0)
        shell_destroy(chaos, c->reclaimed[--c->nr_reclaimed]);
    if (c->checkpoint)
        c->rc = restore_file_cold(&c->checkpoint->file, chaos, &c->request.config, &how, &c->domain,
                                  &c->err);
    else
        c->rc = chaos_domain_create(chaos, &c->request.config, &c->how, &c->domain, &c->err);
}

static bool reclaim(struct creation *c)
{
    c->nr_reclaimed = refill_reclaim(c->daemon, c->request.config.memory_mib, c->reclaimed);
    return c->nr_reclaimed > 0;
}

static void created_cold(struct job *job, struct daemon *daemon)
{
    struct creation *c = container_of(job, struct creation, job);

    (void)daemon;
    if (c->rc < 0 && c->err.exit == CHAOS_EXIT_RESOURCE && !c->retried && reclaim(c)) {
        c->retried = true;
        submit(c, create_cold, created_cold);
        return;
    }
    finish(c);
}

static void go_cold(struct creation *c)
{
    c->warm = false;
    c->retried = false;
    submit(c, create_cold, created_cold);
}

/* ---------------------------------------------------------------- the warm way */

/* The shell was tried. One that was not touched goes back; then -ESTALE says that it is of no use.
 */
static void tried_warm(struct creation *c)
{
    struct daemon *daemon = c->daemon;
    const bool stale = c->intact && c->rc == -ESTALE;

    if (c->intact) {
        if (stale || !pools_untake(refill_pools(daemon), c->used))
            refill_discard(daemon, c->used);
        c->used = NULL;
    }
    if (stale)
        go_cold(c);
    else
        finish(c);
}

static void restore_warm(struct job *job, struct chaos *chaos)
{
    struct creation *c = container_of(job, struct creation, job);
    const struct chaos_restore_options how = restore_options(c);

    c->rc = restore_file_in_shell(&c->checkpoint->file, chaos, c->used, &c->request.config, &how,
                                  &c->domain, &c->intact, &c->err);
}

static void restored_warm(struct job *job, struct daemon *daemon)
{
    (void)daemon;
    tried_warm(container_of(job, struct creation, job));
}

/* In the best shell that there is, or cold. */
static void go(struct creation *c)
{
    struct daemon *daemon = c->daemon;

    if (!(c->request.options & WIRE_OPTION_COLD))
        c->used = pools_take(refill_pools(daemon), &c->request.config,
                             c->checkpoint ? flavour_misfit_restored : flavour_misfit, c->start_ns);
    c->warm = c->used != NULL;
    if (!c->warm) {
        go_cold(c);
    } else if (c->checkpoint) {
        submit(c, restore_warm, restored_warm);
    } else {
        c->rc = shell_execute(daemon->chaos, c->used, &c->request.config, &c->how, &c->domain,
                              &c->intact, &c->err);
        tried_warm(c);
    }
}

static void step(struct creation *c)
{
    if (c->daemon->creates->stopping && c->to.client)
        c->rc = chaos_error_set(&c->err, -ESHUTDOWN, CHAOS_EXIT_DAEMON, "chaosd is stopping");
    else
        c->rc = create_request_number(&c->request, c->index, &c->err);
    if (c->rc < 0)
        finish(c);
    else
        go(c);
}

static void step_later(struct loop_work *work)
{
    struct creation *c = container_of(work, struct creation, work);

    c->start_ns = loop_now();
    step(c);
}

/* ---------------------------------------------------------------- beginnings */

static struct creation *creation_new(struct daemon *daemon, uint64_t start_ns)
{
    struct creation *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->daemon = daemon;
    c->start_ns = start_ns;
    c->work.run = step_later;
    return c;
}

/* It is going to be answered. */
static void begin(struct creation *c, const struct request *request)
{
    c->how.paused = c->request.options & WIRE_OPTION_PAUSED;
    c->how.timing = c->request.options & WIRE_OPTION_TIMING ? &c->timing : NULL;
    c->to = reply_later(request);
    c->daemon->creates->unanswered++;
}

static int handle_create(struct daemon *daemon, const struct request *request,
                         struct chaos_error *err)
{
    struct creation *c = creation_new(daemon, loop_now());
    int rc;

    if (!c)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = create_request_read(&c->request, &request->fields, err);
    if (rc < 0) {
        create_request_reply_refused(&c->request, request, err);
        creation_free(c);
        return 0;
    }
    begin(c, request);
    step(c);
    return 0;
}

static void read_head(struct job *job, struct chaos *chaos)
{
    struct creation *c = container_of(job, struct creation, job);
    struct checkpoint *checkpoint = c->checkpoint;
    const uint8_t *bytes;
    size_t size;

    (void)chaos;
    c->rc = checkpoint_file_check(checkpoint->fd, &c->err);
    if (c->rc < 0)
        return;
    checkpoint->cached =
        checkpoint_cache_get(checkpoint->cache, checkpoint->fd, c->request.count > 1);
    if (checkpoint->cached) {
        bytes = checkpoint_cached_bytes(checkpoint->cached, &size);
        c->rc = restore_file_open_copy(&checkpoint->file, bytes, size, &c->err);
    } else {
        c->rc = restore_file_open(&checkpoint->file, checkpoint->fd, &c->err);
    }
}

static void head_read(struct job *job, struct daemon *daemon)
{
    struct creation *c = container_of(job, struct creation, job);
    const struct restore_file *file = &c->checkpoint->file;

    (void)daemon;
    if (c->rc == 0)
        c->rc =
            create_request_parse_copies(&c->request, file->config, file->config_length, &c->err);
    if (c->rc == 0) {
        step(c);
        return;
    }
    c->request.count = 1; /* one answer for all */
    finish(c);
}

static int open_checkpoint(struct creation *c, const struct request *request,
                           struct chaos_error *err)
{
    if (*request->passed < 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "no file came with the request");
    if (c->daemon->creates->files == FILES_MAX)
        return chaos_error_set(err, -EUSERS, CHAOS_EXIT_RESOURCE,
                               "chaosd has %d checkpoints open already, and opens no more",
                               FILES_MAX);
    c->checkpoint = calloc(1, sizeof(*c->checkpoint));
    if (!c->checkpoint)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    c->checkpoint->fd = take_fd(request->passed);
    c->checkpoint->cache = c->daemon->creates->cache;
    c->daemon->creates->files++;
    return 0;
}

/* Nothing of the file is looked at here: it may be on a disk that does not answer. */
static int handle_restore(struct daemon *daemon, const struct request *request,
                          struct chaos_error *err)
{
    struct creation *c = creation_new(daemon, loop_now());
    int rc;

    if (!c)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = open_checkpoint(c, request, err);
    if (rc == 0)
        rc = create_request_read_copies(&c->request, &request->fields, err);
    if (rc < 0) {
        creation_free(c);
        return rc;
    }
    c->checkpoint->path = c->request.path;
    begin(c, request);
    submit(c, read_head, head_read);
    return 0;
}

void creates_start(struct daemon *daemon, struct chaos_config *config, bool paused,
                   create_done *done, void *opaque)
{
    struct creation *c = creation_new(daemon, loop_now());
    struct chaos_error err;

    if (!c) {
        chaos_error_set(&err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
        chaos_config_free(config);
        done(opaque, NULL, &err);
        return;
    }
    create_request_of(&c->request, config);
    c->how.paused = paused;
    c->done = done;
    c->opaque = opaque;
    daemon->creates->unanswered++;
    step(c);
}

bool creates_busy(const struct daemon *daemon)
{
    return daemon->creates->unanswered > 0;
}

static void quiesce(struct daemon *daemon)
{
    daemon->creates->stopping = true;
}

static void aftermath(struct loop_timer *timer)
{
    creates_conclude(container_of(timer, struct creates, aftermath)->daemon);
}

static int init(struct daemon *daemon, struct chaos_error *err)
{
    struct creates *creates = calloc(1, sizeof(*creates));

    if (!creates)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    creates->cache = checkpoint_cache_new((uint64_t)daemon->settings.checkpoint_cache_mib << 20);
    if (!creates->cache) {
        free(creates);
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    }
    creates->daemon = daemon;
    creates->last = &creates->first;
    creates->aftermath.expired = aftermath;
    daemon->creates = creates;
    return 0;
}

static void fini(struct daemon *daemon)
{
    creates_conclude(daemon);
    checkpoint_cache_free(daemon->creates->cache);
    free(daemon->creates);
    daemon->creates = NULL;
}

const struct module creates_module = {
    .name = "creates",
    .init = init,
    .fini = fini,
    .quiesce = quiesce,
    .handlers = {{WIRE_CREATE, handle_create}, {WIRE_RESTORE, handle_restore}},
};
