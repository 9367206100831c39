// SPDX-License-Identifier: BSD-3-Clause
#include "chaos.h"

#include <errno.h>
#include <string.h>

#include <chaos/host.h>

_Static_assert(sizeof(((struct chaos_host *)0)->xen_caps) ==
                   sizeof(((struct hv_host *)0)->capabilities),
               "strings are copied whole");

int chaos_host_info(struct chaos *chaos, struct chaos_host *out, struct chaos_error *err)
{
    struct hv_noxs noxs;
    struct hv_host host;
    int rc = chaos->hv->ops->host(chaos->hv, &host);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen about the host");
    memset(out, 0, sizeof(*out));
    out->xen_major = host.major;
    out->xen_minor = host.minor;
    memcpy(out->xen_extra, host.extra, sizeof(out->xen_extra));
    memcpy(out->xen_caps, host.capabilities, sizeof(out->xen_caps));
    memcpy(out->xen_changeset, host.changeset, sizeof(out->xen_changeset));
    memcpy(out->xen_commandline, host.command_line, sizeof(out->xen_commandline));
    memcpy(out->compiler, host.compiler, sizeof(out->compiler));
    memcpy(out->compile_date, host.compile_date, sizeof(out->compile_date));
    out->page_size = host.page_size;
    out->cpus = host.cpus;
    out->nodes = host.nodes;
    out->cores_per_socket = host.cores_per_socket;
    out->threads_per_core = host.threads_per_core;
    out->cpu_khz = host.cpu_khz;
    memcpy(out->hw_caps, host.hw_caps, sizeof(out->hw_caps));
    out->total_kib = host.total_pages << (HV_PAGE_SHIFT - 10);
    out->free_kib = host.free_pages << (HV_PAGE_SHIFT - 10);
    if (chaos->hv->ops->noxs(chaos->hv, 0, &noxs) == 0)
        out->noxs_version = noxs.abi_version;
    return 0;
}
