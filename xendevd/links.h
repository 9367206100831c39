/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes and removes the links of which a bridge that is spread is made. All functions return 0 or a
 * negative errno. */
#ifndef XENDEVD_LINKS_H
#define XENDEVD_LINKS_H

#include <stdint.h>

/* The group of all links that xendevd makes, by which it knows them again: "chao". */
#define LINKS_GROUP 0x6f616863u

/* A bridge that has no address of its own and follows no multicast groups. Not up yet. */
int links_add_bridge(int fd, const char *name);

/* A pair of links, each a port of one of the bridges, and up. */
int links_add_pair(int fd, const char *upper, int upper_bridge, const char *lower, int lower_bridge,
                   uint32_t mtu);

/* A hub on a bridge (see NOXS_HUB_KIND); on a part of one, with the part's uplink, else 0.
 * -EOPNOTSUPP: the module has none. */
int links_add_hub(int fd, const char *name, int bridge, int uplink);

int links_up(int fd, int ifindex);

/* Those that are gone already are no failure. */
int links_delete(int fd, int ifindex);

#endif
