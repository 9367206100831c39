// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hub: a network device that, put on a bridge, takes what the bridge would flood to each vif there,
 * and passes it on to those that want it. A bridge copies a broadcast for every port (1.35 us of
 * virtual time).
 *
 *   ip link add NAME type noxshub && ip link set NAME master BRIDGE up
 *
 * A hub with an uplink is a branch. Its bridge is a part of another one, that the uplink is a port of:
 *
 *   ip link add NAME link UPLINK type noxshub
 *
 * The hub of the uplink's bridge passes on to the vifs of its branches, too, so that the uplink is
 * spared and a broadcast does not go through the bridge of every branch. While there are other ports than
 * vifs on that bridge (xen-netback's), which only it reaches, its hub is no branch.
 *
 * For a bridge without VLANs: the hub does not know which port is in which.
 */
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <net/ipv6.h>
#include <net/netlink.h>
#include <net/rtnetlink.h>

#include "hub.h"
#include "vif.h"

static LIST_HEAD(hubs);			/* under rtnl */

/* ------------------------------------------------------------------ who is on the same bridge */

static int set_flag(struct net_device *port, struct net_device *bridge, u16 flag, bool on)
{
	struct {
		struct nlattr header;
		u8 value;
	} attr = { { nla_attr_size(sizeof(u8)), flag }, on };
	struct nlattr *data[IFLA_BRPORT_MAX + 1] = {};
	const struct rtnl_link_ops *ops = bridge->rtnl_link_ops;

	if (!netif_is_bridge_master(bridge) || !ops || !ops->slave_changelink)
		return -EOPNOTSUPP;
	data[flag] = &attr.header;
	return ops->slave_changelink(bridge, port, NULL, data, NULL);
}

/* A port that answers for others (proxy ARP) is spared what is flooded, whoever sent it. */
static int set_spared(struct net_device *port, struct net_device *bridge, bool spared)
{
	return set_flag(port, bridge, IFLA_BRPORT_PROXYARP, spared);
}

static void join(struct noxs_vif *vif, struct noxs_hub *hub)
{
	if (set_spared(vif->netdev, hub->bridge, true))
		return;
	if (noxs_hub_add_vif(hub, vif))
		set_spared(vif->netdev, hub->bridge, false);
}

static void leave(struct noxs_vif *vif)
{
	struct net_device *bridge = vif->hub->bridge;

	noxs_hub_remove_vif(vif);
	if (netdev_master_upper_dev_get(vif->netdev) == bridge)
		set_spared(vif->netdev, bridge, false);
}

static struct noxs_hub *find_hub(const struct net_device *bridge)
{
	struct noxs_hub *hub;

	list_for_each_entry(hub, &hubs, node)
		if (bridge && hub->bridge == bridge)
			return hub;
	return NULL;
}

void noxs_hub_update_vif(struct net_device *netdev)
{
	struct noxs_vif *vif = netdev_vif(netdev);
	struct noxs_hub *hub = NULL;

	if (netdev->flags & IFF_UP)
		hub = find_hub(netdev_master_upper_dev_get(netdev));
	if (hub == vif->hub)
		return;
	if (vif->hub)
		leave(vif);
	if (hub)
		join(vif, hub);
}

static void leave_all(struct noxs_hub *hub)
{
	struct noxs_hub_table *table, *next;
	unsigned int slot;

	list_for_each_entry_safe(table, next, &hub->tables, node) {
		u64 taken = table->taken; /* the table goes with its last vif */

		for (; taken; taken &= taken - 1) {
			slot = __ffs64(taken);
			leave(table->vif[slot]);
		}
	}
}

static void update_bridge(struct noxs_hub *hub)
{
	struct net_device *bridge = NULL, *port;
	struct list_head *at;

	if (hub->netdev->flags & IFF_UP)
		bridge = netdev_master_upper_dev_get(hub->netdev);
	if (bridge == hub->bridge)
		return;
	leave_all(hub);
	/* One hub a bridge. */
	hub->bridge = find_hub(bridge) ? NULL : bridge;
	if (!hub->bridge)
		return;
	netdev_for_each_lower_dev(bridge, port, at)
		if (noxs_vif_is_netdev(port))
			noxs_hub_update_vif(port);
}

/* ------------------------------------------------------------------ branches */

/* Ports of its bridge that are neither vifs nor ends of the way up, the hub and the uplink's other end. */
static bool has_others(const struct noxs_hub *hub)
{
	struct net_device *port;
	struct list_head *at;

	netdev_for_each_lower_dev(hub->bridge, port, at)
		if (!noxs_vif_is_netdev(port) && dev_get_iflink(port) != hub->uplink)
			return true;
	return false;
}

/*
 * The root's bridge answers ARP requests on a spared uplink for guests that dom0 knows, in their name: even when
 * a guest of the branch announces itself, which the branch would then look for beyond the uplink. So it
 * learns nothing there, and sends up what is for none of its vifs.
 */
static void set_learning(const struct net_device *uplink, bool on)
{
	struct net_device *lower = __dev_get_by_index(dev_net(uplink), dev_get_iflink(uplink));
	struct net_device *bridge = lower ? netdev_master_upper_dev_get(lower) : NULL;

	if (bridge && lower != uplink && dev_get_iflink(lower) == uplink->ifindex)
		set_flag(lower, bridge, IFLA_BRPORT_LEARNING, on);
}

static struct noxs_hub *find_root(const struct noxs_hub *hub, struct net_device *uplink)
{
	struct noxs_hub *root;

	if (!uplink || !hub->bridge || has_others(hub))
		return NULL;
	root = find_hub(netdev_master_upper_dev_get(uplink));
	return root && root != hub && !root->uplink ? root : NULL;
}

static void leave_root(struct noxs_hub *hub, struct net_device *uplink)
{
	struct net_device *bridge = uplink ? netdev_master_upper_dev_get(uplink) : NULL;

	list_del_rcu(&hub->branch_node);
	hub->root = NULL;
	hub->had_root = true;
	if (bridge)
		set_spared(uplink, bridge, false);
	if (uplink)
		set_learning(uplink, true);
}

static void join_root(struct noxs_hub *hub, struct noxs_hub *root, struct net_device *uplink)
{
	if (set_spared(uplink, root->bridge, true))
		return;
	/* A reader may still be where it was before. */
	if (hub->had_root)
		synchronize_net();
	set_learning(uplink, false);
	hub->root = root;
	list_add_tail_rcu(&hub->branch_node, &root->branches);
}

static void update_root(struct noxs_hub *hub)
{
	struct net_device *uplink = NULL;
	struct noxs_hub *root;

	if (hub->uplink)
		uplink = __dev_get_by_index(dev_net(hub->netdev), hub->uplink);
	root = find_root(hub, uplink);
	if (root == hub->root)
		return;
	if (hub->root)
		leave_root(hub, uplink);
	if (root)
		join_root(hub, root, uplink);
}

/* A hub, or what may be an uplink, came to a bridge, or left one. */
static void update_roots(void)
{
	struct noxs_hub *hub;

	list_for_each_entry(hub, &hubs, node)
		update_root(hub);
}

/* ------------------------------------------------------------------ the device */

static int hub_init(struct net_device *netdev)
{
	struct noxs_hub *hub = netdev_priv(netdev);

	hub->netdev = netdev;
	INIT_LIST_HEAD(&hub->branches);
	INIT_LIST_HEAD(&hub->tables);
	list_add(&hub->node, &hubs);
	return 0;
}

static void hub_uninit(struct net_device *netdev)
{
	struct noxs_hub *hub = netdev_priv(netdev);

	list_del(&hub->node);
}

static int hub_open(struct net_device *netdev)
{
	netif_start_queue(netdev);
	return 0;
}

static int hub_stop(struct net_device *netdev)
{
	netif_stop_queue(netdev);
	return 0;
}

static int hub_get_iflink(const struct net_device *netdev)
{
	const struct noxs_hub *hub = netdev_priv(netdev);

	return hub->uplink ?: netdev->ifindex;
}

static const struct net_device_ops hub_netdev_ops = {
	.ndo_init = hub_init,
	.ndo_uninit = hub_uninit,
	.ndo_open = hub_open,
	.ndo_stop = hub_stop,
	.ndo_start_xmit = noxs_hub_xmit,
	.ndo_get_iflink = hub_get_iflink,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void hub_setup(struct net_device *netdev)
{
	static const u8 mac[ETH_ALEN] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xfe };

	noxs_netdev_setup(netdev);
	/* Not that of vifs, by which a port of a bridge is known as one. */
	eth_hw_addr_set(netdev, mac);
	netdev->netdev_ops = &hub_netdev_ops;
	netdev->needs_free_netdev = true;
	noxs_netdev_no_ipv6(netdev);
}

static int hub_newlink(struct net *net, struct net_device *netdev, struct nlattr *attrs[],
		       struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct noxs_hub *hub = netdev_priv(netdev);

	if (attrs[IFLA_LINK]) {
		hub->uplink = nla_get_u32(attrs[IFLA_LINK]);
		if (!__dev_get_by_index(net, hub->uplink))
			return -ENODEV;
	}
	return register_netdevice(netdev);
}

static struct rtnl_link_ops hub_link_ops = {
	.kind = NOXS_HUB_KIND,
	.priv_size = sizeof(struct noxs_hub),
	.setup = hub_setup,
	.newlink = hub_newlink,
};

static int hub_notify(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(info);
	bool is_hub = netdev->netdev_ops == &hub_netdev_ops;

	if (is_hub && event == NETDEV_REGISTER)
		netdev->mtu = netdev->max_mtu;
	if (event != NETDEV_CHANGEUPPER && event != NETDEV_UP && event != NETDEV_DOWN)
		return NOTIFY_DONE;
	if (is_hub)
		update_bridge(netdev_priv(netdev));
	if (is_hub || (event == NETDEV_CHANGEUPPER && !noxs_vif_is_netdev(netdev)))
		update_roots();
	return NOTIFY_DONE;
}

/* Called after the bridge's. */
static struct notifier_block hub_block = { .notifier_call = hub_notify, .priority = -1 };

int noxs_hub_init(void)
{
	int rc;

	rc = register_netdevice_notifier(&hub_block);
	if (rc)
		return rc;
	rc = rtnl_link_register(&hub_link_ops);
	if (rc)
		unregister_netdevice_notifier(&hub_block);
	return rc;
}

void noxs_hub_exit(void)
{
	rtnl_link_unregister(&hub_link_ops);
	unregister_netdevice_notifier(&hub_block);
}
