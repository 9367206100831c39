// SPDX-License-Identifier: BSD-3-Clause
/* Runs in dom0 beside a guest under test: gives it a device, reads its console ring. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xencall.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>

#include "noxs_abi.h"

static int fail(const char *what)
{
    fprintf(stderr, "noxs_ctl: %s: %s\n", what, strerror(errno));
    return 1;
}

static int add(uint16_t domid)
{
    xencall_handle *calls = xencall_open(NULL, 0);
    struct noxs_op_devs *op = calls ? xencall_alloc_buffer(calls, sizeof(*op)) : NULL;

    if (!op)
        return fail("xencall");
    memset(op, 0, sizeof(*op));
    op->domid = domid;
    op->nr = 1;
    op->dev[0].type = NOXS_DEV_VIF;
    if (xencall2(calls, NOXS_HYPERCALL, NOXS_OP_ADD, (uintptr_t)op) < 0)
        return fail("NOXS_OP_ADD");
    return 0;
}

static int console(uint16_t domid)
{
    xc_interface *ctrl = xc_interface_open(NULL, NULL, 0);
    xenforeignmemory_handle *foreign = xenforeignmemory_open(NULL, 0);
    const struct xencons_interface *ring;
    uint64_t value;
    xen_pfn_t pfn;
    int err = 0;

    if (!ctrl || !foreign || xc_hvm_param_get(ctrl, domid, HVM_PARAM_CONSOLE_PFN, &value))
        return fail("no console");
    pfn = value;
    ring = xenforeignmemory_map(foreign, domid, PROT_READ, 1, &pfn, &err);
    if (!ring || err)
        return fail("the console ring cannot be mapped");
    for (XENCONS_RING_IDX at = 0; at != ring->out_prod && at < sizeof(ring->out); at++)
        putchar(ring->out[at]);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "add") == 0)
        return add((uint16_t)atoi(argv[2]));
    if (argc == 3 && strcmp(argv[1], "console") == 0)
        return console((uint16_t)atoi(argv[2]));
    fprintf(stderr, "usage: noxs_ctl add|console DOMID\n");
    return 2;
}
