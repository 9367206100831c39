/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a guest may tell of its memory while it is suspended: pages whose contents nobody wants, so
 * that whoever saves it need not look at them, nor keep them. At the end of its shared info page,
 * which neither Xen nor anybody else uses; that page is cleared for each new domain. A guest that
 * says nothing is saved whole. docs/guest-suspend.md
 */
#ifndef NOXS_SUSPEND_H
#define NOXS_SUSPEND_H

#include "noxs_abi.h"

#define NOXS_UNUSED_OFFSET 3584u       /* in the shared info page */
#define NOXS_UNUSED_MAGIC  0x4553554eu /* "NUSE" */
#define NOXS_UNUSED_RANGES 63u

/* Pages by their pseudo-physical numbers: first, first + 1, ... */
struct noxs_unused_range {
    uint32_t first, nr;
};

struct noxs_unused {
    uint32_t magic;
    uint32_t nr;                                        /* of the ranges that follow */
    struct noxs_unused_range range[NOXS_UNUSED_RANGES]; /* ascending, without overlap */
};
NOXS_STATIC_ASSERT(unused_size, NOXS_UNUSED_OFFSET + sizeof(struct noxs_unused) == NOXS_PAGE_SIZE);

#endif
