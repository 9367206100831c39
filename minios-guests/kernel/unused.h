/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pages of a suspended guest are not used. */
#ifndef KERNEL_UNUSED_H
#define KERNEL_UNUSED_H

#include "noxs_suspend.h"

/* Adds pages that are not in the list yet. What the list has no room for is left out. */
void unused_add(struct noxs_unused *out, uint32_t first, uint32_t nr);

#endif
