/* SPDX-License-Identifier: GPL-2.0-only */
/* Which ARP packets a front-end does not want. Pure: also compiled in user space, and tested there. */
#ifndef NOXS_ARP_H
#define NOXS_ARP_H

#include "noxs_abi.h"

#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* frame: from its Ethernet header on. What the front-end writes meanwhile is read once. */
bool noxs_arp_unwanted(const uint8_t *frame, unsigned int size, const struct noxs_vif_front *front);

#endif
