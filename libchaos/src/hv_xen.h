/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files that implement hv_ops on Xen. */
#ifndef CHAOS_HV_XEN_H
#define CHAOS_HV_XEN_H

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__
#endif
#include <xencall.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include <xen/version.h>

#include "hv.h"

#define HV_XEN_DATA_PAGES 3
#define HV_XEN_DATA_SIZE  (HV_XEN_DATA_PAGES * HV_PAGE_SIZE)

/*
 * One hypercall buffer for the whole life of the handle: `control` is the operation itself, `data`
 * the array that it points to. So the handle is not thread-safe.
 */
struct hv_xen {
    struct hv hv;
    xencall_handle *call;
    xenforeignmemory_handle *memory;
    void *control;
    void *data;
    bool maps; /* it has no other way to copy pages */
};

static inline struct hv_xen *hv_xen(struct hv *hv)
{
    return (struct hv_xen *)hv;
}

/* A cleared control structure with command and interface version set. */
struct xen_domctl *hv_xen_domctl(struct hv_xen *xen, uint32_t cmd, uint32_t domid);
int hv_xen_do_domctl(struct hv_xen *xen);
int hv_xen_do_sysctl(struct hv_xen *xen);

extern struct xentoollog_logger hv_xen_quiet;

int hv_xen_host(struct hv *hv, struct hv_host *out);
int hv_xen_list(struct hv *hv, uint32_t first, struct hv_info *out, size_t nr);
int hv_xen_find(struct hv *hv, const uint8_t uuid[16], uint32_t *domid);
int hv_xen_changed(struct hv *hv, uint32_t *domids, size_t nr);
int hv_xen_noxs(struct hv *hv, uint32_t domid, struct hv_noxs *out);
void hv_xen_fill_info(const xen_domctl_getdomaininfo_t *in, struct hv_info *out);

int hv_xen_map(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, bool write,
               void **address);
void hv_xen_unmap(struct hv *hv, void *address, size_t nr);
int hv_xen_read_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, void *to);
int hv_xen_write_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                       const void *from);
int hv_xen_write_part(struct hv *hv, uint32_t domid, uint64_t frame, size_t offset,
                      const void *from, size_t length);
int hv_xen_grant(struct hv *hv, uint32_t domid, const struct hv_grant *grants, size_t nr);
int hv_xen_get_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                          void *bytes, size_t room);
int hv_xen_set_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                          const void *bytes, size_t length);
int hv_xen_page_types(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                      uint8_t *types);
int hv_xen_dirty_start(struct hv *hv, uint32_t domid, uint64_t pages);
int hv_xen_dirty_take(struct hv *hv, uint32_t domid, uint64_t pages, uint64_t *bitmap);
int hv_xen_dirty_stop(struct hv *hv, uint32_t domid);
int hv_xen_events_open(struct hv *hv, struct hv_events **out);

#endif
