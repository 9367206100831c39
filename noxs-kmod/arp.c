// SPDX-License-Identifier: GPL-2.0-only
/* Which ARP packets a front-end does not want. */
#ifdef __KERNEL__
#include <linux/compiler.h>
#include <linux/string.h>
#else
#include <string.h>
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#endif

#include "arp.h"

/* Offsets in a frame with a packet for IPv4 over Ethernet. */
enum { TYPE = 12, SENDER = 28, TARGET = 38, END = 42 };

static bool is_request_to_all(const uint8_t *frame, unsigned int size)
{
	static const uint8_t to_all[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	/* Type; hardware, protocol, lengths of their addresses; operation. */
	static const uint8_t request[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };

	return size >= END && !memcmp(frame, to_all, sizeof(to_all)) &&
	       !memcmp(frame + TYPE, request, sizeof(request));
}

void noxs_arp_parse(const uint8_t *frame, unsigned int size, struct noxs_arp *arp)
{
	arp->is_request = is_request_to_all(frame, size);
	if (!arp->is_request)
		return;
	memcpy(&arp->sender, frame + SENDER, sizeof(arp->sender));
	memcpy(&arp->target, frame + TARGET, sizeof(arp->target));
	arp->sender_bit = NOXS_VIF_ARP_BIT(frame + SENDER);
	arp->sender_low = NOXS_VIF_ARP_BIT_LOW(frame + SENDER);
	arp->target_bit = NOXS_VIF_ARP_BIT(frame + TARGET);
}

bool noxs_arp_unwanted(const struct noxs_arp *arp, const struct noxs_vif_front *front)
{
	uint32_t own = READ_ONCE(front->ipv4);

	if (!own || !READ_ONCE(front->arp_generation) || !arp->is_request || arp->sender == own)
		return false;
	if (arp->sender != arp->target)
		return arp->target != own;
	return !(READ_ONCE(front->arp_peers[arp->sender_bit / 8]) & 1 << arp->sender_bit % 8) ||
	       !(READ_ONCE(front->arp_peers_low[arp->sender_low / 8]) & 1 << arp->sender_low % 8);
}
