// SPDX-License-Identifier: GPL-2.0-only
/* Order of initialisation, and its mirror. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/init.h>
#include <linux/module.h>
#include <xen/xen.h>

#include "noxs.h"
#include "vif.h"

static int __init check_hypervisor(void)
{
	struct noxs_op_query query;
	int rc;

	if (!xen_initial_domain()) {
		pr_err("this is not the control domain of a Xen host\n");
		return -ENODEV;
	}
	rc = noxs_hv_query(&query);
	if (rc == -ENOSYS) {
		pr_err("this hypervisor has no noxs: boot the patched Xen\n");
		return -ENODEV;
	}
	if (rc) {
		pr_err("the hypervisor refused a noxs query: error %d\n", rc);
		return rc;
	}
	if (query.abi_version != NOXS_ABI_VERSION) {
		pr_err("the hypervisor speaks noxs %u, this module %u\n", query.abi_version,
		       NOXS_ABI_VERSION);
		return -EPROTO;
	}
	return 0;
}

static int __init noxs_init(void)
{
	int rc;

	rc = check_hypervisor();
	if (rc)
		return rc;
	rc = noxs_devices_init();
	if (rc)
		return rc;
	rc = noxs_vif_init();
	if (rc)
		goto err_vif;
	rc = noxs_chardev_init();
	if (rc)
		goto err_chardev;
	return 0;

err_chardev:
	noxs_vif_exit();
err_vif:
	noxs_devices_exit();
	return rc;
}

static void __exit noxs_exit(void)
{
	noxs_chardev_exit();
	noxs_vif_exit();
	noxs_devices_exit();
}

module_init(noxs_init);
module_exit(noxs_exit);
MODULE_DESCRIPTION("noxs back-ends: Xen devices without a XenStore");
MODULE_LICENSE("GPL");
