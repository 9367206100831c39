/* SPDX-License-Identifier: GPL-2.0-only */
/* vif: a network device in dom0, the netif rings of one guest, and what moves packets between. */
#ifndef NOXS_VIF_H
#define NOXS_VIF_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <xen/interface/io/netif.h>
#include <xen/interface/io/ring.h>

#include "filter_table.h"
#include "noxs.h"

#define NOXS_TX_ENTRIES __CONST_RING_SIZE(xen_netif_tx, XEN_PAGE_SIZE)
#define NOXS_RX_ENTRIES __CONST_RING_SIZE(xen_netif_rx, XEN_PAGE_SIZE)

#define NOXS_VIF_FEATURES \
	(NOXS_VIF_F_SG | NOXS_VIF_F_CSUM_IPV4 | NOXS_VIF_F_CSUM_IPV6 | NOXS_VIF_F_GSO_TCPV4 | \
	 NOXS_VIF_F_GSO_TCPV6)

/* Of packets for a guest that has no room for them now: bytes of memory, and time. */
#define NOXS_RX_QUEUE_BYTES	(512 * 1024)
#define NOXS_RX_STALL		(10 * HZ)

struct noxs_vif {
	struct noxs_device dev;		/* first: see struct noxs_type */
	struct net_device *netdev;	/* from publish to unpublish */
	u32 ifindex;
	struct list_head leaving;	/* unpublished, waiting for the end of its netdev */
	u32 hotplug;			/* enum noxs_hotplug; written under rtnl, or FAILED */
	u32 hotplug_error;

	/* Under rtnl: the hub of its bridge, and its place there. */
	struct noxs_hub *hub;
	unsigned int hub_slot;
	struct noxs_hub_table *hub_table; /* also under a lock of hub_flood.c, as the next two */
	bool has_filter;		/* while connected */
	struct noxs_filter filter;

	u32 filter_generation;		/* of the front-end, when it was copied */

	/* Under dev.lock. */
	struct page *ring_pages[2];
	grant_handle_t ring_handles[2];

	/* The rings are mapped. Cleared, and the readers waited for, before they go. */
	bool connected;
	u32 features;			/* of the front-end; constant while connected */

	struct delayed_work announce;	/* while connected */
	u64 tx_at_connect;		/* tx_packets then */

	/* Guest to dom0: the poll function only. */
	struct napi_struct napi;
	struct xen_netif_tx_back_ring tx;

	/* Dom0 to guest. */
	spinlock_t rx_lock;		/* bottom halves are off; guards all below */
	struct xen_netif_rx_back_ring rx;
	struct sk_buff_head rx_queue;	/* waits for slots */
	unsigned int rx_queue_bytes;
	unsigned long rx_progress;	/* jiffies: last packet that went, or began to wait */
	bool rx_starved;		/* an event is asked for when there are slots */

	/* One writer each: poll function, rx_lock. */
	u64 tx_packets, tx_bytes, tx_errors;
	u64 rx_packets, rx_bytes, rx_drops, rx_errors;
};

static inline struct noxs_vif *to_vif(struct noxs_device *dev)
{
	return container_of(dev, struct noxs_vif, dev);
}

static inline struct noxs_vif *netdev_vif(const struct net_device *netdev)
{
	return *(struct noxs_vif **)netdev_priv(netdev);
}

/* vif.c: the network device */
extern const struct noxs_type noxs_vif_type;
int noxs_vif_init(void);
void noxs_vif_exit(void);
/* Writes the configuration into the control page. */
void noxs_vif_tell(struct noxs_device *dev);
/* What all our network devices have in common. */
void noxs_netdev_setup(struct net_device *netdev);
/* Before it is registered; its MTU is to be set at NETDEV_REGISTER. */
void noxs_netdev_no_ipv6(struct net_device *netdev);
/* At NETDEV_REGISTER, after IPv6. */
void noxs_vif_mtu(struct net_device *netdev);
/* At NETDEV_UP, after the bridge. */
void noxs_vif_up(struct net_device *netdev);
/* Waits until destroyed vifs have given their names back. Not under rtnl. */
void noxs_vif_flush(void);

/* vif_configure.c */
int noxs_vif_configure(struct noxs_device *dev, struct noxs_dev_config *config);

/* vif_hotplug.c: how far xendevd got, and what it is told */
extern struct rtnl_link_ops noxs_vif_link_ops;
long noxs_vif_wait(struct noxs_device *dev, u32 timeout_ms);
void noxs_vif_hotplug_failed(struct noxs_device *dev, u32 error);
/* The device is going: nobody needs to wait for it. */
void noxs_vif_hotplug_over(void);
bool noxs_vif_is_netdev(const struct net_device *netdev);
int noxs_vif_hotplug_init(void);
void noxs_vif_hotplug_exit(void);

/* vif_announce.c: tells the bridges where a silent guest is. Cancelled before the rings go. */
void noxs_vif_announce_init(struct noxs_vif *vif);
void noxs_vif_announce_later(struct noxs_vif *vif);
void noxs_vif_announce_cancel(struct noxs_vif *vif);

/* vif_filter.c: what the front-end wants to see. The control page is there. */
void noxs_vif_filter_connect(struct noxs_vif *vif);
/* It changed, and was not looked at yet. */
bool noxs_vif_filter_pending(const struct noxs_vif *vif);
void noxs_vif_filter_look(struct noxs_vif *vif);
void noxs_vif_filter_disconnect(struct noxs_vif *vif);

/* hub.c: what a bridge floods to its vifs. */
struct noxs_hub;
struct noxs_hub_table;
/* Under rtnl: it may have come to a bridge, or left one. */
void noxs_hub_update_vif(struct net_device *netdev);
/* What it wants to see from now on; NULL: nothing. */
void noxs_hub_filter_vif(struct noxs_vif *vif, const struct noxs_filter *filter);
int noxs_hub_init(void);
void noxs_hub_exit(void);

/* vif_connect.c: rings come and go. dev->lock held. */
int noxs_vif_connect(struct noxs_device *dev);
void noxs_vif_disconnect(struct noxs_device *dev);
bool noxs_vif_data_pending(struct noxs_device *dev);
void noxs_vif_data_start(struct noxs_device *dev);
int noxs_vif_rings_warm(void);

/* vif_tx.c: guest to dom0 */
int noxs_vif_poll(struct napi_struct *napi, int budget);
int noxs_vif_tx_init(void);
void noxs_vif_tx_exit(void);

/* vif_rx.c: dom0 to guest */
netdev_tx_t noxs_vif_xmit(struct sk_buff *skb, struct net_device *netdev);
/* In softirq: packets that waited for slots. */
void noxs_vif_rx_drain(struct noxs_vif *vif);
void noxs_vif_rx_purge(struct noxs_vif *vif);
int noxs_vif_rx_init(void);
void noxs_vif_rx_exit(void);

#endif
