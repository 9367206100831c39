// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: memory of other domains. */
#include "hv_xen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

int hv_xen_map(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, bool write,
               void **address)
{
    struct hv_xen *xen = hv_xen(hv);

    _Static_assert(sizeof(xen_pfn_t) == sizeof(*frames), "frames are passed as they are");
    if (!xen->memory) {
        xen->memory = xenforeignmemory_open(&hv_xen_quiet, 0);
        if (!xen->memory) {
            return -errno;
        }
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
