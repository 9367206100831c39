// SPDX-License-Identifier: BSD-3-Clause
#include "layout.h"

#include <errno.h>
#include <string.h>

#include "hv.h"

#define MIB           (1ull << 20)
#define WINDOW_ALIGN  (4 * MIB)
#define WINDOW_SPARE  (MIB / 2)
#define ADDRESS_BITS  48
#define TABLE_ENTRIES 512

/* Level-4 slots 256 to 271 are Xen's own. */
#define XEN_START     0xffff800000000000ull
#define XEN_END       0xffff880000000000ull

static uint64_t pages_of(uint64_t bytes)
{
    return bytes / HV_PAGE_SIZE + (bytes % HV_PAGE_SIZE != 0);
}

/* Tables of a level that it takes to map [start, end). */
static uint64_t tables_for(uint64_t start, uint64_t end, unsigned int level)
{
    unsigned int shift = HV_PAGE_SHIFT + 9 * level;

    /* Canonical addresses differ above bit 47 only by sign. */
    start &= (1ull << ADDRESS_BITS) - 1;
    end = (end - 1) & ((1ull << ADDRESS_BITS) - 1);
    return (end >> shift) - (start >> shift) + 1;
}

static bool address_range_good(uint64_t start, uint64_t size)
{
    uint64_t last = start + size - 1;
    const uint64_t low_end = 1ull << (ADDRESS_BITS - 1);

    if (size == 0 || last < start)
        return false;
    return last < low_end || start >= XEN_END;
}

static uint64_t window_pages(const struct image *image, uint64_t end_pfn, uint64_t pages)
{
    uint64_t start = image->virt_base, end, wanted;

    if (image->has_boot_window) {
        wanted = pages_of(image->boot_window);
    } else {
        end = start + (end_pfn << HV_PAGE_SHIFT) + WINDOW_SPARE;
        end = (end + WINDOW_ALIGN - 1) & ~(WINDOW_ALIGN - 1);
        wanted = (end - start) >> HV_PAGE_SHIFT;
    }
    if (wanted > pages)
        wanted = pages; /* there is nothing behind it to map */
    return wanted > end_pfn ? wanted : end_pfn;
}

/* The tables are part of what they map: their number grows until it is enough for itself. */
static void place_tables(const struct image *image, struct layout *layout)
{
    uint64_t nr, total = 4;
    unsigned int level;

    do {
        layout->nr_tables = total;
        layout->stack_pfn = layout->tables_pfn + total;
        layout->end_pfn = layout->stack_pfn + 1;
        layout->mapped_pages = window_pages(image, layout->end_pfn, layout->pages);
        total = 0;
        for (level = 1; level <= 4; level++) {
            nr = tables_for(layout->virt_base,
                            layout->virt_base + (layout->mapped_pages << HV_PAGE_SHIFT), level);
            layout->level[level] = nr;
            total += nr;
        }
    } while (total > layout->nr_tables);
}

int layout_compute(const struct image *image, uint64_t ramdisk_size, uint64_t pages, bool store,
                   struct layout *out, struct chaos_error *err)
{
    struct layout layout = {.virt_base = image->virt_base, .pages = pages};
    uint64_t first, last;

    if (image->start < image->virt_base)
        return chaos_error_set(err, -ENOEXEC, CHAOS_EXIT_CONFIG,
                               "it loads below its own VIRT_BASE");
    first = (image->start - image->virt_base) >> HV_PAGE_SHIFT;
    last = (image->end - 1 - image->virt_base) >> HV_PAGE_SHIFT;
    layout.kernel_pfn = first;
    layout.kernel_pages = last - first + 1;
    layout.ramdisk_pfn = last + 1;
    layout.ramdisk_size = ramdisk_size;
    layout.ramdisk_pages = pages_of(ramdisk_size);
    layout.p2m_pfn = layout.ramdisk_pfn + layout.ramdisk_pages;
    layout.p2m_pages = pages_of(pages * sizeof(uint64_t));
    layout.start_info_pfn = layout.p2m_pfn + layout.p2m_pages;
    layout.console_pfn = layout.start_info_pfn + 1;
    if (store)
        layout.store_pfn = layout.console_pfn + 1;
    layout.tables_pfn = layout.console_pfn + (store ? 2 : 1);

    if (!address_range_good(image->virt_base,
                            (layout.tables_pfn << HV_PAGE_SHIFT) + WINDOW_ALIGN + 2 * MIB))
        return chaos_error_set(err, -ENOEXEC, CHAOS_EXIT_CONFIG,
                               "its addresses from 0x%llx on are not a guest's to use",
                               (unsigned long long)image->virt_base);
    place_tables(image, &layout);
    if (layout.end_pfn > pages)
        return chaos_error_set(
            err, -ENOMEM, CHAOS_EXIT_CONFIG, "needs %llu KiB of memory, the guest has %llu",
            (unsigned long long)layout.end_pfn * 4, (unsigned long long)pages * 4);
    *out = layout;
    return 0;
}
