/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of pages that are not used, in order, and as short as it can be. */
#include "kernel/unused.h"

static void insert(struct noxs_unused *out, uint32_t at, struct noxs_unused_range range)
{
    if (out->nr == NOXS_UNUSED_RANGES)
        return;
    for (uint32_t i = out->nr++; i > at; i--)
        out->range[i] = out->range[i - 1];
    out->range[at] = range;
}

static void remove(struct noxs_unused *out, uint32_t at)
{
    out->nr--;
    for (; at < out->nr; at++)
        out->range[at] = out->range[at + 1];
}

void unused_add(struct noxs_unused *out, uint32_t first, uint32_t nr)
{
    struct noxs_unused_range *next = out->range;
    uint32_t at = 0;

    while (at < out->nr && next->first < first) {
        at++;
        next++;
    }
    if (!nr)
        return;
    if (at == 0 || next[-1].first + next[-1].nr != first) {
        if (at < out->nr && first + nr == next->first)
            *next = (struct noxs_unused_range){first, nr + next->nr};
        else
            insert(out, at, (struct noxs_unused_range){first, nr});
        return;
    }
    next[-1].nr += nr;
    if (at < out->nr && first + nr == next->first) {
        next[-1].nr += next->nr;
        remove(out, at);
    }
}
