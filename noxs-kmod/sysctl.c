// SPDX-License-Identifier: GPL-2.0-only
/* sysctl: asks a domain to power off, reboot or suspend. */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <asm/barrier.h>

#include "noxs.h"

struct noxs_sysctl {
	struct noxs_device dev;
	u32 sequence;			/* written under dev.lock */
	u32 acknowledged;		/* by the front-end; written by the handler */
};

static DECLARE_WAIT_QUEUE_HEAD(acknowledge_wait);

static struct noxs_sysctl *to_sysctl(struct noxs_device *dev)
{
	return container_of(dev, struct noxs_sysctl, dev);
}

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
	wake_up_all(&acknowledge_wait);
}

static void sysctl_unpublish(struct noxs_device *dev)
{
	wake_up_all(&acknowledge_wait);
}

static bool sysctl_acknowledged(struct noxs_device *dev)
{
	return READ_ONCE(dev->ctrl->sysctl_front.acknowledged) !=
	       READ_ONCE(to_sysctl(dev)->acknowledged);
}

static void sysctl_acknowledge(struct noxs_device *dev)
{
	struct noxs_sysctl *sysctl = to_sysctl(dev);
	u32 acknowledged = READ_ONCE(dev->ctrl->sysctl_front.acknowledged);

	WRITE_ONCE(sysctl->acknowledged, acknowledged);
	/* Of what was not asked there is no end. */
	if (acknowledged != READ_ONCE(sysctl->sequence))
		atomic_or(NOXS_EVENT_SLOW, &dev->events);
	wake_up_all(&acknowledge_wait);
	noxs_event_done(dev, NOXS_EVENT_DATA);
}

static void sysctl_info(struct noxs_device *dev, struct noxs_dev_info *info)
{
	info->acknowledged = READ_ONCE(to_sysctl(dev)->acknowledged);
}

static bool wait_is_over(struct noxs_sysctl *sysctl)
{
	return READ_ONCE(sysctl->acknowledged) == READ_ONCE(sysctl->sequence) ||
	       !READ_ONCE(sysctl->dev.connected) || !READ_ONCE(sysctl->dev.live);
}

long noxs_sysctl_wait(struct noxs_device *dev, u32 timeout_ms)
{
	struct noxs_sysctl *sysctl = to_sysctl(dev);
	long left;

	left = wait_event_interruptible_timeout(acknowledge_wait, wait_is_over(sysctl),
						msecs_to_jiffies(timeout_ms));
	if (!READ_ONCE(dev->live))
		return -ENOENT;
	if (left < 0)
		return left;
	if (!READ_ONCE(dev->connected))
		return -ENOTCONN;
	return left ? 0 : -ETIMEDOUT;
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
	sysctl = to_sysctl(dev);

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
		*sequence = sysctl->sequence + 1;
		WRITE_ONCE(sysctl->sequence, *sequence);
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
	.unpublish = sysctl_unpublish,
	.connect = sysctl_connect,
	.disconnect = sysctl_disconnect,
	.data_pending = sysctl_acknowledged,
	.data_start = sysctl_acknowledge,
	.info = sysctl_info,
};
