/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads packets out of copies of a guest's transmit slots, and says what to copy. Pure: also
 * compiled in user space, where it is tested and fuzzed.
 */
#ifndef NOXS_PACKET_H
#define NOXS_PACKET_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

/* Slots of one packet: what every back-end takes; what is dropped, not punished. */
#define NOXS_PACKET_SLOTS	18
#define NOXS_PACKET_SLOTS_FATAL	20

#define NOXS_PACKET_MIN		14	/* an Ethernet header */
/* What a packet may be cut into: less multiplies the work of one packet. */
#define NOXS_GSO_MIN		48
/* A value with a meaning of its own in the network stack. */
#define NOXS_GSO_RESERVED	0xffff

/* One entry of the ring, copied: a request, or extra information after the first of a packet. */
union noxs_tx_slot {
	struct {
		uint32_t gref;
		uint16_t offset;
		uint16_t flags;		/* XEN_NETTXF_* */
		uint16_t id;
		uint16_t size;		/* first: of the packet; then: of the slot */
	} req;
	struct {
		uint8_t type;		/* XEN_NETIF_EXTRA_TYPE_* */
		uint8_t flags;
		uint16_t gso_size;
		uint8_t gso_type;
		uint8_t pad;
		uint16_t gso_features;
	} extra;
};

enum noxs_feed {
	NOXS_FEED_MORE,		/* the packet goes on in the next entry */
	NOXS_FEED_DONE,		/* it is whole: look at drop */
	NOXS_FEED_FATAL		/* no honest front-end writes this; see why */
};

struct noxs_slot {
	uint32_t gref;
	uint16_t offset;
	uint16_t size;
	uint16_t id;
};

struct noxs_packet {
	struct noxs_slot slot[NOXS_PACKET_SLOTS_FATAL];
	unsigned int slots;
	unsigned int extras;	/* entries that followed the first slot */
	unsigned int size;	/* of the packet */
	uint16_t flags;		/* of the first slot */
	uint16_t gso_size;	/* 0: not to be cut */
	uint8_t gso_type;	/* XEN_NETIF_GSO_TYPE_* */
	bool want_extra;
	bool drop;
	const char *why;
};

/* How many entries are there to read, or -1 when the index cannot be. */
int noxs_ring_pending(uint32_t prod, uint32_t cons, uint32_t entries);

void noxs_packet_begin(struct noxs_packet *packet);
enum noxs_feed noxs_packet_feed(struct noxs_packet *packet, const union noxs_tx_slot *entry);

/* Where in a packet the copying is. */
struct noxs_cursor {
	unsigned int slot;
	unsigned int offset;
};

struct noxs_chunk {
	uint32_t gref;
	uint16_t offset;
	uint16_t size;
};

/* The next piece, of at most room bytes; false at the end. */
bool noxs_packet_chunk(const struct noxs_packet *packet, struct noxs_cursor *cursor,
		       unsigned int room, struct noxs_chunk *chunk);

/* Slots of one page each that a packet to the guest takes, without its extra information. */
static inline unsigned int noxs_rx_slots(unsigned int size)
{
	return (size + 4095) / 4096;
}

#endif
