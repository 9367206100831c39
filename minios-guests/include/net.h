/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 through lwIP's raw API on the first vif. */
#ifndef NET_H
#define NET_H

#include "guest.h"

/* Address from the command line ("ip=10.0.0.2/24 gw=10.0.0.1"), from the vif's configuration, or
 * else by DHCP. Calls `up` (once) when there is a link and an address. Serves the network for
 * ever; the app's part happens in lwIP's callbacks. */
_Noreturn void net_run(void (*up)(const char *address));

#endif
