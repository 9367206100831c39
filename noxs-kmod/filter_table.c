// SPDX-License-Identifier: GPL-2.0-only
/* Which of 64 vifs may want a frame. */
#ifdef __KERNEL__
#include <linux/compiler.h>
#else
#include <stddef.h>
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#endif

#include "filter_table.h"

static void set(uint64_t *row, uint64_t bit)
{
	WRITE_ONCE(*row, *row | bit);
}

static void clear(uint64_t *row, uint64_t bit)
{
	WRITE_ONCE(*row, *row & ~bit);
}

static uint64_t *own_row(struct noxs_filter_table *table, uint32_t ipv4)
{
	return ipv4 ? &table->own[NOXS_VIF_ARP_BIT((const uint8_t *)&ipv4)] : &table->open;
}

static void change_peers(struct noxs_filter_table *table, uint64_t bit,
			 const struct noxs_filter *old, const struct noxs_filter *new)
{
	unsigned int i, k;

	for (i = 0; i < sizeof(new->arp_peers); i++) {
		uint8_t before = old ? old->arp_peers[i] : 0;
		uint8_t after = new ? new->arp_peers[i] : 0;

		for (k = 0; before != after && k < 8; k++) {
			if (after & ~before & 1 << k)
				set(&table->peers[8 * i + k], bit);
			else if (before & ~after & 1 << k)
				clear(&table->peers[8 * i + k], bit);
		}
	}
}

void noxs_filter_change(struct noxs_filter_table *table, unsigned int slot,
			const struct noxs_filter *old, const struct noxs_filter *new)
{
	uint64_t *old_row = old ? own_row(table, old->ipv4) : NULL;
	uint64_t *new_row = new ? own_row(table, new->ipv4) : NULL;
	uint64_t bit = (uint64_t)1 << slot;

	/* It is in the new rows before it leaves the old ones. */
	change_peers(table, bit, old, new);
	if (new) {
		set(new_row, bit);
		set(&table->macs[new->mac[5]], bit);
		set(&table->used, bit);
	}
	if (old_row != new_row && old_row)
		clear(old_row, bit);
	if (old && (!new || old->mac[5] != new->mac[5]))
		clear(&table->macs[old->mac[5]], bit);
	if (!new)
		clear(&table->used, bit);
}

uint64_t noxs_filter_candidates(const struct noxs_filter_table *table, const uint8_t *mac,
				const struct noxs_arp *arp)
{
	uint64_t found;

	if (!(mac[0] & 1))
		return READ_ONCE(table->macs[mac[5]]);
	if (!arp->is_request)
		return READ_ONCE(table->used);
	found = READ_ONCE(table->open) | READ_ONCE(table->own[arp->sender_bit]);
	if (arp->sender == arp->target)
		return found | READ_ONCE(table->peers[arp->sender_bit]);
	return found | READ_ONCE(table->own[arp->target_bit]);
}
