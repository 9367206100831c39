/* SPDX-License-Identifier: GPL-2.0-only */
/* Which ARP packets a front-end does not want. Pure: also compiled in user space, and tested there. */
#ifndef NOXS_ARP_H
#define NOXS_ARP_H

#include "noxs_abi.h"

#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* What of a frame decides who wants it. Addresses in network byte order. */
struct noxs_arp {
	bool is_request;	/* a broadcast ARP request; else nobody is kept from the frame */
	uint8_t sender_bit;	/* in a front-end's table of peers */
	uint8_t target_bit;
	uint16_t sender_low;	/* bit in arp_peers_low */
	uint32_t sender, target;
};

/* frame: from its Ethernet header on. */
void noxs_arp_parse(const uint8_t *frame, unsigned int size, struct noxs_arp *arp);
/* What the front-end writes meanwhile is read once. */
bool noxs_arp_unwanted(const struct noxs_arp *arp, const struct noxs_vif_front *front);

#endif
