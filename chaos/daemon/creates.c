// SPDX-License-Identifier: BSD-3-Clause
#include "creates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "create_request.h"
#include "refill.h"
#include "server.h"
#include "stats.h"
#include "wire_parts.h"
#include "worker.h"

#define RECLAIM_MAX    16       /* shells given up for one domain */
#define AFTERMATH_NS   1000000u /* after the answer: who got it runs first, also on one processor */
#define AFTERMATH_MOST 16       /* before that time */

/* One request: one domain, or several in a row. */
struct creation {
    struct creation *next;
    struct daemon *daemon;
    struct create_request request;
    struct reply_to to; /* client NULL: `done` is told instead */
    create_done *done;
    void *opaque;
    uint32_t index;        /* of the domain that is being made, from 0 */
    uint64_t start_ns;     /* ... and since when */
    struct loop_work work; /* the next one */
    struct job job;        /* the cold way */
    struct chaos_create_options how;
    struct chaos_timing timing;
    struct shell *reclaimed[RECLAIM_MAX]; /* to be destroyed first */
    unsigned int nr_reclaimed;
    bool retried, warm;
    struct shell *used; /* what is left of it is let go after the answer */
    int rc;
    struct chaos_domain domain;
    struct chaos_error err;
};

/* Those that were answered, in the order of their answers. */
struct creates {
    struct daemon *daemon;
    struct creation *first, **last;
    unsigned int nr, unanswered;
    bool stopping;
    struct loop_timer aftermath;
};

static void creation_free(struct creation *c)
{
    reply_release(&c->to);
    create_request_free(&c->request);
    free(c);
}

/* ---------------------------------------------------------------- answers */

static void put_timing(struct wire_writer *writer, const struct chaos_timing *timing)
{
    uint64_t last = timing->start_ns;

    for (unsigned int i = 0; i < timing->nr; i++) {
        size_t group = wire_put_group(writer, WIRE_METRIC);

        wire_put_string(writer, WIRE_NAME, timing->step[i].name);
        wire_put_u64(writer, WIRE_VALUE, timing->step[i].end_ns - last);
        wire_end_group(writer, group);
        last = timing->step[i].end_ns;
    }
}

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
            put_timing(&writer, &c->timing);
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

/* A domain was made, or not. */
static void finish(struct creation *c)
{
    struct daemon *daemon = c->daemon;

    if (c->to.client)
        reply(c);
    if (c->rc < 0)
        stats_count(daemon, STATS_FAILED_CREATES);
    else
        stats_time(daemon, c->warm ? STATS_CREATE_WARM : STATS_CREATE_COLD,
                   loop_now() - c->start_ns);
    if (c->done)
        c->done(c->opaque, c->rc < 0 ? NULL : &c->domain, &c->err);
    if (++c->index >= c->request.count) {
        conclude_later(c);
        return;
    }
    conclude(c);
    loop_defer(daemon->loop, &c->work);
}

/* ---------------------------------------------------------------- the cold way */

static void create_cold(struct job *job, struct chaos *chaos)
{
    struct creation *c = container_of(job, struct creation, job);

    while (c->nr_reclaimed > 0)
        shell_destroy(chaos, c->reclaimed[--c->nr_reclaimed]);
    c->rc = chaos_domain_create(chaos, &c->request.config, &c->how, &c->domain, &c->err);
}

/* Shells are no reason to refuse a guest: as many as it takes make room for it. */
static bool reclaim(struct creation *c)
{
    struct pools *pools = refill_pools(c->daemon);
    uint64_t mib = 0;

    while (c->nr_reclaimed < RECLAIM_MAX && mib <= c->request.config.memory_mib) {
        struct shell *shell = pools_reclaim(pools, loop_now());

        if (!shell)
            break;
        mib += shell_flavour(shell)->memory_mib;
        c->reclaimed[c->nr_reclaimed++] = shell;
        stats_count(c->daemon, STATS_RECLAIMED);
    }
    return c->nr_reclaimed > 0;
}

static void created_cold(struct job *job, struct daemon *daemon)
{
    struct creation *c = container_of(job, struct creation, job);

    if (c->rc < 0 && c->err.exit == CHAOS_EXIT_RESOURCE && !c->retried && reclaim(c)) {
        c->retried = true;
        worker_submit(daemon, job, JOB_CLIENT);
        return;
    }
    finish(c);
}

static void go_cold(struct creation *c)
{
    c->warm = false;
    c->retried = false;
    c->job.run = create_cold;
    c->job.done = created_cold;
    worker_submit(c->daemon, &c->job, JOB_CLIENT);
}

/* ---------------------------------------------------------------- the warm way */

/* Executes the best shell that there is. False: there is none, or it was of no use. */
static bool go_warm(struct creation *c)
{
    struct daemon *daemon = c->daemon;
    struct pools *pools = refill_pools(daemon);
    bool intact = false;

    c->used = pools_take(pools, &c->request.config, flavour_misfit, c->start_ns);
    if (!c->used)
        return false;
    c->warm = true;
    c->rc = shell_execute(daemon->chaos, c->used, &c->request.config, &c->how, &c->domain, &intact,
                          &c->err);
    if (!intact)
        return true;
    if (c->rc == -ESTALE || !pools_untake(pools, c->used))
        refill_discard(daemon, c->used);
    c->used = NULL;
    return c->rc != -ESTALE;
}

static void step(struct creation *c)
{
    if (c->daemon->creates->stopping && c->to.client)
        c->rc = chaos_error_set(&c->err, -ESHUTDOWN, CHAOS_EXIT_DAEMON, "chaosd is stopping");
    else
        c->rc = create_request_number(&c->request, c->index, &c->err);
    if (c->rc < 0 || (!(c->request.options & WIRE_OPTION_COLD) && go_warm(c)))
        finish(c);
    else
        go_cold(c);
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

static int handle(struct daemon *daemon, const struct request *request, struct chaos_error *err)
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
    c->how.paused = c->request.options & WIRE_OPTION_PAUSED;
    c->how.timing = c->request.options & WIRE_OPTION_TIMING ? &c->timing : NULL;
    c->to = reply_later(request);
    daemon->creates->unanswered++;
    step(c);
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
    creates->daemon = daemon;
    creates->last = &creates->first;
    creates->aftermath.expired = aftermath;
    daemon->creates = creates;
    return 0;
}

static void fini(struct daemon *daemon)
{
    creates_conclude(daemon);
    free(daemon->creates);
    daemon->creates = NULL;
}

const struct module creates_module = {
    .name = "creates",
    .init = init,
    .fini = fini,
    .quiesce = quiesce,
    .handlers = {{WIRE_CREATE, handle}},
};
