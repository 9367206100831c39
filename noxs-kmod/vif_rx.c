// SPDX-License-Identifier: GPL-2.0-only
/* Packets to a guest. */
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <asm/xen/hypercall.h>
#include <xen/grant_table.h>
#include <xen/interface/io/netif.h>
#include <xen/page.h>

#include "arp.h"
#include "netif_bits.h"
#include "packet.h"
#include "vif.h"

#define PACKET_MAX	65535u
/* Any packet that a stack makes fits: see ops_of(). */
#define BATCH_OPS	96
#define BATCH_SLOTS	64

/* One slot of the guest's that is being filled. */
struct rx_slot {
	u16 id;
	u16 flags;
	u16 size;
	u16 gso_size;		/* not 0: extra information instead of data */
	u8 gso_type;
	unsigned int end_op;	/* its copies end here, and begin where the last slot's end */
};

/* One per processor: filled, copied and emptied with bottom halves off. */
struct rx_batch {
	unsigned int ops, slots;
	struct rx_slot slot[BATCH_SLOTS];
	struct gnttab_copy op[BATCH_OPS];
};

static struct rx_batch __percpu *batches;

/* ------------------------------------------------------------------ room */

static u8 gso_type(const struct noxs_vif *vif, const struct sk_buff *skb)
{
	unsigned int type = skb_is_gso(skb) ? skb_shinfo(skb)->gso_type : 0;

	if ((type & SKB_GSO_TCPV4) && (vif->features & NOXS_VIF_F_GSO_TCPV4))
		return NOXS_GSO_TCPV4;
	if ((type & SKB_GSO_TCPV6) && (vif->features & NOXS_VIF_F_GSO_TCPV6))
		return NOXS_GSO_TCPV6;
	return NOXS_GSO_NONE;
}

static unsigned int slots_of(const struct noxs_vif *vif, const struct sk_buff *skb)
{
	return noxs_rx_slots(skb->len) + (gso_type(vif, skb) != NOXS_GSO_NONE);
}

/* A copy ends with a piece of the packet, with a page that the piece spans, or with a slot. */
static unsigned int ops_of(const struct sk_buff *skb)
{
	return 2 * (skb_shinfo(skb)->nr_frags + 1) + skb->len / XEN_PAGE_SIZE +
	       noxs_rx_slots(skb->len);
}

/* Free slots of the guest's, -1 when its index cannot be. */
static int rx_room(struct noxs_vif *vif)
{
	RING_IDX prod = READ_ONCE(vif->rx.sring->req_prod);

	/* Responses not pushed yet hold their entries. */
	if (noxs_ring_pending(prod, vif->rx.rsp_prod_pvt, RING_SIZE(&vif->rx)) < 0)
		return -1;
	/* The requests up to prod were written before it. */
	virt_rmb();
	return prod - vif->rx.req_cons;
}

/* True when there is room. Otherwise the guest sends an event when it has made it. */
static bool rx_room_or_event(struct noxs_vif *vif, unsigned int slots)
{
	int room = rx_room(vif);

	if (room >= 0 && room < slots) {
		WRITE_ONCE(vif->rx_starved, true);
		WRITE_ONCE(vif->rx.sring->req_event, vif->rx.req_cons + slots);
		virt_mb();
		room = rx_room(vif);
	}
	if (room < 0) {
		noxs_device_break(&vif->dev, "receive index beyond the ring");
		return false;
	}
	if (room < slots)
		return false;
	WRITE_ONCE(vif->rx_starved, false);
	return true;
}

/* ------------------------------------------------------------------ copying */

static struct rx_slot *add_slot(struct noxs_vif *vif, struct rx_batch *batch, grant_ref_t *gref)
{
	struct rx_slot *slot = &batch->slot[batch->slots++];
	struct xen_netif_rx_request req;

	RING_COPY_REQUEST(&vif->rx, vif->rx.req_cons, &req);
	vif->rx.req_cons++;
	slot->id = req.id;
	slot->flags = 0;
	slot->size = 0;
	slot->gso_size = 0;
	slot->end_op = batch->ops;
	*gref = req.gref;
	return slot;
}

static void add_op(struct noxs_vif *vif, struct rx_batch *batch, const void *from,
		   unsigned int size, grant_ref_t gref, unsigned int offset)
{
	struct page *page = virt_to_page(from);
	struct xen_page_foreign *foreign = xen_page_foreign(page);
	struct gnttab_copy *op = &batch->op[batch->ops++];

	op->flags = GNTCOPY_dest_gref;
	if (foreign) {
		/* Another back-end's mapping of its guest's page. */
		op->source.u.ref = foreign->gref;
		op->source.domid = foreign->domid;
		op->flags |= GNTCOPY_source_gref;
	} else {
		op->source.u.gmfn = virt_to_gfn(from);
		op->source.domid = DOMID_SELF;
	}
	op->source.offset = offset_in_page(from);
	op->dest.u.ref = gref;
	op->dest.domid = vif->dev.domid;
	op->dest.offset = offset;
	op->len = size;
}

/* What is being filled while the pieces of a packet go by. */
struct rx_fill {
	struct rx_slot *slot;
	grant_ref_t gref;
};

static void add_piece(struct noxs_vif *vif, struct rx_batch *batch, struct rx_fill *fill,
		      const void *from, unsigned int size)
{
	unsigned int part;

	while (size) {
		if (fill->slot->size == XEN_PAGE_SIZE) {
			fill->slot->flags |= XEN_NETRXF_more_data;
			fill->slot = add_slot(vif, batch, &fill->gref);
		}
		part = min3(size, (unsigned int)(XEN_PAGE_SIZE - offset_in_page(from)),
			    (unsigned int)(XEN_PAGE_SIZE - fill->slot->size));
		add_op(vif, batch, from, part, fill->gref, fill->slot->size);
		fill->slot->size += part;
		fill->slot->end_op = batch->ops;
		from += part;
		size -= part;
	}
}

/* There is room for it, in the ring and in the batch. */
static void add_packet(struct noxs_vif *vif, struct rx_batch *batch, const struct sk_buff *skb)
{
	u8 gso = gso_type(vif, skb);
	struct rx_fill fill;
	struct rx_slot *extra;
	const skb_frag_t *frag;
	grant_ref_t unused;
	unsigned int i;

	fill.slot = add_slot(vif, batch, &fill.gref);
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		fill.slot->flags |= XEN_NETRXF_csum_blank | XEN_NETRXF_data_validated;
	else if (skb->ip_summed == CHECKSUM_UNNECESSARY)
		fill.slot->flags |= XEN_NETRXF_data_validated;
	if (gso != NOXS_GSO_NONE) {
		/* Between the first slot and the rest: that one's copies are added to the first. */
		fill.slot->flags |= XEN_NETRXF_extra_info;
		extra = add_slot(vif, batch, &unused);
		extra->gso_size = skb_shinfo(skb)->gso_size;
		extra->gso_type = gso;
	}
	add_piece(vif, batch, &fill, skb->data, skb_headlen(skb));
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		frag = &skb_shinfo(skb)->frags[i];
		add_piece(vif, batch, &fill, skb_frag_address(frag), skb_frag_size(frag));
	}
	vif->rx_packets++;
	vif->rx_bytes += skb->len;
}

static void respond_data(struct noxs_vif *vif, const struct rx_slot *slot, bool ok)
{
	struct xen_netif_rx_response *rsp = RING_GET_RESPONSE(&vif->rx, vif->rx.rsp_prod_pvt);

	rsp->id = slot->id;
	rsp->offset = 0;
	rsp->flags = slot->flags;
	rsp->status = ok ? slot->size : XEN_NETIF_RSP_ERROR;
	if (!ok)
		vif->rx_errors++;
}

static void respond_extra(struct noxs_vif *vif, const struct rx_slot *slot)
{
	struct xen_netif_extra_info *extra =
		(void *)RING_GET_RESPONSE(&vif->rx, vif->rx.rsp_prod_pvt);

	extra->type = XEN_NETIF_EXTRA_TYPE_GSO;
	extra->flags = 0;
	extra->u.gso.size = slot->gso_size;
	extra->u.gso.type = slot->gso_type;
	extra->u.gso.pad = 0;
	extra->u.gso.features = 0;
}

static void flush(struct noxs_vif *vif, struct rx_batch *batch)
{
	unsigned int i, op = 0, rc = 0;
	bool notify, ok;

	if (!batch->slots)
		return;
	if (batch->ops)
		rc = HYPERVISOR_grant_table_op(GNTTABOP_copy, batch->op, batch->ops);
	for (i = 0; i < batch->slots; i++) {
		const struct rx_slot *slot = &batch->slot[i];

		for (ok = !rc; op < slot->end_op; op++)
			if (batch->op[op].status != GNTST_okay)
				ok = false;
		if (slot->gso_size)
			respond_extra(vif, slot);
		else
			respond_data(vif, slot, ok);
		vif->rx.rsp_prod_pvt++;
	}
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&vif->rx, notify);
	if (notify)
		noxs_ctrl_notify(&vif->dev);
	vif->rx_progress = jiffies;
	batch->slots = 0;
	batch->ops = 0;
}

/* ------------------------------------------------------------------ transmitting */

/* More than any guest could take, or more than it said that it takes. */
static bool acceptable(const struct noxs_vif *vif, const struct sk_buff *skb)
{
	if (skb->len > PACKET_MAX || skb_has_frag_list(skb) || ops_of(skb) > BATCH_OPS)
		return false;
	return skb->len <= XEN_PAGE_SIZE || (vif->features & NOXS_VIF_F_SG);
}

static void queue_purge(struct noxs_vif *vif)
{
	vif->rx_drops += skb_queue_len(&vif->rx_queue);
	__skb_queue_purge(&vif->rx_queue);
	vif->rx_queue_bytes = 0;
}

/* False: the packet is to be dropped. */
static bool queue_packet(struct noxs_vif *vif, struct sk_buff *skb)
{
	/* A guest that takes nothing any more is not to hold memory of dom0's for ever. */
	if (time_after(jiffies, vif->rx_progress + NOXS_RX_STALL))
		queue_purge(vif);
	if (skb_queue_empty(&vif->rx_queue))
		vif->rx_progress = jiffies;
	if (vif->rx_queue_bytes + skb->truesize > NOXS_RX_QUEUE_BYTES)
		return false;
	vif->rx_queue_bytes += skb->truesize;
	__skb_queue_tail(&vif->rx_queue, skb);
	return true;
}

netdev_tx_t noxs_vif_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct noxs_vif *vif = netdev_vif(netdev);
	struct rx_batch *batch = this_cpu_ptr(batches);
	bool sent = false, queued = false, unwanted = false;
	struct noxs_arp arp;

	noxs_arp_parse(skb->data, skb_headlen(skb), &arp);
	spin_lock(&vif->rx_lock);
	if (!vif->connected || READ_ONCE(vif->dev.broken) || !acceptable(vif, skb)) {
		vif->rx_drops++;
	} else if (noxs_arp_unwanted(&arp, &vif->dev.ctrl->vif_front)) {
		/* Not a loss: the guest would do nothing with it but wake up. */
		unwanted = true;
	} else if (skb_queue_empty(&vif->rx_queue) &&
		   rx_room_or_event(vif, slots_of(vif, skb))) {
		skb_tx_timestamp(skb);
		add_packet(vif, batch, skb);
		flush(vif, batch);
		sent = true;
	} else {
		queued = queue_packet(vif, skb);
		if (!queued)
			vif->rx_drops++;
	}
	spin_unlock(&vif->rx_lock);

	if (sent || unwanted)
		consume_skb(skb);
	else if (!queued)
		kfree_skb(skb);
	return NETDEV_TX_OK;
}

void noxs_vif_rx_drain(struct noxs_vif *vif)
{
	struct rx_batch *batch = this_cpu_ptr(batches);
	struct sk_buff_head done;
	struct sk_buff *skb;
	unsigned int slots;

	if (skb_queue_empty_lockless(&vif->rx_queue))
		return;
	__skb_queue_head_init(&done);
	spin_lock(&vif->rx_lock);
	while (vif->connected && !READ_ONCE(vif->dev.broken)) {
		skb = skb_peek(&vif->rx_queue);
		if (!skb)
			break;
		slots = slots_of(vif, skb);
		if (batch->ops + ops_of(skb) > BATCH_OPS || batch->slots + slots > BATCH_SLOTS)
			flush(vif, batch);
		if (!rx_room_or_event(vif, slots))
			break;
		__skb_unlink(skb, &vif->rx_queue);
		vif->rx_queue_bytes -= skb->truesize;
		add_packet(vif, batch, skb);
		__skb_queue_tail(&done, skb);
	}
	flush(vif, batch);
	spin_unlock(&vif->rx_lock);
	while ((skb = __skb_dequeue(&done)))
		consume_skb(skb);
}

void noxs_vif_rx_purge(struct noxs_vif *vif)
{
	spin_lock_bh(&vif->rx_lock);
	queue_purge(vif);
	spin_unlock_bh(&vif->rx_lock);
}

int noxs_vif_rx_init(void)
{
	BUILD_BUG_ON(2 * (MAX_SKB_FRAGS + 1) + PACKET_MAX / 4096 + 16 > BATCH_OPS);
	BUILD_BUG_ON(sizeof(struct xen_netif_extra_info) != sizeof(struct xen_netif_rx_response));
	batches = alloc_percpu(struct rx_batch);
	return batches ? 0 : -ENOMEM;
}

void noxs_vif_rx_exit(void)
{
	free_percpu(batches);
}
