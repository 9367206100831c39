// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: memory of other domains. */
#include "hv_xen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <xen/grant_table.h>

static int open_memory(struct hv_xen *xen)
{
    if (!xen->memory) {
        xen->memory = xenforeignmemory_open(&hv_xen_quiet, 0);
    }
    return xen->memory ? 0 : -errno;
}

int hv_xen_map(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, bool write,
               void **address)
{
    struct hv_xen *xen = hv_xen(hv);
    int rc = open_memory(xen);

    _Static_assert(sizeof(xen_pfn_t) == sizeof(*frames), "frames are passed as they are");
    if (rc < 0) {
        return rc;
    }
    /* Without an array for errors one bad frame fails the whole call. */
    *address = xenforeignmemory_map(xen->memory, domid, PROT_READ | (write ? PROT_WRITE : 0), nr,
                                    (const xen_pfn_t *)frames, NULL);
    return *address ? 0 : -errno;
}

void hv_xen_unmap(struct hv *hv, void *address, size_t nr)
{
    (void)hv; /* another handle may have mapped it */
    munmap(address, nr * HV_PAGE_SIZE);
}

int hv_xen_grant(struct hv *hv, uint32_t domid, const struct hv_grant *grants, size_t nr)
{
    struct hv_xen *xen = hv_xen(hv);
    xenforeignmemory_resource_handle *resource;
    grant_entry_v1_t *table;
    void *address = NULL;
    int rc = open_memory(xen);

    if (rc < 0) {
        return rc;
    }
    resource = xenforeignmemory_map_resource(
        xen->memory, (domid_t)domid, XENMEM_resource_grant_table,
        XENMEM_resource_grant_table_id_shared, 0, 1, &address, PROT_READ | PROT_WRITE, 0);
    if (!resource) {
        return -errno;
    }
    table = address;
    for (size_t i = 0; i < nr; i++) {
        /* domid 0: to dom0 */
        table[grants[i].ref] =
            (grant_entry_v1_t){.flags = GTF_permit_access, .frame = (uint32_t)grants[i].frame};
    }
    xenforeignmemory_unmap_resource(xen->memory, resource);
    return 0;
}
