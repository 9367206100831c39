// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: memory and event channels of other domains. */
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

int hv_xen_evtchn_bind(struct hv *hv, uint32_t domid, uint32_t port, int *fd)
{
    struct hv_xen *xen = hv_xen(hv);
    xenevtchn_port_or_error_t local;

    if (xen->evtchn) {
        return -EBUSY;
    }
    xen->evtchn = xenevtchn_open(&hv_xen_quiet, 0);
    if (!xen->evtchn) {
        return -errno;
    }
    local = xenevtchn_bind_interdomain(xen->evtchn, domid, port);
    if (local < 0) {
        int rc = -errno;

        hv_xen_evtchn_unbind(hv);
        return rc;
    }
    xen->evtchn_port = (evtchn_port_t)local;
    *fd = xenevtchn_fd(xen->evtchn);
    return 0;
}

int hv_xen_evtchn_notify(struct hv *hv)
{
    struct hv_xen *xen = hv_xen(hv);

    return xenevtchn_notify(xen->evtchn, xen->evtchn_port) < 0 ? -errno : 0;
}

int hv_xen_evtchn_ack(struct hv *hv)
{
    struct hv_xen *xen = hv_xen(hv);
    xenevtchn_port_or_error_t port = xenevtchn_pending(xen->evtchn);

    if (port < 0 || xenevtchn_unmask(xen->evtchn, (evtchn_port_t)port) < 0) {
        return -errno;
    }
    return 0;
}

void hv_xen_evtchn_unbind(struct hv *hv)
{
    struct hv_xen *xen = hv_xen(hv);

    if (xen->evtchn) {
        xenevtchn_close(xen->evtchn);
        xen->evtchn = NULL;
    }
}
