// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: which pages a PV guest writes to. Xen has it run on shadows of its page tables. */
#include "hv_xen.h"

#include <errno.h>
#include <string.h>

/* Shadows of the tables that map all of its memory, and again as many for its processes. */
#define POOL_MIB(pages) (2 + ((pages) >> 14))

static int shadow_op(struct hv_xen *xen, uint32_t domid, uint32_t op, uint32_t mib)
{
    struct xen_domctl *ctl = hv_xen_domctl(xen, XEN_DOMCTL_shadow_op, domid);

    ctl->u.shadow_op.op = op;
    ctl->u.shadow_op.mb = mib;
    return hv_xen_do_domctl(xen);
}

int hv_xen_dirty_start(struct hv *hv, uint32_t domid, uint64_t pages)
{
    struct hv_xen *xen = hv_xen(hv);
    int rc = shadow_op(xen, domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, (uint32_t)POOL_MIB(pages));

    if (rc == 0)
        rc = shadow_op(xen, domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
    if (rc < 0)
        shadow_op(xen, domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, 0);
    return rc;
}

int hv_xen_dirty_take(struct hv *hv, uint32_t domid, uint64_t pages, uint64_t *bitmap)
{
    struct hv_xen *xen = hv_xen(hv);
    const size_t bytes = (size_t)((pages + 63) / 64) * sizeof(*bitmap);
    uint64_t *room = xencall_alloc_buffer(xen->call, bytes);
    struct xen_domctl *ctl;
    int rc;

    if (!room)
        return -ENOMEM;
    memset(room, 0, bytes);
    ctl = hv_xen_domctl(xen, XEN_DOMCTL_shadow_op, domid);
    ctl->u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_CLEAN;
    ctl->u.shadow_op.pages = pages;
    set_xen_guest_handle(ctl->u.shadow_op.dirty_bitmap, (void *)room);
    rc = hv_xen_do_domctl(xen);
    if (rc == 0 && ctl->u.shadow_op.pages < pages) /* it left some out */
        rc = -EIO;
    if (rc == 0)
        memcpy(bitmap, room, bytes);
    xencall_free_buffer(xen->call, room);
    return rc;
}

/* With the last use of the shadows goes their memory; but who started may have died before that. */
int hv_xen_dirty_stop(struct hv *hv, uint32_t domid)
{
    int rc = shadow_op(hv_xen(hv), domid, XEN_DOMCTL_SHADOW_OP_OFF, 0);

    if (rc == 0)
        shadow_op(hv_xen(hv), domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, 0);
    return rc;
}
