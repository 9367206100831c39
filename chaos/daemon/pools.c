// SPDX-License-Identifier: BSD-3-Clause
#include "pools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S    1000000000u
#define KIB_PER_MIB 1024

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* ---------------------------------------------------------------- pools */

static struct pool *add_pool(struct pools *pools, const struct pool_settings *settings)
{
    struct pool *pool = calloc(1, sizeof(*pool)), **link = &pools->first;

    if (!pool)
        return NULL;
    memcpy(pool->name, settings->name, sizeof(pool->name));
    pool->flavour = settings->flavour;
    pool->low = pool->target = settings->low;
    pool->high = settings->high;
    while (*link)
        link = &(*link)->next;
    *link = pool;
    return pool;
}

static void add_counts(struct pool_counts *sum, const struct pool_counts *more)
{
    sum->hits += more->hits;
    sum->misses += more->misses;
    sum->refills += more->refills;
    sum->failures += more->failures;
}

static void remove_pool(struct pools *pools, struct pool *pool)
{
    struct pool **link = &pools->first;

    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
    pools->nr_adaptive -= pool->adaptive;
    add_counts(&pools->former, &pool->counts);
    free(pool->shells);
    free(pool);
}

int pools_init(struct pools *pools, const struct settings *settings, struct chaos_error *err)
{
    *pools = (struct pools){
        .adaptive = settings->adaptive,
        .adaptive_high = settings->adaptive_high,
        .refill_rate = settings->refill_rate,
    };
    for (size_t i = 0; i < settings->nr_pools; i++) {
        struct pool *pool = add_pool(pools, &settings->pools[i]);

        if (!pool) {
            pools_free(pools);
            return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
        }
        pool->configured = true;
    }
    return 0;
}

void pools_free(struct pools *pools)
{
    while (pools->first)
        remove_pool(pools, pools->first);
}

struct pool *pools_find(struct pools *pools, const char *name)
{
    for (struct pool *p = pools->first; p; p = p->next)
        if (!p->removed && strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static struct pool *find_flavour(struct pools *pools, const struct flavour *flavour)
{
    for (struct pool *p = pools->first; p; p = p->next)
        if (!p->removed && flavour_equal(&p->flavour, flavour))
            return p;
    return NULL;
}

static unsigned int nr_named(const struct pools *pools)
{
    unsigned int nr = 0;

    for (const struct pool *p = pools->first; p; p = p->next)
        nr += !p->adaptive && !p->removed;
    return nr;
}

int pools_set(struct pools *pools, const struct pool_settings *settings, struct chaos_error *err)
{
    struct pool *pool = pools_find(pools, settings->name);

    if (pool && !flavour_equal(&pool->flavour, &settings->flavour))
        return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS,
                               "pool \"%s\" is of another flavour: drain it first, or name another",
                               settings->name);
    if (!pool && nr_named(pools) >= POOLS_MAX)
        return chaos_error_set(err, -ENOSPC, CHAOS_EXIT_RESOURCE,
                               "pool \"%s\": there are %d already", settings->name, POOLS_MAX);
    if (!pool) {
        pool = add_pool(pools, settings);
        if (!pool)
            return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    }
    if (pool->adaptive)
        pools->nr_adaptive--;
    pool->adaptive = false;
    pool->set = true;
    pool->low = settings->low;
    pool->high = settings->high;
    pool->target = least(most(pool->target, pool->low), pool->high);
    pool->retry_at = pool->retry_ns = 0;
    return 0;
}

void pools_close(struct pools *pools, struct pool *pool)
{
    pool->low = pool->high = pool->target = 0;
    if (pool->configured)
        return;
    pool->removed = true;
    if (pool->level == 0 && pool->preparing == 0)
        remove_pool(pools, pool);
}

/* ---------------------------------------------------------------- demand */

/* Makes room for one more adaptive pool: the one that was quiet longest and has nothing goes. */
static bool forget_one(struct pools *pools)
{
    struct pool *found = NULL;

    for (struct pool *p = pools->first; p; p = p->next)
        if (p->adaptive && p->level == 0 && p->preparing == 0 && p->asked == 0 &&
            (!found || p->quiet > found->quiet))
            found = p;
    if (found)
        remove_pool(pools, found);
    return found != NULL;
}

static struct pool *add_adaptive(struct pools *pools, const struct flavour *flavour)
{
    struct pool_settings settings = {.flavour = *flavour, .high = pools->adaptive_high};
    struct pool *pool;

    if (!pools->adaptive || (pools->nr_adaptive >= POOLS_ADAPTIVE && !forget_one(pools)))
        return NULL;
    do {
        snprintf(settings.name, sizeof(settings.name), "auto-%u", ++pools->named);
    } while (pools_find(pools, settings.name));
    pool = add_pool(pools, &settings);
    if (!pool)
        return NULL;
    pool->adaptive = true;
    pools->nr_adaptive++;
    return pool;
}

static void demand(struct pool *pool)
{
    pool->asked++;
    if (pool->asked > pool->target)
        pool->target = least(pool->asked, pool->high);
}

/* The pool whose target a request counts for. A flavour that was asked for once may never be
 * again: its shells are prepared from the second request on. */
static struct pool *note_demand(struct pools *pools, const struct flavour *wanted)
{
    struct pool *pool = find_flavour(pools, wanted);

    if (!pool) {
        pool = add_adaptive(pools, wanted);
        if (pool)
            pool->asked = 1;
        return pool;
    }
    demand(pool);
    return pool;
}

static struct pool *best_fit(struct pools *pools, const struct chaos_config *config,
                             pools_misfit *misfit_of)
{
    /* 1 is for an image that is still to be loaded */
    const int64_t limit = (int64_t)config->memory_mib * KIB_PER_MIB + 1;
    struct pool *best = NULL;
    int64_t least_misfit = limit + 1;

    for (struct pool *p = pools->first; p; p = p->next) {
        int64_t misfit = -1;

        if (p->level > 0 && !p->removed)
            misfit = misfit_of(&p->flavour, config);
        if (misfit >= 0 && misfit < least_misfit) {
            least_misfit = misfit;
            best = p;
        }
    }
    return best;
}

struct shell *pools_take(struct pools *pools, const struct chaos_config *config,
                         pools_misfit *misfit, uint64_t now)
{
    struct pool *pool = best_fit(pools, config, misfit);

    pools->calm_at = now + POOLS_CALM_NS;
    if (!pool)
        return NULL;
    pool->counts.hits++;
    return pool->shells[--pool->level];
}

void pools_served(struct pools *pools, const struct flavour *wanted, const struct flavour *used)
{
    struct pool *asked = wanted ? note_demand(pools, wanted) : NULL;
    struct pool *pool = used ? find_flavour(pools, used) : NULL;

    if (!used && asked)
        asked->counts.misses++;
    /* A warm image's pool is no request's flavour: its demand shows in what is taken from it. */
    if (pool && pool != asked)
        demand(pool);
}

static int put(struct pool *pool, struct shell *shell)
{
    if (pool->level == pool->room) {
        uint32_t room = pool->room ? pool->room * 2 : 16;
        struct shell **grown = realloc(pool->shells, room * sizeof(struct shell *));

        if (!grown)
            return -ENOMEM;
        pool->shells = grown;
        pool->room = room;
    }
    pool->shells[pool->level++] = shell;
    return 0;
}

bool pools_untake(struct pools *pools, struct shell *shell)
{
    struct pool *pool = find_flavour(pools, shell_flavour(shell));

    if (!pool || put(pool, shell) < 0)
        return false;
    pool->counts.hits--;
    return true;
}

bool pools_adopt(struct pools *pools, struct shell *shell)
{
    const struct flavour *flavour = shell_flavour(shell);
    struct pool *pool = find_flavour(pools, flavour);

    if (!pool)
        pool = flavour->kernel[0] ? NULL : add_adaptive(pools, flavour);
    if (!pool || pool->level >= pool->high || put(pool, shell) < 0)
        return false;
    pool->target = most(pool->target, pool->level);
    return true;
}

/* ---------------------------------------------------------------- refills */

/* 0: wants none; otherwise the more, the more urgent: below the low mark first, then by share. */
static uint32_t urgency(const struct pool *pool)
{
    const uint32_t there = pool->level + pool->preparing, share = 1000;

    if (pool->removed || there >= pool->target)
        return 0;
    return (there < pool->low ? 2 * share : share) - there * share / pool->target;
}

struct pool *pools_next_refill(struct pools *pools, uint64_t now, uint64_t *when)
{
    struct pool *best = NULL;
    const uint64_t earliest = later(pools->next_refill_at, pools->yield_until);

    *when = UINT64_MAX;
    for (struct pool *p = pools->first; p; p = p->next) {
        uint64_t at = later(p->retry_at, earliest);

        if (urgency(p) == 0)
            continue;
        if (p->level * 2 >= p->target)
            at = later(at, pools->calm_at);
        if (at > now)
            *when = at < *when ? at : *when;
        else if (!best || urgency(p) > urgency(best))
            best = p;
    }
    if (!best)
        return NULL;
    best->preparing++;
    pools->next_refill_at = now + NS_PER_S / pools->refill_rate;
    return best;
}

static void refill_failed(struct pool *pool, const struct chaos_error *err, uint64_t now)
{
    pool->counts.failures++;
    pool->retry_ns = pool->retry_ns ? pool->retry_ns * 2 : POOLS_RETRY_NS;
    if (pool->retry_ns > POOLS_RETRY_MAX)
        pool->retry_ns = POOLS_RETRY_MAX;
    pool->retry_at = now + pool->retry_ns;
    snprintf(pool->why, sizeof(pool->why), "%.*s", (int)sizeof(pool->why) - 1, err->text);
}

bool pools_refilled(struct pools *pools, struct pool *pool, struct shell *shell,
                    const struct chaos_error *err, uint64_t now)
{
    pool->preparing--;
    if (!shell)
        refill_failed(pool, err, now);
    if (shell && !pool->removed && put(pool, shell) == 0) {
        pool->counts.refills++;
        pool->retry_ns = pool->retry_at = 0;
        pool->why[0] = '\0';
        return true;
    }
    if (pool->removed && pool->level == 0 && pool->preparing == 0)
        remove_pool(pools, pool);
    return false;
}

struct shell *pools_surplus(struct pools *pools)
{
    for (struct pool *p = pools->first; p; p = p->next) {
        struct shell *shell;

        if (p->level == 0 || (!p->removed && p->level <= p->target))
            continue;
        shell = p->shells[--p->level];
        if (p->removed && p->level == 0 && p->preparing == 0)
            remove_pool(pools, p);
        return shell;
    }
    return NULL;
}

struct shell *pools_reclaim(struct pools *pools, uint64_t now)
{
    struct pool *largest = NULL;

    for (struct pool *p = pools->first; p; p = p->next)
        if (p->level > 0 && (!largest || p->flavour.memory_mib > largest->flavour.memory_mib))
            largest = p;
    if (!largest)
        return NULL;
    pools->yield_until = now + POOLS_YIELD_NS;
    return largest->shells[--largest->level];
}

/* ---------------------------------------------------------------- time */

static void tick(struct pool *pool)
{
    if (pool->asked > 0 && pool->asked * 2 >= pool->target)
        pool->quiet = 0;
    else if (++pool->quiet >= POOLS_HISTORY && pool->target > pool->low)
        pool->target -= (pool->target - pool->low + 3) / 4;
    pool->asked = 0;
}

void pools_tick(struct pools *pools)
{
    struct pool *next;

    for (struct pool *p = pools->first; p; p = next) {
        next = p->next;
        tick(p);
        if (p->adaptive && p->target == 0 && p->level == 0 && p->preparing == 0 &&
            p->quiet >= POOLS_HISTORY)
            remove_pool(pools, p);
    }
}

struct pool_counts pools_counts(const struct pools *pools)
{
    struct pool_counts sum = pools->former;

    for (const struct pool *p = pools->first; p; p = p->next)
        add_counts(&sum, &p->counts);
    return sum;
}

const char *pools_degraded(const struct pools *pools)
{
    for (const struct pool *p = pools->first; p; p = p->next)
        if (p->why[0] && !p->removed && p->level + p->preparing < p->target)
            return p->why;
    return NULL;
}
