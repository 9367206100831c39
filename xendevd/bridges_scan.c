// SPDX-License-Identifier: BSD-3-Clause
/* Which bridges, parts and hubs there are, as the kernel's list of links tells. */
#include "bridges_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"
#include "log.h"
#include "noxs_ioctl.h"
#include "rtnl.h"
#include "vif.h"

/* The links that matter, in the order of the dump. */
struct scan {
    struct rtnl_link *links;
    size_t nr, room;
    int error;
};

static bool is_ours(const struct rtnl_link *link)
{
    return link->group == LINKS_GROUP;
}

static bool is_bridge(const struct rtnl_link *link)
{
    return strcmp(link->kind, "bridge") == 0;
}

static bool is_pair(const struct rtnl_link *link)
{
    return is_ours(link) && strcmp(link->kind, "veth") == 0;
}

static bool is_hub(const struct rtnl_link *link)
{
    return strcmp(link->kind, NOXS_HUB_KIND) == 0;
}

static void begin(void *opaque)
{
    struct scan *scan = opaque;

    scan->nr = 0;
}

static void add_link(void *opaque, const struct rtnl_link *link)
{
    struct scan *scan = opaque;

    if (!is_bridge(link) && !is_pair(link) && !is_hub(link) && !(link->master && vif_is_port(link)))
        return;
    if (scan->nr == scan->room) {
        size_t room = scan->room ? 2 * scan->room : 64;
        struct rtnl_link *links = realloc(scan->links, room * sizeof(*links));

        if (!links) {
            scan->error = -ENOMEM;
            return;
        }
        scan->links = links;
        scan->room = room;
    }
    scan->links[scan->nr++] = *link;
}

static const struct rtnl_link *pair_of(const struct scan *scan, int master)
{
    for (size_t i = 0; i < scan->nr; i++)
        if (is_pair(&scan->links[i]) && scan->links[i].master == master)
            return &scan->links[i];
    return NULL;
}

static const struct rtnl_link *link_of(const struct scan *scan, int ifindex)
{
    for (size_t i = 0; i < scan->nr; i++)
        if (scan->links[i].ifindex == ifindex)
            return &scan->links[i];
    return NULL;
}

/* The other end of its pair of veths is on the whole. */
static void find_whole(const struct scan *scan, struct bridge *part)
{
    const struct rtnl_link *pair = pair_of(scan, part->ifindex);
    const struct rtnl_link *other = pair ? link_of(scan, pair->peer) : NULL;

    part->whole = other ? other->master : 0;
    part->pair = pair ? pair->ifindex : 0;
    part->uplink = other ? other->ifindex : 0;
}

static int add_bridge(struct bridges *b, const struct scan *scan, const struct rtnl_link *link)
{
    struct bridge *bridge = bridges_append(b);

    if (!bridge)
        return -ENOMEM;
    bridge->ifindex = bridge->whole = link->ifindex;
    bridge->mtu = link->mtu;
    bridge->up = true;
    bridge->plain = link->filters_vlans;
    memcpy(bridge->name, link->ifname, sizeof(bridge->name));
    if (is_ours(link)) {
        find_whole(scan, bridge);
        bridge->up = link->up;
    }
    return 0;
}

static int add_port(struct bridges *b, const struct rtnl_link *port)
{
    for (unsigned int i = 0; i < b->nr; i++) {
        struct bridge *bridge = &b->list[i];

        if (bridge->ifindex != port->master)
            continue;
        if (vif_is_port(port))
            return bridges_note(b, port->ifindex, bridge);
        if (is_hub(port)) {
            bridge->hub = port->ifindex;
            bridge->hub_is_ours = is_ours(port);
        }
    }
    return 0;
}

/* What an earlier xendevd was killed over, or a bridge left behind that is gone. */
static void reap(struct bridges *b, const struct scan *scan)
{
    for (size_t i = 0; i < scan->nr; i++) {
        const struct rtnl_link *link = &scan->links[i];

        if (is_ours(link) && !is_bridge(link) && !link->master)
            links_delete(b->fd, link->ifindex);
    }
    for (unsigned int i = b->nr; i-- > 0;) {
        struct bridge *part = &b->list[i];

        if (part->whole && part->up)
            continue;
        if (part->vifs) {
            log_error("%s has vifs, but is not linked to the bridge that it was a part of",
                      part->name);
            part->up = false;
            continue;
        }
        if (part->hub)
            links_delete(b->fd, part->hub);
        links_delete(b->fd, part->ifindex);
        *part = b->list[--b->nr];
    }
}

static int build(struct bridges *b, const struct scan *scan)
{
    int rc = 0;

    b->nr = 0;
    b->nr_placed = 0;
    for (size_t i = 0; rc == 0 && i < scan->nr; i++)
        if (is_bridge(&scan->links[i]))
            rc = add_bridge(b, scan, &scan->links[i]);
    for (size_t i = 0; rc == 0 && i < scan->nr; i++)
        if (scan->links[i].master)
            rc = add_port(b, &scan->links[i]);
    if (rc == 0)
        reap(b, scan);
    return rc;
}

int bridges_scan(struct bridges *b)
{
    struct scan scan = {0};
    struct rtnl_reader reader = {.begin = begin, .link = add_link, .opaque = &scan};
    int rc = rtnl_dump(NULL, &reader);

    if (rc == 0)
        rc = scan.error;
    if (rc == 0)
        rc = build(b, &scan);
    if (rc)
        log_error("cannot look at the bridges: %s", strerror(-rc));
    b->untidy = true;
    free(scan.links);
    return rc;
}
