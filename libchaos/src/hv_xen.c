// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: what changes domains. */
#include "hv_xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xentoollog.h>

#define PV_EVENT_CHANNELS 1023

static void quiet_message(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
                          const char *context, const char *format, va_list args)
{
    (void)logger;
    (void)level;
    (void)errnoval;
    (void)context;
    (void)format;
    (void)args;
}

/* The libraries print what they think of a failure; ours is the one error line. */
struct xentoollog_logger hv_xen_quiet = {.vmessage = quiet_message};

struct xen_domctl *hv_xen_domctl(struct hv_xen *xen, uint32_t cmd, uint32_t domid)
{
    struct xen_domctl *ctl = xen->control;

    memset(ctl, 0, sizeof(*ctl));
    ctl->cmd = cmd;
    ctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    ctl->domain = (domid_t)domid;
    return ctl;
}

int hv_xen_do_domctl(struct hv_xen *xen)
{
    return xencall1(xen->call, __HYPERVISOR_domctl, (uintptr_t)xen->control) < 0 ? -errno : 0;
}

static int simple_domctl(struct hv *hv, uint32_t cmd, uint32_t domid)
{
    hv_xen_domctl(hv_xen(hv), cmd, domid);
    return hv_xen_do_domctl(hv_xen(hv));
}

static int domain_create(struct hv *hv, const struct hv_create *how, uint32_t *domid)
{
    struct xen_domctl *ctl = hv_xen_domctl(hv_xen(hv), XEN_DOMCTL_createdomain, 0);
    struct xen_domctl_createdomain *create = &ctl->u.createdomain;
    int rc;

    memcpy(create->handle, how->uuid, sizeof(create->handle));
    create->max_vcpus = how->max_vcpus;
    create->max_evtchn_port = how->max_event_channels ? how->max_event_channels : PV_EVENT_CHANNELS;
    create->max_grant_frames = how->max_grant_frames ? (int32_t)how->max_grant_frames : -1;
    create->max_maptrack_frames = -1;
    create->grant_opts = XEN_DOMCTL_GRANT_version(1);
    rc = hv_xen_do_domctl(hv_xen(hv));
    if (rc == 0) {
        *domid = ctl->domain;
    }
    return rc;
}

static int set_uuid(struct hv *hv, uint32_t domid, const uint8_t uuid[16])
{
    struct xen_domctl *ctl = hv_xen_domctl(hv_xen(hv), XEN_DOMCTL_setdomainhandle, domid);

    memcpy(ctl->u.setdomainhandle.handle, uuid, sizeof(ctl->u.setdomainhandle.handle));
    return hv_xen_do_domctl(hv_xen(hv));
}

static int set_max_vcpus(struct hv *hv, uint32_t domid, uint32_t vcpus)
{
    hv_xen_domctl(hv_xen(hv), XEN_DOMCTL_max_vcpus, domid)->u.max_vcpus.max = vcpus;
    return hv_xen_do_domctl(hv_xen(hv));
}

static int set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib)
{
    hv_xen_domctl(hv_xen(hv), XEN_DOMCTL_max_mem, domid)->u.max_mem.max_memkb = kib;
    return hv_xen_do_domctl(hv_xen(hv));
}

static int populate(struct hv *hv, uint32_t domid, uint64_t first_pfn, unsigned int order,
                    unsigned int nr, uint64_t *frames)
{
    struct hv_xen *xen = hv_xen(hv);
    struct xen_memory_reservation *reservation = xen->control;
    xen_pfn_t *list = xen->data;
    unsigned int i;
    long done;

    if (nr > HV_XEN_DATA_SIZE / sizeof(*list)) {
        nr = HV_XEN_DATA_SIZE / sizeof(*list);
    }
    for (i = 0; i < nr; i++) {
        list[i] = first_pfn + ((uint64_t)i << order);
    }
    memset(reservation, 0, sizeof(*reservation));
    set_xen_guest_handle(reservation->extent_start, list);
    reservation->nr_extents = nr;
    reservation->extent_order = order;
    reservation->domid = (domid_t)domid;
    done = xencall2L(xen->call, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
                     (uintptr_t)reservation);
    if (done < 0) {
        return -errno;
    }
    for (i = 0; i < (unsigned int)done && i < nr; i++) {
        frames[i] = list[i];
    }
    return (int)i;
}

static int set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const uint64_t cpus[HV_AFFINITY_WORDS])
{
    struct hv_xen *xen = hv_xen(hv);
    struct xen_domctl_vcpuaffinity *affinity =
        &hv_xen_domctl(xen, XEN_DOMCTL_setvcpuaffinity, domid)->u.vcpuaffinity;

    memcpy(xen->data, cpus, HV_AFFINITY_WORDS * sizeof(*cpus));
    affinity->vcpu = vcpu;
    affinity->flags = XEN_VCPUAFFINITY_HARD;
    set_xen_guest_handle(affinity->cpumap_hard.bitmap, xen->data);
    affinity->cpumap_hard.nr_bits = HV_AFFINITY_WORDS * 64;
    return hv_xen_do_domctl(xen);
}

static int evtchn_alloc_unbound(struct hv *hv, uint32_t domid, uint32_t *port)
{
    struct hv_xen *xen = hv_xen(hv);
    struct evtchn_alloc_unbound *alloc = xen->control;

    memset(alloc, 0, sizeof(*alloc));
    alloc->dom = (domid_t)domid;
    alloc->remote_dom = 0;
    if (xencall2(xen->call, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
                 (uintptr_t)alloc) < 0) {
        return -errno;
    }
    *port = alloc->port;
    return 0;
}

static int mmu(struct hv *hv, uint32_t domid, const struct hv_mmu_op *ops, size_t nr)
{
    static const unsigned int cmds[] = {
        [HV_MMU_CLEAR] = MMUEXT_CLEAR_PAGE,    [HV_MMU_PIN_L1] = MMUEXT_PIN_L1_TABLE,
        [HV_MMU_PIN_L2] = MMUEXT_PIN_L2_TABLE, [HV_MMU_PIN_L3] = MMUEXT_PIN_L3_TABLE,
        [HV_MMU_PIN] = MMUEXT_PIN_L4_TABLE,    [HV_MMU_UNPIN] = MMUEXT_UNPIN_TABLE,
    };
    struct hv_xen *xen = hv_xen(hv);
    struct mmuext_op *list = xen->data;
    const size_t room = HV_XEN_DATA_SIZE / sizeof(*list);
    size_t i, batch;

    for (; nr > 0; ops += batch, nr -= batch) {
        batch = nr < room ? nr : room;
        memset(list, 0, batch * sizeof(*list));
        for (i = 0; i < batch; i++) {
            list[i].cmd = cmds[ops[i].cmd];
            list[i].arg1.mfn = ops[i].frame;
        }
        if (xencall4(xen->call, __HYPERVISOR_mmuext_op, (uintptr_t)list, batch, 0, domid) < 0) {
            return -errno;
        }
    }
    return 0;
}

static int hypercall_page(struct hv *hv, uint32_t domid, uint64_t frame)
{
    hv_xen_domctl(hv_xen(hv), XEN_DOMCTL_hypercall_init, domid)->u.hypercall_init.gmfn = frame;
    return hv_xen_do_domctl(hv_xen(hv));
}

static int set_vcpu(struct hv *hv, uint32_t domid, const struct hv_vcpu *vcpu)
{
    struct hv_xen *xen = hv_xen(hv);
    struct xen_domctl *ctl = hv_xen_domctl(xen, XEN_DOMCTL_setvcpucontext, domid);
    struct vcpu_guest_context *context = xen->data;

    _Static_assert(sizeof(*context) <= HV_XEN_DATA_SIZE, "the buffer holds a vcpu context");
    memset(context, 0, sizeof(*context));
    context->flags = VGCF_in_kernel | VGCF_online;
    context->user_regs.rip = vcpu->entry;
    context->user_regs.rsp = vcpu->stack;
    context->user_regs.rsi = vcpu->start_info;
    context->user_regs.rflags = 1u << 9; /* interrupts on; upcalls are masked by the vcpu's flag */
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->user_regs.ds = context->user_regs.es = FLAT_KERNEL_DS;
    context->user_regs.fs = context->user_regs.gs = FLAT_KERNEL_DS;
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = vcpu->stack;
    context->ctrlreg[3] = xen_pfn_to_cr3(vcpu->root_frame);
    context->debugreg[6] = 0xffff0ff0; /* values of these two at reset */
    context->debugreg[7] = 0x400;
    ctl->u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(ctl->u.vcpucontext.ctxt, context);
    return hv_xen_do_domctl(xen);
}

static int reset_vcpu(struct hv *hv, uint32_t domid)
{
    /* Without a context: reset. */
    hv_xen_domctl(hv_xen(hv), XEN_DOMCTL_setvcpucontext, domid)->u.vcpucontext.vcpu = 0;
    return hv_xen_do_domctl(hv_xen(hv));
}

static int pause_domain(struct hv *hv, uint32_t domid)
{
    return simple_domctl(hv, XEN_DOMCTL_pausedomain, domid);
}

static int unpause_domain(struct hv *hv, uint32_t domid)
{
    return simple_domctl(hv, XEN_DOMCTL_unpausedomain, domid);
}

static int resume_domain(struct hv *hv, uint32_t domid)
{
    return simple_domctl(hv, XEN_DOMCTL_resumedomain, domid);
}

static int destroy_domain(struct hv *hv, uint32_t domid)
{
    int rc;

    do {
        rc = simple_domctl(hv, XEN_DOMCTL_destroydomain, domid);
    } while (rc == -EAGAIN || rc == -EINTR);
    return rc;
}

static int info(struct hv *hv, uint32_t domid, struct hv_info *out)
{
    struct xen_domctl *ctl = hv_xen_domctl(hv_xen(hv), XEN_DOMCTL_getdomaininfo, domid);
    int rc = hv_xen_do_domctl(hv_xen(hv));

    if (rc < 0) {
        return rc;
    }
    /* Of a domain that is not there Xen tells the next one. */
    if (ctl->u.getdomaininfo.domain != domid) {
        return -ESRCH;
    }
    hv_xen_fill_info(&ctl->u.getdomaininfo, out);
    return 0;
}

static void hv_xen_close(struct hv *hv)
{
    struct hv_xen *xen = hv_xen(hv);

    if (xen->memory) {
        xenforeignmemory_close(xen->memory);
    }
    xencall_free_buffer_pages(xen->call, xen->control, 1 + HV_XEN_DATA_PAGES);
    xencall_close(xen->call);
    free(xen);
}

static const struct hv_ops xen_ops = {
    .close = hv_xen_close,
    .domain_create = domain_create,
    .set_uuid = set_uuid,
    .set_max_vcpus = set_max_vcpus,
    .set_max_mem = set_max_mem,
    .populate = populate,
    .set_affinity = set_affinity,
    .evtchn_alloc_unbound = evtchn_alloc_unbound,
    .map = hv_xen_map,
    .unmap = hv_xen_unmap,
    .read_pages = hv_xen_read_pages,
    .write_pages = hv_xen_write_pages,
    .write_part = hv_xen_write_part,
    .mmu = mmu,
    .hypercall_page = hypercall_page,
    .set_vcpu = set_vcpu,
    .reset_vcpu = reset_vcpu,
    .grant = hv_xen_grant,
    .get_vcpu_state = hv_xen_get_vcpu_state,
    .set_vcpu_state = hv_xen_set_vcpu_state,
    .page_types = hv_xen_page_types,
    .pause = pause_domain,
    .unpause = unpause_domain,
    .resume = resume_domain,
    .destroy = destroy_domain,
    .info = info,
    .list = hv_xen_list,
    .find = hv_xen_find,
    .changed = hv_xen_changed,
    .host = hv_xen_host,
    .noxs = hv_xen_noxs,
    .dirty_start = hv_xen_dirty_start,
    .dirty_take = hv_xen_dirty_take,
    .dirty_stop = hv_xen_dirty_stop,
    .events_open = hv_xen_events_open,
};

static int open_failed(struct chaos_error *err, int error)
{
    const char *what = "cannot open /dev/xen/privcmd";

    switch (error) {
    case EACCES:
    case EPERM:
        return chaos_error_set(err, -error, CHAOS_EXIT_PRIVILEGE, "%s: %s; run it as root", what,
                               strerror(error));
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return chaos_error_set(err, -error, CHAOS_EXIT_PRIVILEGE,
                               "%s: this is not a Xen control domain; boot the host under Xen, "
                               "or load the module xen-privcmd",
                               what);
    default:
        return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE, "%s: %s", what, strerror(error));
    }
}

int hv_xen_open(struct hv **out, struct chaos_error *err)
{
    struct hv_xen *xen = calloc(1, sizeof(*xen));

    if (!xen) {
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    }
    xen->hv.ops = &xen_ops;
    xen->call = xencall_open(&hv_xen_quiet, XENCALL_OPENFLAG_NON_REENTRANT);
    if (!xen->call) {
        int error = errno;

        free(xen);
        return open_failed(err, error);
    }
    xen->control = xencall_alloc_buffer_pages(xen->call, 1 + HV_XEN_DATA_PAGES);
    if (!xen->control) {
        xencall_close(xen->call);
        free(xen);
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE,
                               "cannot allocate hypercall buffers");
    }
    xen->data = (char *)xen->control + HV_PAGE_SIZE;
    *out = &xen->hv;
    return 0;
}
