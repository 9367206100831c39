// SPDX-License-Identifier: BSD-3-Clause
#include "domains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "creates.h"
#include "server.h"
#include "stats.h"
#include "wire_parts.h"
#include "worker.h"

/* ---------------------------------------------------------------- destroy */

struct destruction {
    struct job job;
    struct reply_to to;
    uint64_t start_ns;
    char which[CHAOS_NAME_MAX + 6]; /* "name:" and the longest name */
    bool force;
    int rc;
    struct chaos_domain domain;
    struct chaos_error err;
};

static void destroy(struct job *job, struct chaos *chaos)
{
    struct destruction *d = container_of(job, struct destruction, job);

    d->rc = chaos_domain_find(chaos, d->which, &d->domain, &d->err);
    if (d->rc == 0)
        d->rc = chaos_domain_destroy(chaos, &d->domain, d->force, &d->err);
}

static void destroyed(struct job *job, struct daemon *daemon)
{
    struct destruction *d = container_of(job, struct destruction, job);
    struct wire_writer writer;

    if (d->rc < 0) {
        stats_count(daemon, STATS_FAILED_DESTROYS);
        reply_error(&d->to, &d->err);
    } else {
        reply_begin(&d->to, 0, &writer);
        wire_put_domain(&writer, &d->domain);
        reply_send(&d->to, &writer);
        stats_time(daemon, STATS_DESTROY, loop_now() - d->start_ns);
        daemon_destroyed(daemon, &d->domain);
    }
    reply_release(&d->to);
    free(d);
}

static int handle_destroy(struct daemon *daemon, const struct request *request,
                          struct chaos_error *err)
{
    const char *which = wire_find_string(&request->fields, WIRE_WHICH, "");
    struct destruction *d;

    if (strlen(which) >= sizeof(d->which))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "\"%s\" is neither the name nor the id of a domain", which);
    d = calloc(1, sizeof(*d));
    if (!d)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    strcpy(d->which, which);
    d->force = wire_find_number(&request->fields, WIRE_OPTIONS, 0) & WIRE_OPTION_FORCE;
    d->start_ns = loop_now();
    d->to = reply_later(request);
    d->job.run = destroy;
    d->job.done = destroyed;
    creates_conclude(daemon);
    worker_submit(daemon, &d->job, JOB_CLIENT);
    return 0;
}

/* ---------------------------------------------------------------- list */

struct listing {
    struct job job;
    struct reply_to to;
    struct chaos_domain *list;
    size_t nr;
    int rc;
    struct chaos_error err;
};

static void list(struct job *job, struct chaos *chaos)
{
    struct listing *l = container_of(job, struct listing, job);

    l->rc = chaos_domain_list(chaos, &l->list, &l->nr, &l->err);
}

/* In as many messages as it takes. */
static void listed(struct job *job, struct daemon *daemon)
{
    struct listing *l = container_of(job, struct listing, job);
    struct wire_writer writer;

    (void)daemon;
    if (l->rc < 0)
        reply_error(&l->to, &l->err);
    else
        reply_begin(&l->to, WIRE_MORE, &writer);
    for (size_t i = 0; i < l->nr; i++) {
        size_t mark = writer.used;

        wire_put_domain(&writer, &l->list[i]);
        if (!writer.overflow)
            continue;
        wire_rewind(&writer, mark);
        reply_send(&l->to, &writer);
        reply_begin(&l->to, WIRE_MORE, &writer);
        i--;
    }
    if (l->rc == 0) {
        reply_send(&l->to, &writer);
        reply_begin(&l->to, 0, &writer);
        reply_send(&l->to, &writer);
    }
    reply_release(&l->to);
    free(l->list);
    free(l);
}

static int handle_list(struct daemon *daemon, const struct request *request,
                       struct chaos_error *err)
{
    struct listing *l = calloc(1, sizeof(*l));

    if (!l)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    l->to = reply_later(request);
    l->job.run = list;
    l->job.done = listed;
    creates_conclude(daemon);
    worker_submit(daemon, &l->job, JOB_CLIENT);
    return 0;
}

const struct module domains_module = {
    .name = "domains",
    .handlers = {{WIRE_DESTROY, handle_destroy}, {WIRE_LIST, handle_list}},
};
