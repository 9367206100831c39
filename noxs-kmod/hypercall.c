// SPDX-License-Identifier: GPL-2.0-only
/* The noxs hypercall. */
#include <asm/xen/hypercall.h>

#include "noxs.h"

#define __HYPERVISOR_noxs_op NOXS_HYPERCALL

int noxs_hv_query(struct noxs_op_query *query)
{
	memset(query, 0, sizeof(*query));
	query->domid = NOXS_DOMID_SELF;
	return _hypercall2(long, noxs_op, NOXS_OP_QUERY, query);
}

int noxs_hv_add(struct noxs_op_devs *devs)
{
	return _hypercall2(long, noxs_op, NOXS_OP_ADD, devs);
}

int noxs_hv_remove(struct noxs_op_devs *devs)
{
	return _hypercall2(long, noxs_op, NOXS_OP_REMOVE, devs);
}
