/* SPDX-License-Identifier: BSD-3-Clause */
/* Page tables: Xen owns every change, so there is no more here than finding and asking. */
#include "kernel/kernel.h"

#define PTE_PRESENT 0x01u
#define PTE_RO      0x25ull /* present, user, accessed */
#define PTE_RW      0x67ull /* and writable, dirty */
#define PTE_FRAME   0x000ffffffffff000ull

static const uint64_t *p2m(void)
{
    return (const uint64_t *)start_info->mfn_list;
}

static uint64_t virt_to_pfn(uintptr_t va)
{
    return (va - (uintptr_t)_image_start) >> PAGE_SHIFT;
}

uint64_t virt_to_mfn(const void *va)
{
    return pfn_to_mfn(virt_to_pfn((uintptr_t)va));
}

uint64_t pfn_to_mfn(uint64_t pfn)
{
    return p2m()[pfn];
}

uint64_t mfn_to_pfn(uint64_t mfn)
{
    uint64_t pfn = machine_to_phys_mapping[mfn];

    return pfn < start_info->nr_pages && p2m()[pfn] == mfn ? pfn : UINT64_MAX;
}

void *mfn_to_virt(uint64_t mfn)
{
    uint64_t pfn = mfn_to_pfn(mfn);

    return pfn == UINT64_MAX ? NULL : _image_start + (pfn << PAGE_SHIFT);
}

/* The table that holds the entry of va at this level (4 .. 1), or null where the tree ends. */
static uint64_t *table_of(uintptr_t va, int level)
{
    uint64_t *table = (uint64_t *)start_info->pt_base;

    for (int l = 4; l > level; l--) {
        uint64_t e = table[(va >> (3 + 9 * l)) & 511];

        if (!(e & PTE_PRESENT))
            return NULL;
        table = mfn_to_virt((e & PTE_FRAME) >> PAGE_SHIFT);
        if (!table)
            return NULL;
    }
    return table;
}

uint64_t *pt_entry(uintptr_t va)
{
    uint64_t *l1 = table_of(va, 1);

    return l1 ? &l1[(va >> PAGE_SHIFT) & 511] : NULL;
}

static int set_entry(const void *va, uint64_t pte)
{
    return (int)hypercall4(__HYPERVISOR_update_va_mapping, HYPERCALL_ARG(va), pte, UVMF_INVLPG, 0);
}

int map_frame(void *page, uint64_t mfn, bool writable)
{
    return set_entry(page, mfn << PAGE_SHIFT | (writable ? PTE_RW : PTE_RO));
}

int map_nothing(void *page)
{
    return set_entry(page, 0);
}

int map_own(void *page)
{
    return map_frame(page, virt_to_mfn(page), true);
}

/* Makes `page` the table one level below the entry of va in the table of this level. */
static int link_table(uintptr_t va, int level, uint64_t *page)
{
    uint64_t *table = table_of(va, level);
    uint64_t slot = (va >> (3 + 9 * level)) & 511;
    struct mmu_update update;
    int rc;

    if (!table)
        return -XEN_ENOENT;
    rc = map_frame(page, virt_to_mfn(page), false);
    if (rc)
        return rc;
    update.ptr = (virt_to_mfn(table) << PAGE_SHIFT) + slot * 8;
    update.val = virt_to_mfn(page) << PAGE_SHIFT | PTE_RW;
    rc = (int)hypercall4(__HYPERVISOR_mmu_update, HYPERCALL_ARG(&update), 1, 0, DOMID_SELF);
    if (rc)
        map_own(page);
    return rc;
}

/* Maps the 2 MiB around va with our own memory. Takes one page, or two where a level 2 table
 * is missing as well. */
int pt_add_region(uintptr_t va, uint64_t *pages, unsigned nr)
{
    uint64_t first = virt_to_pfn(va & ~(512 * PAGE_SIZE - 1));
    unsigned used = 0;
    int rc;

    if (!table_of(va, 2)) {
        if (nr < 2)
            return -XEN_ENOMEM;
        memset(pages, 0, PAGE_SIZE);
        rc = link_table(va, 3, pages);
        if (rc)
            return rc;
        pages += 512;
        used++;
    }
    for (unsigned i = 0; i < 512; i++)
        pages[i] = first + i < start_info->nr_pages ? p2m()[first + i] << PAGE_SHIFT | PTE_RW : 0;
    rc = link_table(va, 2, pages);
    return rc ? rc : (int)used + 1;
}
