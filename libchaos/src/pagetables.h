/* SPDX-License-Identifier: BSD-3-Clause */
/* The page tables with which a PV guest starts. */
#ifndef CHAOS_PAGETABLES_H
#define CHAOS_PAGETABLES_H

#include <stdint.h>

#include "layout.h"
#include "memory.h"

/* Fills layout->nr_tables pages at `tables`, in the layout's order. */
void pagetables_fill(const struct layout *layout, const struct memory *memory, uint64_t *tables);

#endif
