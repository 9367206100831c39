/* SPDX-License-Identifier: BSD-3-Clause */
/* The pools' shells for a guest that comes: the loop is asked for each, while the mover waits. */
#ifndef CHAOSD_MOVER_SHELLS_H
#define CHAOSD_MOVER_SHELLS_H

#include "guest_move.h"
#include "movers.h"

/* As long as the target is open. */
struct mover_shells {
    struct mover *mover;
    struct chaos *chaos; /* the mover's handle */
    /* What was wanted, and what was used of the pools. */
    bool any_wanted, any_used;
    struct flavour wanted, used;
};

/* To be called, and then used, from the mover's `run`. */
void mover_shells_use(struct mover_shells *shells, struct guest_target *target);
/* The guest that came runs. From the loop, when the mover is done. */
void mover_shells_served(const struct mover_shells *shells, struct daemon *daemon);

#endif
