// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: what only asks. */
#include "hv_xen.h"

#include <errno.h>
#include <string.h>

#include "noxs_abi.h"

int hv_xen_do_sysctl(struct hv_xen *xen)
{
    return xencall1(xen->call, __HYPERVISOR_sysctl, (uintptr_t)xen->control) < 0 ? -errno : 0;
}

static struct xen_sysctl *sysctl(struct hv_xen *xen, uint32_t cmd)
{
    struct xen_sysctl *ctl = xen->control;

    memset(ctl, 0, sizeof(*ctl));
    ctl->cmd = cmd;
    ctl->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return ctl;
}

void hv_xen_fill_info(const xen_domctl_getdomaininfo_t *in, struct hv_info *out)
{
    memset(out, 0, sizeof(*out));
    out->domid = in->domain;
    memcpy(out->uuid, in->handle, sizeof(out->uuid));
    out->running = in->flags & XEN_DOMINF_running;
    out->blocked = in->flags & XEN_DOMINF_blocked;
    out->paused = in->flags & XEN_DOMINF_paused;
    out->shutdown = in->flags & XEN_DOMINF_shutdown;
    out->dying = in->flags & XEN_DOMINF_dying;
    out->translated = in->flags & XEN_DOMINF_hvm_guest;
    out->reason = in->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    out->pages = in->tot_pages;
    out->max_pages = in->max_pages;
    out->shared_info_frame = in->shared_info_frame;
    out->cpu_ns = in->cpu_time;
    out->vcpus = in->nr_online_vcpus;
}

int hv_xen_list(struct hv *hv, uint32_t first, struct hv_info *out, size_t nr)
{
    struct hv_xen *xen = hv_xen(hv);
    xen_domctl_getdomaininfo_t *list = xen->data;
    const size_t room = HV_XEN_DATA_SIZE / sizeof(*list);
    struct xen_sysctl_getdomaininfolist *ask;
    uint32_t i;
    int rc;

    if (first >= HV_DOMID_LIMIT) {
        return 0;
    }
    ask = &sysctl(xen, XEN_SYSCTL_getdomaininfolist)->u.getdomaininfolist;
    ask->first_domain = (domid_t)first;
    ask->max_domains = (uint32_t)(nr < room ? nr : room);
    set_xen_guest_handle(ask->buffer, list);
    rc = hv_xen_do_sysctl(xen);
    if (rc < 0) {
        return rc;
    }
    for (i = 0; i < ask->num_domains && i < nr && i < room; i++) {
        hv_xen_fill_info(&list[i], &out[i]);
    }
    return (int)i;
}

static int version(struct hv_xen *xen, int cmd, void *buffer)
{
    return xencall2(xen->call, __HYPERVISOR_xen_version, (uint64_t)cmd, (uintptr_t)buffer);
}

/* Copies a string of Xen's that may lack its NUL. */
static void take_string(char *to, size_t size, const char *from, size_t length)
{
    size_t n = strnlen(from, length < size - 1 ? length : size - 1);

    memcpy(to, from, n);
    to[n] = '\0';
}

static void host_strings(struct hv_xen *xen, struct hv_host *out)
{
    struct xen_compile_info *compile = xen->data;
    char *text = xen->data;
    int r;

    r = version(xen, XENVER_version, NULL);
    if (r >= 0) {
        out->major = (uint32_t)r >> 16;
        out->minor = (uint32_t)r & 0xffff;
    }
    r = version(xen, XENVER_pagesize, NULL);
    out->page_size = r > 0 ? (uint32_t)r : HV_PAGE_SIZE;
    memset(xen->data, 0, HV_PAGE_SIZE);
    if (version(xen, XENVER_extraversion, text) >= 0) {
        take_string(out->extra, sizeof(out->extra), text, sizeof(xen_extraversion_t));
    }
    memset(xen->data, 0, HV_PAGE_SIZE);
    if (version(xen, XENVER_capabilities, text) >= 0) {
        take_string(out->capabilities, sizeof(out->capabilities), text,
                    sizeof(xen_capabilities_info_t));
    }
    memset(xen->data, 0, HV_PAGE_SIZE);
    if (version(xen, XENVER_changeset, text) >= 0) {
        take_string(out->changeset, sizeof(out->changeset), text, sizeof(xen_changeset_info_t));
    }
    memset(xen->data, 0, HV_PAGE_SIZE);
    if (version(xen, XENVER_commandline, text) >= 0) {
        take_string(out->command_line, sizeof(out->command_line), text, sizeof(xen_commandline_t));
    }
    memset(xen->data, 0, HV_PAGE_SIZE);
    if (version(xen, XENVER_compile_info, compile) >= 0) {
        take_string(out->compiler, sizeof(out->compiler), compile->compiler,
                    sizeof(compile->compiler));
        take_string(out->compile_date, sizeof(out->compile_date), compile->compile_date,
                    sizeof(compile->compile_date));
    }
}

int hv_xen_host(struct hv *hv, struct hv_host *out)
{
    struct hv_xen *xen = hv_xen(hv);
    struct xen_sysctl_physinfo *physical = &sysctl(xen, XEN_SYSCTL_physinfo)->u.physinfo;
    int rc = hv_xen_do_sysctl(xen);

    if (rc < 0) {
        return rc;
    }
    memset(out, 0, sizeof(*out));
    out->cpus = physical->nr_cpus;
    out->nodes = physical->nr_nodes;
    out->cores_per_socket = physical->cores_per_socket;
    out->threads_per_core = physical->threads_per_core;
    out->cpu_khz = physical->cpu_khz;
    memcpy(out->hw_caps, physical->hw_cap, sizeof(out->hw_caps));
    out->total_pages = physical->total_pages;
    out->free_pages = physical->free_pages;
    out->scrub_pages = physical->scrub_pages;
    out->outstanding_pages = physical->outstanding_pages;
    host_strings(xen, out);
    return 0;
}

int hv_xen_find(struct hv *hv, const uint8_t uuid[16], uint32_t *domid)
{
    struct hv_xen *xen = hv_xen(hv);
    struct noxs_op_find *find = xen->control;

    memset(find, 0, sizeof(*find));
    memcpy(find->handle, uuid, sizeof(find->handle));
    if (xencall2(xen->call, NOXS_HYPERCALL, NOXS_OP_FIND, (uintptr_t)find) < 0)
        return errno == EOPNOTSUPP ? -ENOSYS : -errno;
    *domid = find->domid;
    return 0;
}

int hv_xen_changed(struct hv *hv, uint32_t *domids, size_t nr)
{
    struct hv_xen *xen = hv_xen(hv);
    struct noxs_op_changed *changed = xen->control;
    size_t done = 0, room, i;

    do {
        room = nr - done < NOXS_CHANGED_IDS ? nr - done : NOXS_CHANGED_IDS;
        memset(changed, 0, sizeof(*changed));
        changed->nr = (uint16_t)room;
        if (xencall2(xen->call, NOXS_HYPERCALL, NOXS_OP_CHANGED, (uintptr_t)changed) < 0)
            return done > 0 ? (int)done : errno == EOPNOTSUPP ? -ENOSYS : -errno;
        for (i = 0; i < changed->nr && i < room; i++)
            domids[done++] = changed->domid[i];
    } while (i == room && done < nr);
    return (int)done;
}

int hv_xen_noxs(struct hv *hv, uint32_t domid, struct hv_noxs *out)
{
    struct hv_xen *xen = hv_xen(hv);
    struct noxs_op_query *query = xen->control;

    memset(query, 0, sizeof(*query));
    query->domid = (uint16_t)domid;
    if (xencall2(xen->call, NOXS_HYPERCALL, NOXS_OP_QUERY, (uintptr_t)query) < 0) {
        return -errno;
    }
    out->abi_version = query->abi_version;
    out->max_devs = query->max_devs;
    out->slots = query->slots;
    out->generation = query->generation;
    out->created_ns = query->created_ns;
    out->ready_ns = query->ready_ns;
    out->now_ns = query->now_ns;
    return 0;
}
