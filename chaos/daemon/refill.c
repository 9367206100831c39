// SPDX-License-Identifier: BSD-3-Clause
#include "refill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "log.h"
#include "server.h"
#include "pools_kept.h"
#include "settings.h"
#include "stats.h"
#include "worker.h"

#define DISCARDED_MAX 64

/* One at a time: what takes its turn is decided when the one before it has ended. */
struct refill {
    struct daemon *daemon;
    struct pools pools;
    struct loop_timer tick, again;
    struct job job; /* under way if `busy`: prepares a shell, or destroys one */
    bool busy, stopping;
    struct pool *pool; /* that the shell is for; NULL: it is to be destroyed */
    struct flavour flavour;
    struct shell *shell;
    struct chaos_error err;
    uint64_t took_ns;
    struct shell *discarded[DISCARDED_MAX];
    unsigned int nr_discarded;
};

static void prepare(struct job *job, struct chaos *chaos)
{
    struct refill *r = container_of(job, struct refill, job);
    uint64_t start = loop_now();

    r->shell = NULL;
    shell_prepare(chaos, &r->flavour, NULL, &r->shell, &r->err);
    r->took_ns = loop_now() - start;
}

static void destroy(struct job *job, struct chaos *chaos)
{
    struct refill *r = container_of(job, struct refill, job);

    shell_destroy(chaos, r->shell);
}

static void destroyed(struct job *job, struct daemon *daemon)
{
    container_of(job, struct refill, job)->busy = false;
    refill_poke(daemon);
}

static void submit(struct refill *r, void (*run)(struct job *, struct chaos *),
                   void (*done)(struct job *, struct daemon *))
{
    r->busy = true;
    r->job.run = run;
    r->job.done = done;
    worker_submit(r->daemon, &r->job, JOB_BACKGROUND);
}

static void report(const struct refill *r)
{
    const bool failed = !r->shell, known = r->pool->why[0] != '\0';
    const struct event_about pool = {.name = r->pool->name};

    if (failed && !known) {
        log_error("pool \"%s\": cannot prepare a shell: %s", r->pool->name, r->err.text);
        events_tell(r->daemon, EVENT_POOL_DEGRADED, &pool, "%s", r->err.text);
    } else if (!failed && known) {
        log_info("pool \"%s\": shells can be prepared again", r->pool->name);
        events_tell(r->daemon, EVENT_POOL_RECOVERED, &pool, "%s", "");
    }
}

static void prepared(struct job *job, struct daemon *daemon)
{
    struct refill *r = container_of(job, struct refill, job);

    r->busy = false;
    report(r);
    if (r->shell)
        stats_time(daemon, STATS_PREPARE, r->took_ns);
    if (!pools_refilled(&r->pools, r->pool, r->shell, &r->err, loop_now()) && r->shell)
        submit(r, destroy, destroyed);
    else
        refill_poke(daemon);
}

void refill_poke(struct daemon *daemon)
{
    struct refill *r = daemon->refill;
    uint64_t now, when;

    if (r->busy || r->stopping)
        return;
    r->shell = r->nr_discarded > 0 ? r->discarded[--r->nr_discarded] : pools_surplus(&r->pools);
    if (r->shell) {
        submit(r, destroy, destroyed);
        return;
    }
    now = loop_now();
    r->pool = pools_next_refill(&r->pools, now, &when);
    if (r->pool) {
        r->flavour = r->pool->flavour;
        submit(r, prepare, prepared);
    } else if (when != UINT64_MAX) {
        loop_timer_start(daemon->loop, &r->again, when - now);
    }
}

struct pools *refill_pools(struct daemon *daemon)
{
    return &daemon->refill->pools;
}

void refill_discard(struct daemon *daemon, struct shell *shell)
{
    struct refill *r = daemon->refill;

    if (r->nr_discarded < DISCARDED_MAX)
        r->discarded[r->nr_discarded++] = shell;
    else
        shell_destroy(daemon->chaos, shell);
    refill_poke(daemon);
}

unsigned int refill_reclaim(struct daemon *daemon, uint64_t mib, struct shell *out[REFILL_RECLAIM])
{
    uint64_t reclaimed = 0;
    unsigned int nr = 0;

    while (nr < REFILL_RECLAIM && reclaimed <= mib) {
        struct shell *shell = pools_reclaim(&daemon->refill->pools, loop_now());

        if (!shell)
            break;
        reclaimed += shell_flavour(shell)->memory_mib;
        out[nr++] = shell;
        stats_count(daemon, STATS_RECLAIMED);
    }
    return nr;
}

static void again(struct loop_timer *timer)
{
    refill_poke(container_of(timer, struct refill, again)->daemon);
}

static void tick(struct loop_timer *timer)
{
    struct refill *r = container_of(timer, struct refill, tick);

    pools_tick(&r->pools);
    loop_timer_start(r->daemon->loop, timer, POOLS_TICK_NS);
    refill_poke(r->daemon);
}

/* ---------------------------------------------------------------- requests */

static int no_such_pool(const char *name, struct chaos_error *err)
{
    return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND, "there is no pool \"%s\"", name);
}

static void put_pool(struct wire_writer *writer, const struct pool *pool)
{
    const struct flavour *flavour = &pool->flavour;
    size_t group = wire_put_group(writer, WIRE_POOL);

    wire_put_string(writer, WIRE_NAME, pool->name);
    wire_put_u32(writer, WIRE_MEMORY_MIB, flavour->memory_mib);
    wire_put_u32(writer, WIRE_VCPUS, flavour->vcpus);
    wire_put_u32(writer, WIRE_BUS, flavour->bus);
    for (uint32_t i = 0; i < flavour->nr_vifs; i++)
        wire_put_string(writer, WIRE_BRIDGE, flavour->bridge[i]);
    if (flavour->kernel[0])
        wire_put_string(writer, WIRE_KERNEL, flavour->kernel);
    if (flavour->ramdisk[0])
        wire_put_string(writer, WIRE_RAMDISK, flavour->ramdisk);
    wire_put_u32(writer, WIRE_LOW, pool->low);
    wire_put_u32(writer, WIRE_HIGH, pool->high);
    wire_put_u32(writer, WIRE_TARGET, pool->target);
    wire_put_u32(writer, WIRE_LEVEL, pool->level);
    wire_put_u32(writer, WIRE_ADAPTIVE, pool->adaptive);
    wire_put_u64(writer, WIRE_HITS, pool->counts.hits);
    wire_put_u64(writer, WIRE_MISSES, pool->counts.misses);
    wire_put_u64(writer, WIRE_REFILLS, pool->counts.refills);
    wire_put_u64(writer, WIRE_FAILURES, pool->counts.failures);
    if (pool->why[0])
        wire_put_string(writer, WIRE_DEGRADED, pool->why);
    wire_end_group(writer, group);
}

/* At most POOLS_MAX and POOLS_ADAPTIVE of them: all fit in one message. */
static int list(struct daemon *daemon, const struct request *request, struct chaos_error *err)
{
    struct wire_writer writer;

    (void)err;
    request_reply(request, 0, &writer);
    for (const struct pool *p = daemon->refill->pools.first; p; p = p->next)
        if (!p->removed)
            put_pool(&writer, p);
    request_send(request, &writer);
    return 0;
}

static int read_pool(const struct wire_reader *fields, struct pool_settings *out,
                     struct chaos_error *err)
{
    struct wire_reader reader = *fields;
    struct flavour *flavour = &out->flavour;
    struct wire_field field;

    snprintf(out->name, sizeof(out->name), "%s", wire_find_string(fields, WIRE_NAME, ""));
    flavour->memory_mib = (uint32_t)wire_find_number(fields, WIRE_MEMORY_MIB, 0);
    flavour->vcpus = (uint32_t)wire_find_number(fields, WIRE_VCPUS, 1);
    flavour->bus = wire_find_number(fields, WIRE_BUS, 0) ? CHAOS_BUS_XENSTORE : CHAOS_BUS_NOXS;
    snprintf(flavour->kernel, sizeof(flavour->kernel), "%s",
             wire_find_string(fields, WIRE_KERNEL, ""));
    snprintf(flavour->ramdisk, sizeof(flavour->ramdisk), "%s",
             wire_find_string(fields, WIRE_RAMDISK, ""));
    while (wire_next(&reader, &field)) {
        if (field.tag != WIRE_BRIDGE || field.kind != WIRE_STRING)
            continue;
        if (flavour->nr_vifs == CHAOS_VIFS_MAX || field.length > sizeof(flavour->bridge[0]))
            return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                                   "pool \"%s\": more than %d vifs, or the name of a bridge is "
                                   "longer than 15 bytes",
                                   out->name, CHAOS_VIFS_MAX);
        memcpy(flavour->bridge[flavour->nr_vifs++], field.value, field.length);
    }
    out->low = (uint32_t)wire_find_number(fields, WIRE_LOW, 0);
    out->high = (uint32_t)wire_find_number(fields, WIRE_HIGH, out->low);
    return pool_name_check(out->name, err);
}

static int set(struct daemon *daemon, const struct request *request, struct chaos_error *err)
{
    struct pool_settings settings = {.low = 0};
    struct wire_writer writer;
    struct pool *pool;
    int rc = read_pool(&request->fields, &settings, err);

    if (rc < 0)
        return rc;
    /* Without a flavour it is about a pool that there is. */
    pool = pools_find(&daemon->refill->pools, settings.name);
    if (settings.flavour.memory_mib == 0 && pool)
        settings.flavour = pool->flavour;
    else if (settings.flavour.memory_mib == 0)
        return no_such_pool(settings.name, err);
    rc = pool_settings_check(&settings, err);
    if (rc == 0)
        rc = pools_set(&daemon->refill->pools, &settings, err);
    if (rc < 0)
        return rc;
    pools_kept_write(&daemon->refill->pools, daemon->run_dir);
    refill_poke(daemon);
    request_reply(request, 0, &writer);
    request_send(request, &writer);
    return 0;
}

/* All shells go; a pool that is not named is every pool. */
static int drain(struct daemon *daemon, const struct request *request, struct chaos_error *err)
{
    const char *name = wire_find_string(&request->fields, WIRE_NAME, NULL);
    struct pools *pools = &daemon->refill->pools;
    struct wire_writer writer;
    struct pool *next;

    if (name && !pools_find(pools, name))
        return no_such_pool(name, err);
    for (struct pool *p = pools->first; p; p = next) {
        next = p->next;
        if (!p->removed && (!name || strcmp(p->name, name) == 0))
            pools_close(pools, p);
    }
    pools_kept_write(pools, daemon->run_dir);
    refill_poke(daemon);
    request_reply(request, 0, &writer);
    request_send(request, &writer);
    return 0;
}

static void status(struct daemon *daemon, struct wire_writer *writer)
{
    const char *why = pools_degraded(&daemon->refill->pools);

    if (why)
        wire_put_string(writer, WIRE_DEGRADED, why);
}

/* ---------------------------------------------------------------- module */

struct adoption {
    struct daemon *daemon;
    unsigned int kept, destroyed;
};

static void adopt(void *opaque, struct shell *shell)
{
    struct adoption *a = opaque;

    if (pools_adopt(&a->daemon->refill->pools, shell)) {
        a->kept++;
        return;
    }
    shell_destroy(a->daemon->chaos, shell);
    a->destroyed++;
}

static int init(struct daemon *daemon, struct chaos_error *err)
{
    struct refill *r = calloc(1, sizeof(*r));
    struct adoption adoption = {.daemon = daemon};
    int rc;

    if (!r)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    r->daemon = daemon;
    r->tick.expired = tick;
    r->again.expired = again;
    rc = pools_init(&r->pools, &daemon->settings, err);
    if (rc < 0) {
        free(r);
        return rc;
    }
    daemon->refill = r;
    pools_kept_load(&r->pools, daemon->run_dir);
    if (shell_adopt(daemon->chaos, adopt, &adoption, err) < 0)
        log_error("cannot take over the shells of an earlier chaosd: %s", err->text);
    else if (adoption.kept || adoption.destroyed)
        log_info("took over %u shells, destroyed %u", adoption.kept, adoption.destroyed);
    loop_timer_start(daemon->loop, &r->tick, POOLS_TICK_NS);
    refill_poke(daemon);
    return 0;
}

/* Shells that are left are the next chaosd's, which finds them by their marks. */
static void fini(struct daemon *daemon)
{
    void (*const let_go)(struct chaos *, struct shell *) =
        daemon->settings.drain_on_stop ? shell_destroy : shell_finish;
    struct refill *r = daemon->refill;

    loop_timer_stop(daemon->loop, &r->tick);
    loop_timer_stop(daemon->loop, &r->again);
    for (struct pool *p = r->pools.first; p; p = p->next)
        while (p->level > 0)
            let_go(daemon->chaos, p->shells[--p->level]);
    while (r->nr_discarded > 0)
        shell_destroy(daemon->chaos, r->discarded[--r->nr_discarded]);
    pools_free(&r->pools);
    free(r);
    daemon->refill = NULL;
}

static void quiesce(struct daemon *daemon)
{
    daemon->refill->stopping = true;
}

const struct module refill_module = {
    .name = "pools",
    .init = init,
    .fini = fini,
    .quiesce = quiesce,
    .status = status,
    .handlers = {{WIRE_POOL_LIST, list}, {WIRE_POOL_SET, set}, {WIRE_POOL_DRAIN, drain}},
};
