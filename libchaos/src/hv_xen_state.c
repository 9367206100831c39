// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: what a checkpoint needs to know of a domain. */
#include "hv_xen.h"

#include <errno.h>
#include <string.h>

#define MSRS_MAX 64

static int get_context(struct hv_xen *xen, uint32_t domid, uint32_t vcpu)
{
    struct xen_domctl *ctl = hv_xen_domctl(xen, XEN_DOMCTL_getvcpucontext, domid);

    ctl->u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle(ctl->u.vcpucontext.ctxt, (vcpu_guest_context_t *)xen->data);
    return hv_xen_do_domctl(xen);
}

/* -ENODATA: it was never brought up. */
static int context_size(struct hv_xen *xen, uint32_t domid, uint32_t vcpu)
{
    int rc = get_context(xen, domid, vcpu);

    if (rc == -ENODATA)
        return 0;
    return rc < 0 ? rc : (int)sizeof(vcpu_guest_context_t);
}

static int get_extended(struct hv_xen *xen, uint32_t domid, uint32_t vcpu)
{
    struct xen_domctl *ctl = hv_xen_domctl(xen, XEN_DOMCTL_get_ext_vcpucontext, domid);
    int rc;

    ctl->u.ext_vcpucontext.vcpu = vcpu;
    rc = hv_xen_do_domctl(xen);
    if (rc < 0)
        return rc;
    memcpy(xen->data, &ctl->u.ext_vcpucontext, sizeof(ctl->u.ext_vcpucontext));
    return (int)sizeof(ctl->u.ext_vcpucontext);
}

/* The mask of the features that the processor has, then what Xen gives. */
static int get_xsave(struct hv_xen *xen, uint32_t domid, uint32_t vcpu)
{
    struct xen_domctl *ctl = hv_xen_domctl(xen, XEN_DOMCTL_getvcpuextstate, domid);
    struct xen_domctl_vcpuextstate *state = &ctl->u.vcpuextstate;
    uint64_t mask;
    int rc;

    state->vcpu = vcpu;
    rc = hv_xen_do_domctl(xen);
    if (rc < 0)
        return rc;
    mask = state->xfeature_mask;
    if (mask == 0) /* a processor without xsave */
        return 0;
    if (state->size > HV_XEN_DATA_SIZE - sizeof(mask))
        return -E2BIG;
    hv_xen_domctl(xen, XEN_DOMCTL_getvcpuextstate, domid);
    state->vcpu = vcpu;
    state->xfeature_mask = mask;
    state->size = HV_XEN_DATA_SIZE - sizeof(mask);
    memcpy(xen->data, &mask, sizeof(mask));
    set_xen_guest_handle(state->buffer, (uint64_t *)xen->data + 1);
    rc = hv_xen_do_domctl(xen);
    return rc < 0 ? rc : (int)(sizeof(mask) + state->size);
}

static int get_msrs(struct hv_xen *xen, uint32_t domid, uint32_t vcpu)
{
    struct xen_domctl *ctl = hv_xen_domctl(xen, XEN_DOMCTL_get_vcpu_msrs, domid);
    struct xen_domctl_vcpu_msrs *msrs = &ctl->u.vcpu_msrs;
    int rc;

    _Static_assert(MSRS_MAX * sizeof(xen_domctl_vcpu_msr_t) <= HV_XEN_DATA_SIZE, "they fit");
    msrs->vcpu = vcpu;
    msrs->msr_count = MSRS_MAX;
    set_xen_guest_handle(msrs->msrs, (xen_domctl_vcpu_msr_t *)xen->data);
    rc = hv_xen_do_domctl(xen);
    return rc < 0 ? rc : (int)(msrs->msr_count * sizeof(xen_domctl_vcpu_msr_t));
}

int hv_xen_get_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                          void *bytes, size_t room)
{
    static int (*const get[])(struct hv_xen *, uint32_t, uint32_t) = {
        [HV_VCPU_CONTEXT] = context_size,
        [HV_VCPU_EXTENDED] = get_extended,
        [HV_VCPU_XSAVE] = get_xsave,
        [HV_VCPU_MSRS] = get_msrs,
    };
    int size = get[state](hv_xen(hv), domid, vcpu);

    if (size > 0 && (size_t)size > room)
        return -E2BIG;
    if (size > 0)
        memcpy(bytes, hv_xen(hv)->data, (size_t)size);
    return size;
}

int hv_xen_set_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                          const void *bytes, size_t length)
{
    static const uint32_t commands[] = {
        [HV_VCPU_CONTEXT] = XEN_DOMCTL_setvcpucontext,
        [HV_VCPU_EXTENDED] = XEN_DOMCTL_set_ext_vcpucontext,
        [HV_VCPU_XSAVE] = XEN_DOMCTL_setvcpuextstate,
        [HV_VCPU_MSRS] = XEN_DOMCTL_set_vcpu_msrs,
    };
    struct hv_xen *xen = hv_xen(hv);
    struct xen_domctl *ctl = hv_xen_domctl(xen, commands[state], domid);
    struct xen_domctl_vcpuextstate *xsave = &ctl->u.vcpuextstate;

    if (length > HV_XEN_DATA_SIZE)
        return -E2BIG;
    memcpy(xen->data, bytes, length);
    switch (state) {
    case HV_VCPU_CONTEXT:
        if (length != sizeof(vcpu_guest_context_t))
            return -EINVAL;
        ctl->u.vcpucontext.vcpu = vcpu;
        set_xen_guest_handle(ctl->u.vcpucontext.ctxt, (vcpu_guest_context_t *)xen->data);
        break;
    case HV_VCPU_EXTENDED:
        if (length != sizeof(ctl->u.ext_vcpucontext))
            return -EINVAL;
        memcpy(&ctl->u.ext_vcpucontext, bytes, length);
        ctl->u.ext_vcpucontext.vcpu = vcpu;
        break;
    case HV_VCPU_XSAVE:
        if (length < sizeof(uint64_t))
            return -EINVAL;
        xsave->vcpu = vcpu;
        memcpy(&xsave->xfeature_mask, bytes, sizeof(uint64_t));
        xsave->size = length - sizeof(uint64_t);
        set_xen_guest_handle(xsave->buffer, (uint64_t *)xen->data + 1);
        break;
    default:
        if (length % sizeof(xen_domctl_vcpu_msr_t) != 0)
            return -EINVAL;
        ctl->u.vcpu_msrs.vcpu = vcpu;
        ctl->u.vcpu_msrs.msr_count = (uint32_t)(length / sizeof(xen_domctl_vcpu_msr_t));
        set_xen_guest_handle(ctl->u.vcpu_msrs.msrs, (xen_domctl_vcpu_msr_t *)xen->data);
        break;
    }
    return hv_xen_do_domctl(xen);
}

static uint8_t type_of(uint64_t info)
{
    uint64_t type = info & XEN_DOMCTL_PFINFO_LTABTYPE_MASK;

    if (type == XEN_DOMCTL_PFINFO_NOTAB)
        return HV_PAGE_NORMAL;
    if (type < XEN_DOMCTL_PFINFO_L1TAB || type > XEN_DOMCTL_PFINFO_L4TAB)
        return HV_PAGE_NONE;
    return (uint8_t)((HV_PAGE_TABLE1 + ((type - XEN_DOMCTL_PFINFO_L1TAB) >> 28)) |
                     (info & XEN_DOMCTL_PFINFO_LPINTAB ? HV_PAGE_PINNED : 0));
}

int hv_xen_page_types(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                      uint8_t *types)
{
    struct hv_xen *xen = hv_xen(hv);
    const size_t room = 1024; /* Xen's limit, and more than fits in the buffer is never asked */
    xen_pfn_t *list = xen->data;
    size_t i, batch;
    int rc;

    _Static_assert(1024 * sizeof(*list) <= HV_XEN_DATA_SIZE, "the buffer holds the most at once");
    for (; nr > 0; frames += batch, types += batch, nr -= batch) {
        struct xen_domctl *ctl = hv_xen_domctl(xen, XEN_DOMCTL_getpageframeinfo3, domid);

        batch = nr < room ? nr : room;
        memcpy(list, frames, batch * sizeof(*list));
        ctl->u.getpageframeinfo3.num = batch;
        set_xen_guest_handle(ctl->u.getpageframeinfo3.array, list);
        rc = hv_xen_do_domctl(xen);
        if (rc < 0)
            return rc;
        for (i = 0; i < batch; i++)
            types[i] = type_of(list[i]);
    }
    return 0;
}
