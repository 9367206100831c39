// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a bridge floods reaches those vifs that want it. To ask each of them takes longer the more there are
 * (40 ns with its lock), so tables of their filters tell 64 at a time which need not be asked.
 */
#include <linux/bitops.h>
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "arp.h"
#include "hub.h"

/* Where vifs are in tables, and what their filters are: changes of both. */
static DEFINE_SPINLOCK(filters_lock);

/* ------------------------------------------------------------------ passing on */

/* The table has a copy of the filter; this is the filter itself. */
static bool wants(struct noxs_vif *vif, const struct noxs_arp *arp)
{
	bool wanted;

	/* The control page goes once it is disconnected. */
	spin_lock(&vif->rx_lock);
	wanted = vif->connected && !noxs_arp_unwanted(arp, &vif->dev.ctrl->vif_front);
	spin_unlock(&vif->rx_lock);
	return wanted;
}

static void pass_on(struct noxs_vif *vif, struct sk_buff *skb)
{
	struct sk_buff *copy;

	if (!is_skb_forwardable(vif->netdev, skb))
		return;
	copy = skb_clone(skb, GFP_ATOMIC);
	if (!copy)
		return;
	copy->dev = vif->netdev;
	dev_queue_xmit(copy);
}

static void flood_table(const struct noxs_hub_table *table, struct sk_buff *skb,
			const struct noxs_arp *arp)
{
	const u8 *target = skb->data;
	u64 left = noxs_filter_candidates(&table->filters, target, arp);
	struct noxs_vif *vif;

	for (; left; left &= left - 1) {
		vif = READ_ONCE(table->vif[__ffs64(left)]);
		/* Not to where it came from. */
		if (!vif || vif->ifindex == skb->skb_iif)
			continue;
		if (is_unicast_ether_addr(target) &&
		    !ether_addr_equal(target, vif->dev.config.vif.mac))
			continue;
		if (wants(vif, arp))
			pass_on(vif, skb);
	}
}

static void flood_hub(const struct noxs_hub *hub, struct sk_buff *skb, const struct noxs_arp *arp)
{
	const struct noxs_hub_table *table;

	list_for_each_entry_rcu(table, &hub->tables, node)
		flood_table(table, skb, arp);
}

netdev_tx_t noxs_hub_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	const struct noxs_hub *hub = netdev_priv(netdev), *branch;
	struct noxs_arp arp;

	noxs_arp_parse(skb->data, skb_headlen(skb), &arp);
	netdev->stats.tx_packets++;
	netdev->stats.tx_bytes += skb->len;
	rcu_read_lock();
	flood_hub(hub, skb, &arp);
	/* A branch's bridge has flooded what comes from there. */
	list_for_each_entry_rcu(branch, &hub->branches, branch_node)
		if (branch->uplink != skb->skb_iif)
			flood_hub(branch, skb, &arp);
	rcu_read_unlock();
	consume_skb(skb);
	return NETDEV_TX_OK;
}

/* ------------------------------------------------------------------ who is there */

static struct noxs_hub_table *table_with_room(struct noxs_hub *hub)
{
	struct noxs_hub_table *table;

	list_for_each_entry(table, &hub->tables, node)
		if (~table->taken)
			return table;
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (table)
		list_add_tail_rcu(&table->node, &hub->tables);
	return table;
}

int noxs_hub_add_vif(struct noxs_hub *hub, struct noxs_vif *vif)
{
	struct noxs_hub_table *table = table_with_room(hub);

	if (!table)
		return -ENOMEM;
	vif->hub = hub;
	vif->hub_slot = __ffs64(~table->taken);
	table->taken |= BIT_ULL(vif->hub_slot);
	spin_lock_bh(&filters_lock);
	vif->hub_table = table;
	/* Before a bit that leads there. */
	smp_store_release(&table->vif[vif->hub_slot], vif);
	if (vif->has_filter)
		noxs_filter_change(&table->filters, vif->hub_slot, NULL, &vif->filter);
	spin_unlock_bh(&filters_lock);
	return 0;
}

void noxs_hub_remove_vif(struct noxs_vif *vif)
{
	struct noxs_hub_table *table = vif->hub_table;

	spin_lock_bh(&filters_lock);
	vif->hub_table = NULL;
	if (vif->has_filter)
		noxs_filter_change(&table->filters, vif->hub_slot, &vif->filter, NULL);
	WRITE_ONCE(table->vif[vif->hub_slot], NULL);
	spin_unlock_bh(&filters_lock);
	table->taken &= ~BIT_ULL(vif->hub_slot);
	vif->hub = NULL;
	if (!table->taken) {
		list_del_rcu(&table->node);
		kfree_rcu(table, rcu);
	}
}

void noxs_hub_filter_vif(struct noxs_vif *vif, const struct noxs_filter *filter)
{
	struct noxs_hub_table *table;

	spin_lock_bh(&filters_lock);
	table = vif->hub_table;
	if (table)
		noxs_filter_change(&table->filters, vif->hub_slot,
				   vif->has_filter ? &vif->filter : NULL, filter);
	vif->has_filter = filter;
	if (filter)
		vif->filter = *filter;
	spin_unlock_bh(&filters_lock);
}
