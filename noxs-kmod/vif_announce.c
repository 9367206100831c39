// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that was restored, or came from another host, is not where the bridges learned it to be.
 * Most announce themselves; for a front-end that sends nothing soon after it connected, we do.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <net/arp.h>

#include "vif.h"

#define ANNOUNCE_AFTER (HZ / 5)

/* As if the guest had sent it. Without an address to announce, any broadcast will do. */
static struct sk_buff *announcement(struct noxs_vif *vif)
{
	const u8 *mac = vif->dev.config.vif.mac;
	__be32 ip = READ_ONCE(vif->dev.ctrl->vif_front.ipv4);

	if (ip)
		return arp_create(ARPOP_REQUEST, ETH_P_ARP, ip, vif->netdev, ip, NULL, mac, NULL);
	return arp_create(ARPOP_RREQUEST, ETH_P_RARP, 0, vif->netdev, 0, NULL, mac, mac);
}

static void announce(struct work_struct *work)
{
	struct noxs_vif *vif = container_of(to_delayed_work(work), struct noxs_vif, announce);
	struct sk_buff *skb;

	if (READ_ONCE(vif->tx_packets) != vif->tx_at_connect || !netif_running(vif->netdev))
		return;
	skb = announcement(vif);
	if (!skb)
		return;
	skb->protocol = eth_type_trans(skb, vif->netdev);
	netif_rx(skb);
}

void noxs_vif_announce_init(struct noxs_vif *vif)
{
	INIT_DELAYED_WORK(&vif->announce, announce);
}

void noxs_vif_announce_later(struct noxs_vif *vif)
{
	vif->tx_at_connect = READ_ONCE(vif->tx_packets);
	schedule_delayed_work(&vif->announce, ANNOUNCE_AFTER);
}

void noxs_vif_announce_cancel(struct noxs_vif *vif)
{
	cancel_delayed_work_sync(&vif->announce);
}
