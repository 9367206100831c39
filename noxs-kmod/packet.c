// SPDX-License-Identifier: GPL-2.0-only
/* Reads packets out of copies of a guest's transmit slots, and says what to copy. */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "packet.h"

/* Of the public io/netif.h; a compile-time check in vif_tx.c holds them together. */
#include "netif_bits.h"

#define SLOT_PAGE 4096u

int noxs_ring_pending(uint32_t prod, uint32_t cons, uint32_t entries)
{
	uint32_t pending = prod - cons;

	return pending > entries ? -1 : (int)pending;
}

void noxs_packet_begin(struct noxs_packet *packet)
{
	/* The slots need not be cleared: only the first `slots` of them are ever read. */
	packet->slots = 0;
	packet->extras = 0;
	packet->size = 0;
	packet->flags = 0;
	packet->gso_size = 0;
	packet->gso_type = NOXS_GSO_NONE;
	packet->want_extra = false;
	packet->drop = false;
	packet->why = NULL;
}

static enum noxs_feed fatal(struct noxs_packet *packet, const char *why)
{
	packet->why = why;
	return NOXS_FEED_FATAL;
}

static enum noxs_feed finish(struct noxs_packet *packet)
{
	const struct noxs_slot *first = &packet->slot[0];

	if (packet->slots > NOXS_PACKET_SLOTS || first->size == 0)
		packet->drop = true;
	if (!packet->drop && first->offset + first->size > SLOT_PAGE)
		return fatal(packet, "first slot crosses its page");
	if (packet->gso_size && packet->gso_size >= packet->size)
		packet->drop = true;
	return NOXS_FEED_DONE;
}

static enum noxs_feed feed_extra(struct noxs_packet *packet, const union noxs_tx_slot *entry,
				 bool more_data)
{
	if (entry->extra.type != NOXS_EXTRA_GSO || packet->gso_type != NOXS_GSO_NONE)
		return fatal(packet, "extra information of unknown type, or twice");
	if (entry->extra.gso_type != NOXS_GSO_TCPV4 && entry->extra.gso_type != NOXS_GSO_TCPV6)
		return fatal(packet, "unknown type of segmentation");
	if (entry->extra.gso_size == 0)
		return fatal(packet, "segments of no size");
	if (entry->extra.gso_size < NOXS_GSO_MIN || entry->extra.gso_size == NOXS_GSO_RESERVED)
		packet->drop = true;
	packet->extras++;
	packet->gso_type = entry->extra.gso_type;
	packet->gso_size = entry->extra.gso_size;
	packet->want_extra = entry->extra.flags & NOXS_EXTRA_MORE;
	if (packet->want_extra || more_data)
		return NOXS_FEED_MORE;
	return finish(packet);
}

static void feed_first(struct noxs_packet *packet, uint16_t flags)
{
	packet->size = packet->slot[0].size;
	packet->flags = flags;
	packet->want_extra = flags & NOXS_TX_EXTRA_INFO;
	if (packet->size < NOXS_PACKET_MIN)
		packet->drop = true;
}

/* The first slot's size is the whole packet's: what the others hold comes off it. */
static enum noxs_feed feed_next(struct noxs_packet *packet, const struct noxs_slot *slot)
{
	struct noxs_slot *first = &packet->slot[0];

	if (slot->offset + slot->size > SLOT_PAGE)
		return fatal(packet, "slot crosses its page");
	if (slot->size == 0 || slot->size >= first->size)
		packet->drop = true;
	else
		first->size -= slot->size;
	return NOXS_FEED_MORE;
}

enum noxs_feed noxs_packet_feed(struct noxs_packet *packet, const union noxs_tx_slot *entry)
{
	struct noxs_slot *slot;
	bool more_data;

	if (packet->want_extra)
		return feed_extra(packet, entry, packet->flags & NOXS_TX_MORE_DATA);

	if (packet->slots == NOXS_PACKET_SLOTS_FATAL)
		return fatal(packet, "packet in too many slots");
	slot = &packet->slot[packet->slots++];
	slot->gref = entry->req.gref;
	slot->offset = entry->req.offset;
	slot->size = entry->req.size;
	slot->id = entry->req.id;
	more_data = entry->req.flags & NOXS_TX_MORE_DATA;
	if (packet->slots == 1)
		feed_first(packet, entry->req.flags);
	else if (feed_next(packet, slot) == NOXS_FEED_FATAL)
		return NOXS_FEED_FATAL;
	if (more_data || packet->want_extra)
		return NOXS_FEED_MORE;
	return finish(packet);
}

bool noxs_packet_chunk(const struct noxs_packet *packet, struct noxs_cursor *cursor,
		       unsigned int room, struct noxs_chunk *chunk)
{
	const struct noxs_slot *slot = &packet->slot[cursor->slot];
	unsigned int left;

	if (cursor->slot >= packet->slots)
		return false;
	left = slot->size - cursor->offset;
	chunk->gref = slot->gref;
	chunk->offset = slot->offset + cursor->offset;
	chunk->size = left < room ? left : room;
	cursor->offset += chunk->size;
	if (cursor->offset == slot->size) {
		cursor->slot++;
		cursor->offset = 0;
	}
	return true;
}
