// SPDX-License-Identifier: BSD-3-Clause
#include "pagetables.h"

#include <string.h>

#include "hv.h"

#define ENTRIES  512
#define PRESENT  0x001ull
#define WRITABLE 0x002ull
#define USER     0x004ull
#define ACCESSED 0x020ull
#define DIRTY    0x040ull

/* Without USER, Xen makes a leaf a page of the guest's kernel. */
#define LEAF     (PRESENT | WRITABLE | ACCESSED | DIRTY)
#define TABLE    (PRESENT | WRITABLE | USER | ACCESSED | DIRTY)

/* First table of a level, counted from the level-4 table. */
static uint64_t first_table(const struct layout *layout, unsigned int level)
{
    uint64_t first = 0;
    unsigned int above;

    for (above = 4; above > level; above--)
        first += layout->level[above];
    return first;
}

static void fill_leaves(const struct layout *layout, const struct memory *memory, uint64_t *entry)
{
    const uint64_t tables_end = layout->tables_pfn + layout->nr_tables;
    struct memory_run run = {0};
    uint64_t pfn, pte;

    for (pfn = 0; pfn < layout->mapped_pages; pfn++) {
        if (run.nr == 0)
            run = memory_run(memory, pfn);
        pte = run.frame << HV_PAGE_SHIFT | LEAF;
        if (pfn >= layout->tables_pfn && pfn < tables_end)
            pte &= ~WRITABLE;
        *entry++ = pte;
        run.frame++;
        run.nr--;
    }
}

void pagetables_fill(const struct layout *layout, const struct memory *memory, uint64_t *tables)
{
    unsigned int level, shift;
    uint64_t first, i, slot;

    memset(tables, 0, layout->nr_tables * HV_PAGE_SIZE);
    for (level = 4; level > 1; level--) {
        /* Entries of one level are contiguous across its tables, as the addresses are. */
        shift = HV_PAGE_SHIFT + 9 * (level - 1);
        slot = first_table(layout, level) * ENTRIES + (layout->virt_base >> shift) % ENTRIES;
        first = layout->tables_pfn + first_table(layout, level - 1);
        for (i = 0; i < layout->level[level - 1]; i++)
            tables[slot + i] = memory_frame(memory, first + i) << HV_PAGE_SHIFT | TABLE;
    }
    slot = first_table(layout, 1) * ENTRIES + (layout->virt_base >> HV_PAGE_SHIFT) % ENTRIES;
    fill_leaves(layout, memory, tables + slot);
}
