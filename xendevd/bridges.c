// SPDX-License-Identifier: BSD-3-Clause
#include "bridges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridges_scan.h"
#include "links.h"
#include "log.h"
#include "rtnl.h"
#include "vif.h"

#define PARTS_MAX  900 /* each needs a port of the whole */
#define ATTEMPTS   3
#define HUB_FROM   8  /* vifs, when there is time */
#define HUB_URGENT 32 /* vifs, at once */

static struct bridge *find(const struct bridges *b, int ifindex)
{
    for (unsigned int i = 0; i < b->nr; i++)
        if (b->list[i].ifindex == ifindex)
            return &b->list[i];
    return NULL;
}

static bool is_part(const struct bridge *bridge)
{
    return bridge->whole != bridge->ifindex;
}

static unsigned int room_on(const struct bridges *b, const struct bridge *bridge)
{
    if (!bridge->up || bridge->full || bridge->vifs >= b->vifs_per_bridge)
        return 0;
    return b->vifs_per_bridge - bridge->vifs;
}

/* For vifs of the whole, not counting one of the bridges. */
static unsigned int room_beside(const struct bridges *b, int whole, const struct bridge *except)
{
    unsigned int room = 0;

    for (unsigned int i = 0; i < b->nr; i++)
        if (b->list[i].whole == whole && &b->list[i] != except)
            room += room_on(b, &b->list[i]);
    return room;
}

struct bridge *bridges_append(struct bridges *b)
{
    if (b->nr == b->room) {
        unsigned int room = b->room ? 2 * b->room : 16;
        struct bridge *list = realloc(b->list, room * sizeof(*list));

        if (!list)
            return NULL;
        b->list = list;
        b->room = room;
    }
    memset(&b->list[b->nr], 0, sizeof(b->list[b->nr]));
    return &b->list[b->nr++];
}

static void forget(struct bridges *b, struct bridge *bridge)
{
    *bridge = b->list[--b->nr];
}

/* ------------------------------------------------------------------ hubs */

/* What the names of a bridge's links begin with: short enough for a number and a letter more. */
static void base_name(const struct bridge *bridge, char *out, size_t size)
{
    if (strlen(bridge->name) < size)
        strcpy(out, bridge->name);
    else
        snprintf(out, size, "b%d", bridge->ifindex);
}

static void add_hub(struct bridges *b, struct bridge *bridge)
{
    char base[14], name[16];
    int rc;

    if (!b->hubs || bridge->hub || bridge->plain || bridge->hub_refused)
        return;
    base_name(bridge, base, sizeof(base));
    snprintf(name, sizeof(name), "%s%s", base, is_part(bridge) ? "h" : "-h");
    rc = links_add_hub(b->fd, name, bridge->ifindex, bridge->uplink);
    bridge->hub_refused = rc != 0;
    b->hubs = rc != -EOPNOTSUPP; /* an older module, which will refuse the next one as well */
    if (rc == 0) {
        bridge->hub = rtnl_ifindex(b->fd, name);
        bridge->hub_is_ours = true;
    }
    if (rc)
        log_error("bridge '%s' gets no hub: %s", bridge->name, strerror(-rc));
    else
        log_debug("%s: hub of bridge '%s'", name, bridge->name);
}

/* ------------------------------------------------------------------ parts */

static void delete_part(struct bridges *b, struct bridge *part)
{
    log_debug("%s: not needed any more", part->name);
    if (part->pair)
        links_delete(b->fd, part->pair);
    if (part->hub)
        links_delete(b->fd, part->hub);
    links_delete(b->fd, part->ifindex);
    forget(b, part);
}

static int link_part(struct bridges *b, const struct bridge *whole, struct bridge *part)
{
    char upper[sizeof(part->name) + 1], lower[sizeof(part->name) + 1];
    int rc;

    snprintf(upper, sizeof(upper), "%su", part->name);
    snprintf(lower, sizeof(lower), "%sd", part->name);
    rc = links_add_pair(b->fd, upper, whole->ifindex, lower, part->ifindex, whole->mtu);
    if (rc)
        return rc;
    part->pair = rtnl_ifindex(b->fd, lower);
    part->uplink = rtnl_ifindex(b->fd, upper);
    if (part->pair < 0 || part->uplink < 0)
        return -ENODEV;
    add_hub(b, part);
    /* The last step: what is not up is not complete. */
    rc = links_up(b->fd, part->ifindex);
    part->up = rc == 0;
    return rc;
}

static int make_bridge(struct bridges *b, const struct bridge *whole, struct bridge *part)
{
    char base[10];
    int rc = -EEXIST;

    base_name(whole, base, sizeof(base));
    for (unsigned int nr = 1; rc == -EEXIST && nr <= PARTS_MAX; nr++) {
        snprintf(part->name, sizeof(part->name), "%s-%u", base, nr);
        rc = links_add_bridge(b->fd, part->name);
    }
    if (rc)
        return rc;
    part->whole = whole->ifindex;
    part->ifindex = rtnl_ifindex(b->fd, part->name);
    return part->ifindex < 0 ? part->ifindex : 0;
}

/* Its index or a negative errno. */
static int add_part(struct bridges *b, int whole_index)
{
    struct bridge *part = bridges_append(b), *whole = find(b, whole_index);
    int rc;

    if (!part)
        return -ENOMEM;
    rc = make_bridge(b, whole, part);
    if (rc) {
        log_error("bridge '%s' cannot be spread: %s", whole->name, strerror(-rc));
        forget(b, part);
        return rc;
    }
    rc = link_part(b, whole, part);
    if (rc) {
        log_error("%s cannot be made a part of bridge '%s': %s", part->name, whole->name,
                  strerror(-rc));
        delete_part(b, part);
        return rc;
    }
    log_debug("%s: part of bridge '%s'", part->name, whole->name);
    return part->ifindex;
}

/* ------------------------------------------------------------------ placing */

static const struct bridge *known(struct bridges *b, int ifindex, const char *name)
{
    const struct bridge *bridge = find(b, ifindex);

    return bridge && strcmp(bridge->name, name) == 0 ? bridge : NULL;
}

/* Index of what the next vif goes to, maybe a new part, or a negative errno. */
static int place(struct bridges *b, const char *name)
{
    /* Asked for each time: one system call, and a remembered index may be another bridge's. */
    int ifindex = rtnl_ifindex(b->fd, name), part;
    const struct bridge *whole;

    if (ifindex < 0)
        return ifindex;
    whole = known(b, ifindex, name);
    if (!whole && bridges_scan(b) == 0)
        whole = known(b, ifindex, name);
    if (!whole || whole->plain || b->vifs_per_bridge == 0 || room_on(b, whole))
        return ifindex;
    for (unsigned int i = 0; i < b->nr; i++)
        if (b->list[i].whole == ifindex && room_on(b, &b->list[i]))
            return b->list[i].ifindex;
    part = add_part(b, ifindex);
    return part < 0 ? ifindex : part;
}

bool bridges_has(const struct bridges *b, const char *name, int master)
{
    const struct bridge *bridge = find(b, master);
    int whole = rtnl_ifindex(b->fd, name);

    return whole > 0 && (whole == master || (bridge && bridge->whole == whole));
}

/* ------------------------------------------------------------------ coming and going */

/* Where the entry of the vif is, or should be. */
static size_t position(const struct bridges *b, int vif)
{
    size_t low = 0, high = b->nr_placed;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (b->placed[middle].vif < vif)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool bridges_holds(const struct bridges *b, int vif)
{
    size_t at = position(b, vif);

    return at < b->nr_placed && b->placed[at].vif == vif;
}

static void take_away(struct bridges *b, size_t at)
{
    struct bridge *bridge = find(b, b->placed[at].bridge);

    if (bridge)
        bridge->vifs--;
    b->nr_placed--;
    memmove(&b->placed[at], &b->placed[at + 1], (b->nr_placed - at) * sizeof(b->placed[0]));
}

int bridges_note(struct bridges *b, int vif, struct bridge *bridge)
{
    size_t at = position(b, vif);

    if (bridges_holds(b, vif))
        take_away(b, at);
    if (b->nr_placed == b->room_placed) {
        size_t room = b->room_placed ? 2 * b->room_placed : 64;
        struct placed *placed = realloc(b->placed, room * sizeof(*placed));

        if (!placed)
            return -ENOMEM;
        b->placed = placed;
        b->room_placed = room;
    }
    memmove(&b->placed[at + 1], &b->placed[at], (b->nr_placed - at) * sizeof(b->placed[0]));
    b->placed[at] = (struct placed){.vif = vif, .bridge = bridge->ifindex};
    b->nr_placed++;
    bridge->vifs++;
    return 0;
}

/* It was put there, or (error -EXFULL) refused there. */
static void taken(struct bridges *b, int vif, int ifindex, int error)
{
    struct bridge *bridge = find(b, ifindex);

    if (!bridge)
        return;
    if (error == -EXFULL)
        bridge->full = true;
    if (error || bridges_note(b, vif, bridge))
        return;
    b->untidy = true;
    if (bridge->vifs >= HUB_URGENT)
        add_hub(b, bridge);
}

/* A full bridge, or a part that went away, is found out only here. */
int bridges_put(struct bridges *b, int ifindex, const char *name)
{
    int rc = -EXFULL;

    for (int attempt = 0; attempt < ATTEMPTS && (rc == -EXFULL || rc == -EINVAL); attempt++) {
        int master = place(b, name);

        if (master < 0)
            return master;
        rc = rtnl_enslave(b->fd, ifindex, master);
        taken(b, ifindex, master, rc);
        if (rc == -EINVAL)
            bridges_scan(b);
    }
    return rc;
}

const char *bridges_explain(const struct bridges *b, const char *name, int error)
{
    switch (error) {
    case ENODEV:
        return rtnl_ifindex(b->fd, name) < 0 ? "no such bridge (see: ip link)"
                                             : "one of them went away";
    case EXFULL:
        return "the bridge has no free port (a Linux bridge has 1023): name another one";
    case EOPNOTSUPP:
        return "it is not a bridge";
    default:
        return strerror(error);
    }
}

void bridges_left(struct bridges *b, const struct rtnl_link *port)
{
    struct bridge *bridge = find(b, port->master);
    size_t at = position(b, port->ifindex);

    if (bridge)
        bridge->full = false;
    /* It may have moved to another one. */
    if (bridges_holds(b, port->ifindex) && b->placed[at].bridge == port->master)
        take_away(b, at);
    b->untidy = true;
}

/* ------------------------------------------------------------------ tidying */

static void tidy_hub(struct bridges *b, struct bridge *bridge)
{
    if (bridge->vifs >= HUB_FROM)
        add_hub(b, bridge);
    if (bridge->vifs || !bridge->hub || !bridge->hub_is_ours || is_part(bridge))
        return;
    links_delete(b->fd, bridge->hub);
    bridge->hub = 0;
}

/* Room for the next vifs is made before they come, as that takes longer than one of them. */
static void tidy_room(struct bridges *b, const struct bridge *whole)
{
    if (whole->plain || b->vifs_per_bridge == 0 || whole->vifs < b->vifs_per_bridge / 2)
        return;
    if (room_beside(b, whole->ifindex, NULL) < b->vifs_per_bridge / 8)
        add_part(b, whole->ifindex);
}

void bridges_tidy(struct bridges *b)
{
    b->untidy = false;
    for (unsigned int i = b->nr; i-- > 0;) {
        struct bridge *bridge = &b->list[i];

        tidy_hub(b, bridge);
        if (is_part(bridge) && bridge->vifs == 0 &&
            room_beside(b, bridge->whole, bridge) >= b->vifs_per_bridge / 4)
            delete_part(b, bridge);
    }
    for (unsigned int i = 0; i < b->nr; i++)
        if (!is_part(&b->list[i]))
            tidy_room(b, &b->list[i]);
}

void bridges_release(struct bridges *b)
{
    free(b->list);
    free(b->placed);
}
