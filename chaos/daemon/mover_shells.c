// SPDX-License-Identifier: BSD-3-Clause
#include "mover_shells.h"

#include "refill.h"

struct taking {
    const struct chaos_config *config;
    struct shell *shell;
};

static void take_on_loop(void *opaque, struct daemon *daemon)
{
    struct taking *taking = opaque;

    taking->shell =
        pools_take(refill_pools(daemon), taking->config, flavour_misfit_restored, loop_now());
}

static struct shell *take(void *opaque, const struct chaos_config *config)
{
    struct mover_shells *shells = opaque;
    struct taking taking = {.config = config};

    mover_send(shells->mover, take_on_loop, &taking);
    shells->any_wanted = flavour_of(config, &shells->wanted);
    shells->any_used = taking.shell != NULL;
    if (taking.shell)
        shells->used = *shell_flavour(taking.shell);
    return taking.shell;
}

static void untake_on_loop(void *opaque, struct daemon *daemon)
{
    struct shell *shell = opaque;

    if (!pools_untake(refill_pools(daemon), shell))
        refill_discard(daemon, shell);
}

static void give_back(void *opaque, struct shell *shell)
{
    mover_send(((const struct mover_shells *)opaque)->mover, untake_on_loop, shell);
}

struct reclaiming {
    uint64_t mib;
    unsigned int nr;
    struct shell *shells[REFILL_RECLAIM];
};

static void reclaim_on_loop(void *opaque, struct daemon *daemon)
{
    struct reclaiming *reclaiming = opaque;

    reclaiming->nr = refill_reclaim(daemon, reclaiming->mib, reclaiming->shells);
}

static bool make_room(void *opaque, const struct chaos_config *config)
{
    const struct mover_shells *shells = opaque;
    struct reclaiming reclaiming = {.mib = config->memory_mib};

    mover_send(shells->mover, reclaim_on_loop, &reclaiming);
    for (unsigned int i = 0; i < reclaiming.nr; i++)
        shell_destroy(shells->chaos, reclaiming.shells[i]);
    return reclaiming.nr > 0;
}

void mover_shells_served(const struct mover_shells *shells, struct daemon *daemon)
{
    if (shells->any_wanted)
        pools_served(refill_pools(daemon), &shells->wanted,
                     shells->any_used ? &shells->used : NULL);
}

void mover_shells_use(struct mover_shells *shells, struct guest_target *target)
{
    const struct guest_target_shells ops = {
        .take = take, .give_back = give_back, .make_room = make_room, .opaque = shells};

    guest_target_use_shells(target, &ops);
}
