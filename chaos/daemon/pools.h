/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which shells there are, and which there should be. Only decisions: whoever asks prepares,
 * executes and destroys them (refill.c, creates.c). Times are loop_now's.
 *
 * A pool always wants `low` shells, and up to `high` if they are asked for: its target follows the
 * greatest number of requests of one second that were served, and goes back slowly. What is asked
 * for and has no pool gets an adaptive one, with low = 0, which goes when nobody asks any more.
 */
#ifndef CHAOSD_POOLS_H
#define CHAOSD_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"
#include "shell.h"

#define POOLS_TICK_NS   1000000000u /* how often pools_tick is to be called */
#define POOLS_ADAPTIVE  16          /* adaptive pools at once */
#define POOLS_HISTORY   10          /* ticks that demand is remembered for */
#define POOLS_RETRY_NS  100000000u  /* after a first failed refill; doubles */
#define POOLS_RETRY_MAX 30000000000u
#define POOLS_CALM_NS   2000000u    /* after a request, while there are shells enough */
#define POOLS_YIELD_NS  5000000000u /* without refills, after shells had to make room */

struct pool_counts {
    uint64_t hits, misses, refills, failures;
};

struct pool {
    struct pool *next;
    char name[POOL_NAME_MAX + 1];
    struct flavour flavour;
    uint32_t low, high, target;
    bool adaptive;
    bool configured;       /* in chaosd.conf */
    bool set;              /* it is as a client asked, not as chaosd.conf says */
    bool removed;          /* goes when its last refill has come back */
    struct shell **shells; /* the last one is handed out first */
    uint32_t level, room;
    uint32_t preparing; /* refills under way */
    uint32_t asked;     /* in this tick */
    uint32_t quiet;     /* ticks with less than half the target asked for */
    struct pool_counts counts;
    uint64_t retry_ns, retry_at; /* refills failed: how long to wait, until when */
    char why[256];               /* ... and why; "": they do not */
};

struct pools {
    struct pool *first;
    bool adaptive;
    uint32_t adaptive_high, refill_rate;
    uint32_t nr_adaptive, named; /* adaptive pools, and names used up for them */
    uint64_t next_refill_at, yield_until, calm_at;
    struct pool_counts former; /* of pools that went */
};

/* -ENOMEM */
int pools_init(struct pools *pools, const struct settings *settings, struct chaos_error *err);
/* The shells must have been taken out. */
void pools_free(struct pools *pools);

struct pool *pools_find(struct pools *pools, const char *name);
/* Makes a pool, if there are fewer than POOLS_MAX, or changes the marks of one with the same
 * flavour. */
int pools_set(struct pools *pools, const struct pool_settings *settings, struct chaos_error *err);
/* No more shells for it; it goes, but one of chaosd.conf stays with both marks 0. */
void pools_close(struct pools *pools, struct pool *pool);

/* How well a shell of this flavour serves a request; -1: not at all. */
typedef int64_t pools_misfit(const struct flavour *flavour, const struct chaos_config *config);
/*
 * A shell for the request: the one that wastes least, at most as much memory again as was asked
 * for. NULL: none fits.
 */
struct shell *pools_take(struct pools *pools, const struct chaos_config *config,
                         pools_misfit *misfit, uint64_t now);
/*
 * There is a guest as it was asked for. wanted: its flavour, NULL: it has none; used: that of the
 * shell it was made in, NULL: none. Its demand is noted only now: for what this host cannot make,
 * no shells are wanted.
 */
void pools_served(struct pools *pools, const struct flavour *wanted, const struct flavour *used);
/* The request did not use it after all. False: its pool is no more, and the shell the caller's. */
bool pools_untake(struct pools *pools, struct shell *shell);
/* A shell of a former chaosd. False: there is no place for it. */
bool pools_adopt(struct pools *pools, struct shell *shell);

/*
 * The pool that needs a shell most; the caller prepares one and calls pools_refilled. NULL: none
 * does before *when (UINT64_MAX: until something happens). Pools that are half full wait until
 * whoever was just answered has had time to go on: dom0 may have one processor.
 */
struct pool *pools_next_refill(struct pools *pools, uint64_t now, uint64_t *when);
/* shell NULL: it failed. False: the shell is not wanted any more, and still the caller's. */
bool pools_refilled(struct pools *pools, struct pool *pool, struct shell *shell,
                    const struct chaos_error *err, uint64_t now);

/* A shell more than is wanted, to be destroyed; NULL: there is none. */
struct shell *pools_surplus(struct pools *pools);
/* A shell to be destroyed because a request has no memory: of the largest. NULL: there is none. */
struct shell *pools_reclaim(struct pools *pools, uint64_t now);

/* Every POOLS_TICK_NS. */
void pools_tick(struct pools *pools);

/* Of all pools there are and were. */
struct pool_counts pools_counts(const struct pools *pools);

/* Why refills fail; NULL: they do not. */
const char *pools_degraded(const struct pools *pools);

#endif
