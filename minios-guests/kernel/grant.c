/* SPDX-License-Identifier: BSD-3-Clause */
/* Grant table: one frame of version 1 entries, set up when it is first used; and the grants of
 * others. */
#include "kernel/kernel.h"

#include <xen/grant_table.h>

#define NR_ENTRIES (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define RESERVED   GNTTAB_NR_RESERVED_ENTRIES

static struct grant_entry_v1 *table;
static uint64_t used[NR_ENTRIES / 64] = {(1u << RESERVED) - 1};

static int map_table(void *page)
{
    xen_pfn_t frame;
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    int rc;

    set_xen_guest_handle(op.frame_list, &frame);
    rc = (int)hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, HYPERCALL_ARG(&op),
                         (void *)1);
    if (rc)
        return rc;
    return op.status ? -XEN_EIO : map_frame(page, frame, true);
}

static int setup(void)
{
    void *page = page_alloc();
    int rc;

    if (!page)
        return -XEN_ENOMEM;
    rc = map_table(page);
    if (rc) {
        page_free(page);
        return rc;
    }
    table = page;
    return 0;
}

int grant_access_mfn(uint16_t domid, uint64_t mfn, bool readonly)
{
    unsigned word = 0, ref;

    if (!table) {
        int rc = setup();

        if (rc)
            return rc;
    }
    while (word < ARRAY_SIZE(used) && used[word] == ~0ull)
        word++;
    if (word == ARRAY_SIZE(used))
        return -XEN_ENOSPC;
    ref = word * 64 + (unsigned)__builtin_ctzl(~used[word]);
    used[word] |= 1ull << (ref % 64);
    table[ref].frame = (uint32_t)mfn;
    table[ref].domid = domid;
    wmb();
    WRITE_ONCE(table[ref].flags, GTF_permit_access | (readonly ? GTF_readonly : 0));
    return (int)ref;
}

int grant_access(uint16_t domid, const void *page, bool readonly)
{
    return grant_access_mfn(domid, virt_to_mfn(page), readonly);
}

int grant_end(int ref)
{
    uint16_t flags = READ_ONCE(table[ref].flags);

    do {
        if (flags & (GTF_reading | GTF_writing))
            return -XEN_EBUSY;
    } while (!__atomic_compare_exchange_n(&table[ref].flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    used[ref / 64] &= ~(1ull << (ref % 64));
    return 0;
}

void grant_suspend(void)
{
    if (table)
        map_own(table);
}

/* A new domain's table is empty; references that drivers still hold go by grant_end, as ever. */
void grant_resume(void)
{
    int rc = table ? map_table(table) : 0;

    if (rc)
        guest_crash("grant table: cannot map it again: error %d", -rc);
}

int grant_map_at(uint16_t domid, uint32_t ref, void *page, uint32_t *handle)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = HYPERCALL_ARG(page),
        .flags = GNTMAP_host_map,
        .ref = ref,
        .dom = domid,
    };
    int rc = map_nothing(page); /* Xen does not flush what it maps a grant over */

    if (!rc)
        rc = (int)hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
                             HYPERCALL_ARG(&op), (void *)1);
    if (!rc && op.status)
        rc = op.status == GNTST_permission_denied ? -XEN_EPERM : -XEN_EINVAL;
    *handle = op.handle;
    return rc;
}

int grant_unmap_at(void *page, uint32_t handle)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = HYPERCALL_ARG(page), .handle = handle};
    int rc = (int)hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
                             HYPERCALL_ARG(&op), (void *)1);

    if (rc)
        return rc;
    return op.status ? -XEN_EINVAL : map_own(page);
}

int grant_map(uint16_t domid, uint32_t ref, void **page, uint32_t *handle)
{
    void *p = page_alloc();
    int rc;

    if (!p)
        return -XEN_ENOMEM;
    rc = grant_map_at(domid, ref, p, handle);
    if (rc) {
        if (!map_own(p))
            page_free(p);
        return rc;
    }
    *page = p;
    return 0;
}

void grant_unmap(void *page, uint32_t handle)
{
    if (!grant_unmap_at(page, handle))
        page_free(page); /* else the address stays lost: it is not memory of ours any more */
}
