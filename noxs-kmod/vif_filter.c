// SPDX-License-Identifier: GPL-2.0-only
/* Takes over what a front-end wants to see, when it says that this changed. */
#include <linux/etherdevice.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "vif.h"

static void take_over(struct noxs_vif *vif)
{
	const struct noxs_vif_front *front = &vif->dev.ctrl->vif_front;
	u32 generation = READ_ONCE(front->arp_generation);
	struct noxs_filter filter = { };
	unsigned int i;

	WRITE_ONCE(vif->filter_generation, generation);
	ether_addr_copy(filter.mac, vif->dev.config.vif.mac);
	/* The filter was written before its generation. Changed meanwhile, it will be told again. */
	virt_rmb();
	if (generation) {
		filter.ipv4 = READ_ONCE(front->ipv4);
		for (i = 0; i < sizeof(filter.arp_peers); i++)
			filter.arp_peers[i] = READ_ONCE(front->arp_peers[i]);
	}
	noxs_hub_filter_vif(vif, &filter);
}

bool noxs_vif_filter_pending(const struct noxs_vif *vif)
{
	return READ_ONCE(vif->dev.ctrl->vif_front.arp_generation) !=
	       READ_ONCE(vif->filter_generation);
}

void noxs_vif_filter_connect(struct noxs_vif *vif)
{
	take_over(vif);
}

void noxs_vif_filter_look(struct noxs_vif *vif)
{
	if (noxs_vif_filter_pending(vif))
		take_over(vif);
}

void noxs_vif_filter_disconnect(struct noxs_vif *vif)
{
	noxs_hub_filter_vif(vif, NULL);
}
