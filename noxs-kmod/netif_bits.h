/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few numbers of Xen's public io/netif.h that packet.c needs, so that it compiles without
 * kernel headers. vif_tx.c asserts that they are the same.
 */
#ifndef NOXS_NETIF_BITS_H
#define NOXS_NETIF_BITS_H

#define NOXS_TX_CSUM_BLANK	(1u << 0)
#define NOXS_TX_DATA_VALIDATED	(1u << 1)
#define NOXS_TX_MORE_DATA	(1u << 2)
#define NOXS_TX_EXTRA_INFO	(1u << 3)

#define NOXS_EXTRA_GSO		1
#define NOXS_EXTRA_MORE		(1u << 0)

#define NOXS_GSO_NONE		0
#define NOXS_GSO_TCPV4		1
#define NOXS_GSO_TCPV6		2

#endif
