// SPDX-License-Identifier: GPL-2.0-only
/* sysctl: asks a domain to power off, reboot or suspend. */
#include <linux/err.h>
#include <asm/barrier.h>

#include "noxs.h"

struct noxs_sysctl {
	struct noxs_device dev;
	u32 sequence;			/* under dev.lock */
};

static int sysctl_check(domid_t domid, struct noxs_dev_config *config, bool is_new)
{
	return memchr_inv(config->bytes, 0, sizeof(config->bytes)) || config->id ? -EINVAL : 0;
}

static int sysctl_connect(struct noxs_device *dev)
{
	return 0;
}

static void sysctl_disconnect(struct noxs_device *dev)
{
}

int noxs_sysctl_request(domid_t domid, u32 request, u32 *sequence)
{
	struct noxs_device *dev;
	struct noxs_sysctl *sysctl;
	u32 features;
	int rc = 0;

	if (request < NOXS_SYSCTL_POWEROFF || request > NOXS_SYSCTL_SUSPEND)
		return -EINVAL;
	dev = noxs_get(domid, NOXS_DEV_SYSCTL, 0);
	if (!dev)
		return -ENODEV;
	sysctl = container_of(dev, struct noxs_sysctl, dev);

	mutex_lock(&dev->lock);
	/* The work item may not have run since the front-end connected. */
	noxs_device_update(dev);
	if (!dev->live) {
		rc = -ENODEV;
	} else if (!dev->connected) {
		rc = -ENOTCONN;
	} else {
		features = READ_ONCE(dev->ctrl->sysctl_front.features);
		if (!(features & BIT(request)))
			rc = -EOPNOTSUPP;
	}
	if (!rc) {
		*sequence = ++sysctl->sequence;
		WRITE_ONCE(dev->ctrl->sysctl_back.request, request);
		virt_wmb();
		WRITE_ONCE(dev->ctrl->sysctl_back.sequence, *sequence);
		noxs_ctrl_notify(dev);
	}
	mutex_unlock(&dev->lock);
	noxs_put(dev);
	return rc;
}

const struct noxs_type noxs_sysctl_type = {
	.name = "sysctl",
	.size = sizeof(struct noxs_sysctl),
	.check = sysctl_check,
	.connect = sysctl_connect,
	.disconnect = sysctl_disconnect,
};
