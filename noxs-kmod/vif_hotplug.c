// SPDX-License-Identifier: GPL-2.0-only
/* How far xendevd got with a vif, and what rtnetlink tells it about one. */
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/wait.h>
#include <net/netlink.h>
#include <net/rtnetlink.h>

#include "vif.h"

static DECLARE_WAIT_QUEUE_HEAD(hotplug_wait);

/* ------------------------------------------------------------------ attributes of the link */

static size_t link_get_size(const struct net_device *netdev)
{
	return nla_total_size(sizeof(u16)) * 2 + nla_total_size(NOXS_IFNAMSIZ);
}

static int link_fill_info(struct sk_buff *skb, const struct net_device *netdev)
{
	/* Constant as long as the netdev is there. */
	const struct noxs_device *dev = &netdev_vif(netdev)->dev;
	const char *bridge = dev->config.vif.bridge;

	if (nla_put_u16(skb, NOXS_VIF_ATTR_DOMID, dev->domid) ||
	    nla_put_u16(skb, NOXS_VIF_ATTR_ID, dev->id) ||
	    (bridge[0] && nla_put_string(skb, NOXS_VIF_ATTR_BRIDGE, bridge)))
		return -EMSGSIZE;
	return 0;
}

/* Without setup, users can neither make nor delete such links. */
struct rtnl_link_ops noxs_vif_link_ops = {
	.kind = NOXS_VIF_KIND,
	.maxtype = NOXS_VIF_ATTR_MAX,
	.get_size = link_get_size,
	.fill_info = link_fill_info,
};

/* ------------------------------------------------------------------ states */

/* Under rtnl. */
static u32 hotplug_state(const struct noxs_vif *vif, struct net_device *netdev)
{
	bool wants_bridge = vif->dev.config.vif.bridge[0];

	if (wants_bridge && !netdev_master_upper_dev_get(netdev))
		return NOXS_HOTPLUG_WAITING;
	if (netdev->flags & IFF_UP)
		return NOXS_HOTPLUG_DONE;
	return wants_bridge ? NOXS_HOTPLUG_ENSLAVED : NOXS_HOTPLUG_WAITING;
}

static void hotplug_update(struct noxs_vif *vif, struct net_device *netdev)
{
	u32 state = hotplug_state(vif, netdev);

	/* A failure stands until all is well. */
	if (vif->hotplug == NOXS_HOTPLUG_FAILED && state != NOXS_HOTPLUG_DONE)
		return;
	WRITE_ONCE(vif->hotplug, state);
	if (state == NOXS_HOTPLUG_DONE)
		wake_up_all(&hotplug_wait);
}

static int hotplug_notify(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(info);

	if (!noxs_vif_is_netdev(netdev))
		return NOTIFY_DONE;
	if (event == NETDEV_REGISTER)
		noxs_vif_mtu(netdev);
	else if (event == NETDEV_CHANGEUPPER || event == NETDEV_UP || event == NETDEV_DOWN)
		hotplug_update(netdev_vif(netdev), netdev);
	if (event == NETDEV_CHANGEUPPER || event == NETDEV_UP || event == NETDEV_DOWN)
		noxs_hub_update_vif(netdev);
	if (event == NETDEV_UP)
		noxs_vif_up(netdev);
	return NOTIFY_DONE;
}

/* Called after IPv6's and the bridge's. */
static struct notifier_block hotplug_block = { .notifier_call = hotplug_notify, .priority = -1 };

void noxs_vif_hotplug_failed(struct noxs_device *dev, u32 error)
{
	struct noxs_vif *vif = to_vif(dev);

	WRITE_ONCE(vif->hotplug_error, error);
	smp_wmb();
	WRITE_ONCE(vif->hotplug, NOXS_HOTPLUG_FAILED);
	wake_up_all(&hotplug_wait);
}

void noxs_vif_hotplug_over(void)
{
	wake_up_all(&hotplug_wait);
}

static bool hotplug_over(const struct noxs_vif *vif)
{
	u32 state = READ_ONCE(vif->hotplug);

	return state == NOXS_HOTPLUG_DONE || state == NOXS_HOTPLUG_FAILED;
}

long noxs_vif_wait(struct noxs_device *dev, u32 timeout_ms)
{
	struct noxs_vif *vif = to_vif(dev);
	long left;

	left = wait_event_interruptible_timeout(hotplug_wait,
						hotplug_over(vif) || !READ_ONCE(dev->live),
						msecs_to_jiffies(timeout_ms));
	if (!READ_ONCE(dev->live))
		return -ENOENT;
	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

/* ------------------------------------------------------------------ module */

int noxs_vif_hotplug_init(void)
{
	int rc;

	rc = rtnl_link_register(&noxs_vif_link_ops);
	if (rc)
		return rc;
	rc = register_netdevice_notifier(&hotplug_block);
	if (rc)
		goto err_notifier;
	return 0;

err_notifier:
	rtnl_link_unregister(&noxs_vif_link_ops);
	return rc;
}

void noxs_vif_hotplug_exit(void)
{
	unregister_netdevice_notifier(&hotplug_block);
	rtnl_link_unregister(&noxs_vif_link_ops);
}
