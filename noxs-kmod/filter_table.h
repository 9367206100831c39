/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Up to 64 vifs, arranged by what decides who wants a frame: one look tells which of them may, and the
 * rest need not be looked at. Pure: also compiled in user space, and tested there.
 */
#ifndef NOXS_FILTER_TABLE_H
#define NOXS_FILTER_TABLE_H

#include "arp.h"

#define NOXS_FILTER_SLOTS 64u

/* What a front-end wrote, copied, and its link address. */
struct noxs_filter {
	uint32_t ipv4;		/* 0: none */
	uint8_t mac[6];
	uint8_t arp_peers[NOXS_VIF_ARP_PEERS / 8];
};

/* Bit n of each word is vif n. A row holds those whose address, or peer, has its number. */
struct noxs_filter_table {
	uint64_t used;
	uint64_t open;		/* of those: without a filter */
	uint64_t own[NOXS_VIF_ARP_PEERS];
	uint64_t peers[NOXS_VIF_ARP_PEERS];
	uint64_t macs[256];
};

/*
 * The filter of a slot from now on; what is NULL has none, and gets nothing. Readers may look
 * meanwhile, writers are kept apart by the caller. A vif whose filter changes is missed by no reader
 * that both filters let see a frame.
 */
void noxs_filter_change(struct noxs_filter_table *table, unsigned int slot,
			const struct noxs_filter *old, const struct noxs_filter *new);

/* Which may want a frame to the address; arp: what it holds. None is missing, some may be too many. */
uint64_t noxs_filter_candidates(const struct noxs_filter_table *table, const uint8_t *mac,
				const struct noxs_arp *arp);

#endif
