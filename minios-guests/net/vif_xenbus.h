/* SPDX-License-Identifier: BSD-3-Clause */
/* What the XenStore says of a vif in text. */
#ifndef NET_VIF_XENBUS_H
#define NET_VIF_XENBUS_H

#include <stdbool.h>
#include <stdint.h>

bool vif_parse_mac(const char *text, uint8_t mac[6]); /* 00:16:3e:01:02:03 */

/* The first of the addresses between spaces, as A.B.C.D or A.B.C.D/BITS; false: it is none. */
bool vif_parse_ip(const char *text, uint32_t *ipv4, uint32_t *prefix);

#endif
