// SPDX-License-Identifier: GPL-2.0-only
/* The network device of a vif. */
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <net/ipv6.h>

#include "vif.h"

/* Destroyed vifs whose network devices are still to be unregistered: see vif_unpublish(). */
#define LEAVE_BATCH 16
static LIST_HEAD(leaving);
static DEFINE_SPINLOCK(leaving_lock);

/* ------------------------------------------------------------------ configuration */

/* Room for one name, ended and of legal characters. */
static int check_name(const char *name)
{
	if (strnlen(name, IFNAMSIZ) == IFNAMSIZ)
		return -EINVAL;
	return name[0] && (!dev_valid_name(name) || strchr(name, '%')) ? -EINVAL : 0;
}

static int vif_check(domid_t domid, struct noxs_dev_config *config, bool is_new)
{
	struct noxs_vif_config *vif = &config->vif;

	BUILD_BUG_ON(NOXS_IFNAMSIZ != IFNAMSIZ);
	if (memchr_inv(config->bytes + sizeof(*vif), 0, sizeof(config->bytes) - sizeof(*vif)))
		return -EINVAL;
	if (!is_valid_ether_addr(vif->mac) || vif->ipv4_prefix > 32)
		return -EINVAL;
	if (check_name(vif->bridge) || check_name(vif->ifname))
		return -EINVAL;
	if (vif->mtu == 0)
		vif->mtu = ETH_DATA_LEN;
	if (vif->mtu < ETH_MIN_MTU || vif->mtu > ETH_MAX_MTU - VLAN_ETH_HLEN)
		return -EINVAL;
	if (is_new && vif->ifname[0] == '\0')
		snprintf(vif->ifname, sizeof(vif->ifname), "vif%u.%u", domid, config->id);
	return 0;
}

void noxs_vif_tell(struct noxs_device *dev)
{
	struct noxs_vif_back *back = &dev->ctrl->vif_back;
	const struct noxs_vif_config *config = &dev->config.vif;

	memcpy(back->mac, config->mac, ETH_ALEN);
	back->mtu = config->mtu;
	back->ipv4 = config->ipv4;
	back->ipv4_prefix = config->ipv4_prefix;
}

static void vif_init(struct noxs_device *dev)
{
	struct noxs_vif *vif = to_vif(dev);

	dev->ctrl->vif_back.features = NOXS_VIF_FEATURES;
	noxs_vif_tell(dev);
	vif->hotplug = NOXS_HOTPLUG_WAITING;
	noxs_vif_announce_init(vif);
	spin_lock_init(&vif->rx_lock);
	__skb_queue_head_init(&vif->rx_queue);
}

static void vif_info(struct noxs_device *dev, struct noxs_dev_info *info)
{
	struct noxs_vif *vif = to_vif(dev);

	info->hotplug = READ_ONCE(vif->hotplug);
	if (info->hotplug == NOXS_HOTPLUG_FAILED && !info->error)
		info->error = READ_ONCE(vif->hotplug_error);
	info->ifindex = vif->ifindex;
}

/* ------------------------------------------------------------------ network device */

static int vif_open(struct net_device *netdev)
{
	netif_start_queue(netdev);
	return 0;
}

void noxs_vif_up(struct net_device *netdev)
{
	struct noxs_vif *vif = netdev_vif(netdev);

	/* What the guest sent while the device was down waits in the ring. */
	if (smp_load_acquire(&vif->connected)) {
		local_bh_disable();
		napi_schedule(&vif->napi);
		local_bh_enable();
	}
}

static int vif_stop(struct net_device *netdev)
{
	netif_stop_queue(netdev);
	noxs_vif_rx_purge(netdev_vif(netdev));
	return 0;
}

static void vif_stats(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	const struct noxs_vif *vif = netdev_vif(netdev);

	/* Seen from dom0: what the guest transmits is received here. */
	stats->rx_packets = READ_ONCE(vif->tx_packets);
	stats->rx_bytes = READ_ONCE(vif->tx_bytes);
	stats->rx_errors = READ_ONCE(vif->tx_errors);
	stats->tx_packets = READ_ONCE(vif->rx_packets);
	stats->tx_bytes = READ_ONCE(vif->rx_bytes);
	stats->tx_dropped = READ_ONCE(vif->rx_drops);
	stats->tx_errors = READ_ONCE(vif->rx_errors);
}

/* What the guest cannot take, the stack does before it hands the packet over. */
static netdev_features_t vif_features_check(struct sk_buff *skb, struct net_device *netdev,
					    netdev_features_t features)
{
	u32 front = READ_ONCE(netdev_vif(netdev)->features);

	if (!(front & NOXS_VIF_F_SG))
		features &= ~(NETIF_F_SG | NETIF_F_ALL_TSO);
	if (!(front & NOXS_VIF_F_CSUM_IPV4))
		features &= ~(NETIF_F_IP_CSUM | NETIF_F_TSO);
	if (!(front & NOXS_VIF_F_CSUM_IPV6))
		features &= ~(NETIF_F_IPV6_CSUM | NETIF_F_TSO6);
	if (!(front & NOXS_VIF_F_GSO_TCPV4))
		features &= ~NETIF_F_TSO;
	if (!(front & NOXS_VIF_F_GSO_TCPV6))
		features &= ~NETIF_F_TSO6;
	return vlan_features_check(skb, features);
}

static const struct net_device_ops vif_netdev_ops = {
	.ndo_open = vif_open,
	.ndo_stop = vif_stop,
	.ndo_start_xmit = noxs_vif_xmit,
	.ndo_features_check = vif_features_check,
	.ndo_get_stats64 = vif_stats,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static const struct ethtool_ops vif_ethtool_ops = {
	.get_link = ethtool_op_get_link,
};

bool noxs_vif_is_netdev(const struct net_device *netdev)
{
	return netdev->netdev_ops == &vif_netdev_ops;
}

/* The highest address that is not a broadcast: a bridge takes the lowest one of its ports. */
static const u8 netdev_mac[ETH_ALEN] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };

void noxs_netdev_setup(struct net_device *netdev)
{
	ether_setup(netdev);
	/* Packets that a guest has no room for wait with us, up to a limit, and not in a qdisc. */
	netdev->priv_flags |= IFF_NO_QUEUE;
	netdev->hw_features = NETIF_F_SG | NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM | NETIF_F_TSO |
			      NETIF_F_TSO6;
	/* Leaving with a network namespace, it would be unregistered behind our back. */
	netdev->features = netdev->hw_features | NETIF_F_NETNS_LOCAL;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = ETH_MAX_MTU - VLAN_ETH_HLEN;
	eth_hw_addr_set(netdev, netdev_mac);
}

static void vif_setup(struct net_device *netdev)
{
	noxs_netdev_setup(netdev);
	netdev->netdev_ops = &vif_netdev_ops;
	netdev->ethtool_ops = &vif_ethtool_ops;
	netdev->rtnl_link_ops = &noxs_vif_link_ops;
	/* One of a pool is up before it gets its guest's name. */
	netdev->priv_flags |= IFF_LIVE_RENAME_OK;
	/*
	 * The link is up before the guest is there. Were it to come up with the guest, a work item
	 * would tell the bridge, which until then drops what the guest sends: first of all its
	 * announcement.
	 */
	netdev->operstate = IF_OPER_UP;
}

/* No uevent: nothing but xendevd, which listens to rtnetlink, is to act on the device. */
static void suppress_uevents(struct net_device *netdev)
{
	dev_set_uevent_suppress(&netdev->dev, 1);
	netdev->_rx[0].kobj.uevent_suppress = 1;
	netdev->_tx[0].kobj.uevent_suppress = 1;
}

/*
 * A port of a bridge has no addresses. IPv6 makes no state (some 60 sysctls) for a device whose MTU
 * is too small when it is registered, and leaves a slave alone when it comes up: so neither that
 * work nor its packets to the guest. The MTU is set before anybody is told of it.
 */
void noxs_netdev_no_ipv6(struct net_device *netdev)
{
	netdev->mtu = IPV6_MIN_MTU - 1;
	netdev->flags |= IFF_SLAVE;
}

void noxs_vif_mtu(struct net_device *netdev)
{
	netdev->mtu = netdev_vif(netdev)->dev.config.vif.mtu;
}

static int vif_publish(struct noxs_device *dev)
{
	struct noxs_vif *vif = to_vif(dev);
	struct net_device *netdev;
	int rc;

	netdev = alloc_netdev(sizeof(struct noxs_vif *), dev->config.vif.ifname, NET_NAME_USER,
			      vif_setup);
	if (!netdev)
		return -ENOMEM;
	*(struct noxs_vif **)netdev_priv(netdev) = vif;
	netdev->mtu = dev->config.vif.mtu;
	if (dev->config.vif.bridge[0])
		noxs_netdev_no_ipv6(netdev);
	suppress_uevents(netdev);
	netif_napi_add(netdev, &vif->napi, noxs_vif_poll);
	vif->netdev = netdev;
	rc = register_netdevice(netdev);
	if (rc)
		goto err_register;
	vif->ifindex = netdev->ifindex;
	return 0;

err_register:
	vif->netdev = NULL;
	__netif_napi_del(&vif->napi);
	free_netdev(netdev);
	return rc == -EEXIST ? -EADDRINUSE : rc;
}

/* Exported to modules, but declared in a header of RCU's own. */
void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);

static void leave_work(struct work_struct *work)
{
	struct noxs_vif *vif, *next;
	unsigned int n;
	bool more;
	LIST_HEAD(vifs);
	LIST_HEAD(netdevs);

	spin_lock(&leaving_lock);
	for (n = 0; n < LEAVE_BATCH && !list_empty(&leaving); n++)
		list_move_tail(leaving.next, &vifs);
	more = !list_empty(&leaving);
	spin_unlock(&leaving_lock);

	/*
	 * A bridge waits for a grace period of RCU for each port that it loses, three ticks of
	 * the clock, and all that time nobody else can make a device.
	 */
	rcu_expedite_gp();
	rtnl_lock();
	list_for_each_entry(vif, &vifs, leaving)
		unregister_netdevice_queue(vif->netdev, &netdevs);
	unregister_netdevice_many(&netdevs);
	rtnl_unlock();
	rcu_unexpedite_gp();

	list_for_each_entry_safe(vif, next, &vifs, leaving) {
		free_netdev(vif->netdev);
		noxs_put(&vif->dev);
	}
	if (more)
		schedule_work(work);
}

static DECLARE_WORK(leave, leave_work);

/*
 * Unregistering waits for RCU several times, tens of milliseconds that nobody needs to wait for.
 * What the device held of its guest is gone already, so a work item does it, for as many
 * devices at once as there are by then, within a limit.
 */
static void vif_unpublish(struct noxs_device *dev)
{
	struct noxs_vif *vif = to_vif(dev);

	__netif_napi_del(&vif->napi);
	kref_get(&dev->ref);
	spin_lock(&leaving_lock);
	list_add_tail(&vif->leaving, &leaving);
	spin_unlock(&leaving_lock);
	schedule_work(&leave);
	noxs_vif_hotplug_over();
}

void noxs_vif_flush(void)
{
	/* True as long as it was at work; it may have begun a second batch. */
	while (flush_work(&leave))
		;
}

const struct noxs_type noxs_vif_type = {
	.name = "vif",
	.size = sizeof(struct noxs_vif),
	.check = vif_check,
	.init = vif_init,
	.publish = vif_publish,
	.unpublish = vif_unpublish,
	.configure = noxs_vif_configure,
	.connect = noxs_vif_connect,
	.disconnect = noxs_vif_disconnect,
	.data_pending = noxs_vif_data_pending,
	.data_start = noxs_vif_data_start,
	.info = vif_info,
};

/* ------------------------------------------------------------------ module */

int noxs_vif_init(void)
{
	int rc;

	rc = noxs_vif_tx_init();
	if (rc)
		return rc;
	rc = noxs_vif_rx_init();
	if (rc)
		goto err_rx;
	rc = noxs_vif_rings_warm();
	if (rc)
		goto err_rings;
	rc = noxs_vif_hotplug_init();
	if (rc)
		goto err_hotplug;
	rc = noxs_hub_init();
	if (rc)
		goto err_hub;
	return 0;

err_hub:
	noxs_vif_hotplug_exit();
err_hotplug:
err_rings:
	noxs_vif_rx_exit();
err_rx:
	noxs_vif_tx_exit();
	return rc;
}

void noxs_vif_exit(void)
{
	noxs_vif_flush();
	noxs_hub_exit();
	noxs_vif_hotplug_exit();
	noxs_vif_rx_exit();
	noxs_vif_tx_exit();
}
