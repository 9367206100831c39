// SPDX-License-Identifier: BSD-3-Clause
#include "dom0.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

xencall_handle *calls;
xc_interface *ctrl;
xenforeignmemory_handle *foreign;
static unsigned int checks, failures;

void check(bool good, const char *what, const char *file, int line)
{
    checks++;
    if (good)
        return;
    failures++;
    printf("FAILED %s:%d: %s (errno %d)\n", file, line, what, errno);
}

void check_rc(int rc, int err, const char *what, const char *file, int line)
{
    char text[200];

    snprintf(text, sizeof(text), "%s gives %d, not %d", what, rc, err);
    check(rc == err, text, file, line);
}

void need(bool good, const char *what)
{
    if (good)
        return;
    printf("FAILED: cannot %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The address goes to Xen as it is. 0 or a negative errno. */
int raw_op(unsigned int op, uint64_t address)
{
    return xencall2(calls, NOXS_HYPERCALL, op, address) < 0 ? -errno : 0;
}

int noxs_op(unsigned int op, void *arg, size_t size)
{
    void *buffer = xencall_alloc_buffer(calls, size);
    int rc;

    need(buffer, "allocate a hypercall buffer");
    memcpy(buffer, arg, size);
    rc = raw_op(op, (uintptr_t)buffer);
    memcpy(arg, buffer, size);
    xencall_free_buffer(calls, buffer);
    return rc;
}

int query(uint32_t domid, struct noxs_op_query *out)
{
    memset(out, 0xff, sizeof(*out));
    out->domid = (uint16_t)domid;
    return noxs_op(NOXS_OP_QUERY, out, sizeof(*out));
}

/* pool: of processors; with one that is not there, creation fails after the page was made. */
int try_domain(bool translated, uint32_t pool, uint32_t *domid)
{
    struct xen_domctl_createdomain config = {
        .flags = translated ? XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap : 0,
        .max_vcpus = 1,
        .max_evtchn_port = -1,
        .max_grant_frames = 4,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
        .cpupool_id = pool,
        .arch.emulation_flags = translated ? XEN_X86_EMU_LAPIC : 0,
    };
    char label[] = "system_u:system_r:domU_t";

    /* Fails, and is not needed, where FLASK is off. */
    if (xc_flask_context_to_sid(ctrl, label, sizeof(label) - 1, &config.ssidref) != 0)
        config.ssidref = 0;
    *domid = 0;
    return xc_domain_create(ctrl, domid, &config);
}

uint32_t make_domain(bool translated)
{
    uint32_t domid;

    need(try_domain(translated, 0, &domid) == 0, "create a domain");
    return domid;
}

void resume_domain(uint32_t domid)
{
    struct xen_domctl *op = xencall_alloc_buffer(calls, sizeof(*op));

    need(op, "allocate a hypercall buffer");
    *op = (struct xen_domctl){.cmd = XEN_DOMCTL_resumedomain,
                              .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                              .domain = (domid_t)domid};
    need(xencall1(calls, __HYPERVISOR_domctl, (uintptr_t)op) == 0, "have a domain go on");
    xencall_free_buffer(calls, op);
}

bool is_gone(uint32_t domid)
{
    struct noxs_op_query q;

    for (int i = 0; i < PATIENT; i++) {
        if (query(domid, &q) == -ESRCH)
            return true;
        usleep(10000);
    }
    return false;
}

void destroy_domain(uint32_t domid)
{
    need(xc_domain_destroy(ctrl, domid) == 0, "destroy a domain");
    CHECK(is_gone(domid));
}

void open_xen(void)
{
    calls = xencall_open(NULL, 0);
    ctrl = xc_interface_open(NULL, NULL, 0);
    foreign = xenforeignmemory_open(NULL, 0);
    need(calls && ctrl && foreign, "talk to Xen");
}

int result(void)
{
    printf("%u checks, %u failed\n", checks, failures);
    return failures ? 1 : 0;
}
