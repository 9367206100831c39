/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where things lie in a PV guest when it starts, by the start-of-day rules of Xen's public xen.h.
 * Frames are pseudo-physical (pfn): 0 is mapped at virt_base, and so on without a gap.
 */
#ifndef CHAOS_LAYOUT_H
#define CHAOS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include <chaos/error.h>

#include "image.h"

struct layout {
    uint64_t virt_base;
    uint64_t pages; /* all the memory of the guest */

    uint64_t kernel_pfn, kernel_pages;
    uint64_t ramdisk_pfn, ramdisk_pages, ramdisk_size;
    uint64_t p2m_pfn, p2m_pages;
    uint64_t start_info_pfn;
    uint64_t console_pfn;
    uint64_t store_pfn;  /* XenStore's ring; 0: none */
    uint64_t tables_pfn; /* level 4 first, then 3, 2, 1 */
    uint64_t level[5];   /* number of tables of each level; [0] unused */
    uint64_t nr_tables;
    uint64_t stack_pfn;
    uint64_t end_pfn;      /* behind the last of them */
    uint64_t mapped_pages; /* from virt_base on */
};

/* Fails if the guest's memory cannot hold it all, or the addresses are not a guest's to use. */
int layout_compute(const struct image *image, uint64_t ramdisk_size, uint64_t pages, bool store,
                   struct layout *out, struct chaos_error *err);

static inline uint64_t layout_address(const struct layout *layout, uint64_t pfn)
{
    return layout->virt_base + (pfn << 12);
}

#endif
