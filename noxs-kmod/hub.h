/* SPDX-License-Identifier: GPL-2.0-only */
/* A hub, and how what is flooded reaches its vifs. */
#ifndef NOXS_HUB_H
#define NOXS_HUB_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "filter_table.h"
#include "vif.h"

struct noxs_hub {
	struct net_device *netdev;
	u32 uplink;			/* ifindex; 0: it has none. Constant */

	/* Changed under rtnl. */
	struct net_device *bridge;	/* that it is on, and up */
	struct list_head node;		/* in the list of all */
	struct noxs_hub *root;		/* that passes on to our vifs what our uplink is spared */
	bool had_root;			/* before */

	/* Changed under rtnl, read under RCU. */
	struct list_head branches;
	struct list_head branch_node;
	struct list_head tables;	/* struct noxs_hub_table */
};

/* Some vifs of a hub. */
struct noxs_hub_table {
	struct list_head node;
	struct rcu_head rcu;
	u64 taken;			/* under rtnl: slots of vifs */
	struct noxs_vif *vif[NOXS_FILTER_SLOTS];
	struct noxs_filter_table filters; /* of those that are connected */
};

/* hub_flood.c */
netdev_tx_t noxs_hub_xmit(struct sk_buff *skb, struct net_device *netdev);
/* Under rtnl; -ENOMEM. */
int noxs_hub_add_vif(struct noxs_hub *hub, struct noxs_vif *vif);
void noxs_hub_remove_vif(struct noxs_vif *vif);

#endif
