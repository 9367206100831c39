// SPDX-License-Identifier: GPL-2.0-only
/* Packets from a guest. */
#include <linux/etherdevice.h>
#include <linux/percpu.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <asm/xen/hypercall.h>
#include <xen/grant_table.h>
#include <xen/interface/io/netif.h>
#include <xen/page.h>

#include "netif_bits.h"
#include "packet.h"
#include "vif.h"

#define BATCH_PACKETS	16
#define BATCH_OPS	128
/* A copy ends with a slot, with a page of the packet, or with one of the two of its header. */
#define PACKET_OPS	(NOXS_PACKET_SLOTS + MAX_SKB_FRAGS + 2)

/* Up to here a packet is in one piece; longer ones have their headers in it, the rest in pages. */
#define LINEAR_MAX	SKB_WITH_OVERHEAD(2048 - NET_SKB_PAD - NET_IP_ALIGN)
#define LINEAR_HEADERS	256

struct tx_packet {
	struct sk_buff *skb;
	unsigned int first_op, end_op;
	struct noxs_packet packet;
};

/* One per processor: filled, copied and emptied with bottom halves off. */
struct tx_batch {
	unsigned int packets, ops;
	struct tx_packet packet[BATCH_PACKETS];
	struct gnttab_copy op[BATCH_OPS];
};

static struct tx_batch __percpu *batches;

/* ------------------------------------------------------------------ responses */

static void respond(struct noxs_vif *vif, u16 id, s16 status)
{
	struct xen_netif_tx_response *rsp = RING_GET_RESPONSE(&vif->tx, vif->tx.rsp_prod_pvt);

	rsp->id = id;
	rsp->status = status;
	vif->tx.rsp_prod_pvt++;
}

static void respond_packet(struct noxs_vif *vif, const struct noxs_packet *packet, s16 status)
{
	unsigned int i;

	respond(vif, packet->slot[0].id, status);
	for (i = 0; i < packet->extras; i++)
		respond(vif, 0, XEN_NETIF_RSP_NULL);
	for (i = 1; i < packet->slots; i++)
		respond(vif, packet->slot[i].id, status);
	if (status != XEN_NETIF_RSP_OKAY)
		vif->tx_errors++;
}

static void push_responses(struct noxs_vif *vif)
{
	bool notify;

	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&vif->tx, notify);
	if (notify)
		noxs_ctrl_notify(&vif->dev);
}

/* ------------------------------------------------------------------ gathering */

/* Copies to consecutive bytes at to, which may span pages. */
static void add_ops(struct noxs_vif *vif, struct tx_batch *batch, const struct noxs_packet *packet,
		    struct noxs_cursor *cursor, void *to, unsigned int size)
{
	struct noxs_chunk chunk;
	struct gnttab_copy *op;
	unsigned int room;

	while (size) {
		room = min_t(unsigned int, size, XEN_PAGE_SIZE - offset_in_page(to));
		if (!noxs_packet_chunk(packet, cursor, room, &chunk))
			break;
		op = &batch->op[batch->ops++];
		op->source.u.ref = chunk.gref;
		op->source.domid = vif->dev.domid;
		op->source.offset = chunk.offset;
		op->dest.u.gmfn = virt_to_gfn(to);
		op->dest.domid = DOMID_SELF;
		op->dest.offset = offset_in_page(to);
		op->len = chunk.size;
		op->flags = GNTCOPY_source_gref;
		to += chunk.size;
		size -= chunk.size;
	}
}

static struct sk_buff *skb_alloc(struct noxs_vif *vif, unsigned int size)
{
	unsigned int linear = size <= LINEAR_MAX ? size : LINEAR_HEADERS;
	unsigned int i, part;
	struct sk_buff *skb;
	struct page *page;

	skb = napi_alloc_skb(&vif->napi, linear);
	if (!skb)
		return NULL;
	skb_put(skb, linear);
	for (i = 0; linear < size; i++, linear += part) {
		part = min_t(unsigned int, size - linear, PAGE_SIZE);
		page = dev_alloc_page();
		if (!page) {
			kfree_skb(skb);
			return NULL;
		}
		skb_add_rx_frag(skb, i, page, 0, part, PAGE_SIZE);
	}
	return skb;
}

static bool gather_packet(struct noxs_vif *vif, struct tx_batch *batch)
{
	struct tx_packet *p = &batch->packet[batch->packets];
	struct noxs_cursor cursor = { };
	const skb_frag_t *frag;
	unsigned int i;

	BUILD_BUG_ON(DIV_ROUND_UP(65535 - LINEAR_HEADERS, PAGE_SIZE) > MAX_SKB_FRAGS);
	p->skb = skb_alloc(vif, p->packet.size);
	if (!p->skb)
		return false;
	p->first_op = batch->ops;
	add_ops(vif, batch, &p->packet, &cursor, p->skb->data, skb_headlen(p->skb));
	for (i = 0; i < skb_shinfo(p->skb)->nr_frags; i++) {
		frag = &skb_shinfo(p->skb)->frags[i];
		add_ops(vif, batch, &p->packet, &cursor, skb_frag_address(frag),
			skb_frag_size(frag));
	}
	p->end_op = batch->ops;
	batch->packets++;
	return true;
}

/* Takes one packet off the ring. False: nothing whole is there, or the device is broken. */
static bool read_packet(struct noxs_vif *vif, RING_IDX prod, struct noxs_packet *packet)
{
	union noxs_tx_slot entry;
	enum noxs_feed feed;

	BUILD_BUG_ON(sizeof(entry) != sizeof(struct xen_netif_tx_request));
	if (prod == vif->tx.req_cons)
		return false;
	noxs_packet_begin(packet);
	do {
		/* The front-end makes a packet visible as a whole, or not at all. */
		if (prod == vif->tx.req_cons) {
			noxs_device_break(&vif->dev, "packet without its end");
			return false;
		}
		/* The only time that this entry is read. */
		RING_COPY_REQUEST(&vif->tx, vif->tx.req_cons,
				  (struct xen_netif_tx_request *)&entry);
		vif->tx.req_cons++;
		feed = noxs_packet_feed(packet, &entry);
	} while (feed == NOXS_FEED_MORE);

	if (feed == NOXS_FEED_FATAL) {
		noxs_device_break(&vif->dev, packet->why);
		return false;
	}
	return true;
}

/* Returns how many packets it took off the ring, those dropped included. */
static unsigned int gather(struct noxs_vif *vif, struct tx_batch *batch, unsigned int budget)
{
	RING_IDX prod = READ_ONCE(vif->tx.sring->req_prod);
	struct noxs_packet *packet;
	unsigned int taken = 0;

	batch->packets = 0;
	batch->ops = 0;
	if (noxs_ring_pending(prod, vif->tx.rsp_prod_pvt, RING_SIZE(&vif->tx)) < 0) {
		noxs_device_break(&vif->dev, "transmit index beyond the ring");
		return 0;
	}
	/* The entries up to prod were written before it. */
	virt_rmb();
	while (taken < budget && batch->packets < BATCH_PACKETS &&
	       batch->ops + PACKET_OPS <= BATCH_OPS) {
		packet = &batch->packet[batch->packets].packet;
		if (!read_packet(vif, prod, packet))
			break;
		taken++;
		if (packet->drop || !gather_packet(vif, batch))
			respond_packet(vif, packet, XEN_NETIF_RSP_ERROR);
	}
	return taken;
}

/* ------------------------------------------------------------------ handing over */

static bool copied(const struct tx_batch *batch, const struct tx_packet *p)
{
	unsigned int i;

	for (i = p->first_op; i < p->end_op; i++)
		if (batch->op[i].status != GNTST_okay)
			return false;
	return true;
}

/* The guest says where the packet may be cut; the stack looks at the headers again (DODGY). */
static int set_gso(struct sk_buff *skb, const struct noxs_packet *packet)
{
	bool ipv4 = packet->gso_type == NOXS_GSO_TCPV4;

	if (skb->protocol != (ipv4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6)))
		return -EPROTO;
	if (skb->ip_summed != CHECKSUM_PARTIAL ||
	    skb->csum_offset != offsetof(struct tcphdr, check))
		return -EPROTO;
	skb_shinfo(skb)->gso_type = (ipv4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6) | SKB_GSO_DODGY;
	skb_shinfo(skb)->gso_size = packet->gso_size;
	skb_shinfo(skb)->gso_segs = 0;
	return 0;
}

static int prepare(struct noxs_vif *vif, struct sk_buff *skb, const struct noxs_packet *packet)
{
	int rc;

	skb->protocol = eth_type_trans(skb, vif->netdev);
	skb_reset_network_header(skb);
	if ((packet->flags & NOXS_TX_CSUM_BLANK) || packet->gso_size) {
		rc = skb_checksum_setup(skb, packet->gso_size != 0);
		if (rc)
			return rc;
	} else if (packet->flags & NOXS_TX_DATA_VALIDATED) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	}
	return packet->gso_size ? set_gso(skb, packet) : 0;
}

static void deliver(struct noxs_vif *vif, struct sk_buff *skb, const struct noxs_packet *packet)
{
	unsigned int size = skb->len;

	if (prepare(vif, skb, packet)) {
		vif->tx_errors++;
		kfree_skb(skb);
		return;
	}
	vif->tx_packets++;
	vif->tx_bytes += size;
	netif_receive_skb(skb);
}

static void finish(struct noxs_vif *vif, struct tx_batch *batch)
{
	struct tx_packet *p;
	unsigned int i;

	/* Not gnttab_batch_copy(): it may sleep. A page that is not there now is an error. */
	if (batch->ops && HYPERVISOR_grant_table_op(GNTTABOP_copy, batch->op, batch->ops)) {
		for (i = 0; i < batch->ops; i++)
			batch->op[i].status = GNTST_general_error;
	}
	for (i = 0; i < batch->packets; i++) {
		p = &batch->packet[i];
		if (copied(batch, p)) {
			respond_packet(vif, &p->packet, XEN_NETIF_RSP_OKAY);
		} else {
			respond_packet(vif, &p->packet, XEN_NETIF_RSP_ERROR);
			kfree_skb(p->skb);
			p->skb = NULL;
		}
	}
	push_responses(vif);
	for (i = 0; i < batch->packets; i++)
		if (batch->packet[i].skb)
			deliver(vif, batch->packet[i].skb, &batch->packet[i].packet);
}

/* ------------------------------------------------------------------ poll */

static int transmit(struct noxs_vif *vif, int budget)
{
	struct tx_batch *batch = this_cpu_ptr(batches);
	unsigned int taken;
	int done = 0;

	BUILD_BUG_ON(PACKET_OPS > BATCH_OPS);
	while (done < budget && !READ_ONCE(vif->dev.broken)) {
		taken = gather(vif, batch, budget - done);
		if (!taken)
			break;
		finish(vif, batch);
		done += taken;
	}
	return done;
}

/* Asks for an event at the next request; true: there is one already. */
static bool transmit_more(struct noxs_vif *vif)
{
	int more;

	if (!netif_running(vif->netdev)) {
		atomic_or(NOXS_EVENT_SLOW, &vif->dev.events);
		return false;
	}
	RING_FINAL_CHECK_FOR_REQUESTS(&vif->tx, more);
	/* A filter is changed before what is sent next. */
	return more || noxs_vif_filter_pending(vif);
}

int noxs_vif_poll(struct napi_struct *napi, int budget)
{
	struct noxs_vif *vif = container_of(napi, struct noxs_vif, napi);
	int done = 0;

	noxs_vif_filter_look(vif);
	noxs_vif_rx_drain(vif);
	if (netif_running(vif->netdev))
		done = transmit(vif, budget);
	if (done == budget)
		return done;
	if (napi_complete_done(napi, done) && !READ_ONCE(vif->dev.broken)) {
		if (transmit_more(vif))
			napi_schedule(napi);
		else
			noxs_event_done(&vif->dev, NOXS_EVENT_DATA);
	}
	return done;
}

int noxs_vif_tx_init(void)
{
	BUILD_BUG_ON(NOXS_TX_CSUM_BLANK != XEN_NETTXF_csum_blank);
	BUILD_BUG_ON(NOXS_TX_DATA_VALIDATED != XEN_NETTXF_data_validated);
	BUILD_BUG_ON(NOXS_TX_MORE_DATA != XEN_NETTXF_more_data);
	BUILD_BUG_ON(NOXS_TX_EXTRA_INFO != XEN_NETTXF_extra_info);
	BUILD_BUG_ON(NOXS_EXTRA_GSO != XEN_NETIF_EXTRA_TYPE_GSO);
	BUILD_BUG_ON(NOXS_EXTRA_MORE != XEN_NETIF_EXTRA_FLAG_MORE);
	BUILD_BUG_ON(NOXS_GSO_NONE != XEN_NETIF_GSO_TYPE_NONE);
	BUILD_BUG_ON(NOXS_GSO_TCPV4 != XEN_NETIF_GSO_TYPE_TCPV4);
	BUILD_BUG_ON(NOXS_GSO_TCPV6 != XEN_NETIF_GSO_TYPE_TCPV6);
	BUILD_BUG_ON(NOXS_PACKET_SLOTS != XEN_NETIF_NR_SLOTS_MIN);
	BUILD_BUG_ON(XEN_PAGE_SIZE != PAGE_SIZE);
	batches = alloc_percpu(struct tx_batch);
	return batches ? 0 : -ENOMEM;
}

void noxs_vif_tx_exit(void)
{
	free_percpu(batches);
}
