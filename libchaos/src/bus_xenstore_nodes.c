// SPDX-License-Identifier: BSD-3-Clause
/*
 * The nodes of a domain in XenStore: those that Xen's own toolstack writes for a PV guest and that
 * a guest or back-end reads. Each costs a message, and each message more with each guest there is.
 */
#include "bus_xenstore.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xenbus.h>

static void domain_path(char path[STORE_PATH], uint32_t domid)
{
    snprintf(path, STORE_PATH, "/local/domain/%u", domid);
}

static void put_domain(struct store *store, const struct nodes *nodes)
{
    const struct chaos_config *config = nodes->config;
    char domain[STORE_PATH], name[48];
    uint32_t i;

    domain_path(domain, nodes->domid);
    store_drop(store, "%s", domain); /* of a domain that had this id */
    store_dir(store, 0, nodes->domid, "%s", domain);
    store_string(store, domain, "name", config->name);
    store_number(store, domain, "domid", nodes->domid);
    store_number(store, domain, "memory/static-max", (uint64_t)config->memory_mib << 10);
    store_number(store, domain, "memory/target", (uint64_t)config->memory_mib << 10);
    for (i = 0; i < config->vcpus; i++) {
        snprintf(name, sizeof(name), "cpu/%u/availability", i);
        store_string(store, domain, name, "online");
    }
    /* What its guest writes to: answers to requests and what it can do, its own data, errors. */
    store_own(store, nodes->domid, "%s/control", domain);
    store_own(store, nodes->domid, "%s/data", domain);
    store_own(store, nodes->domid, "%s/error", domain);
    store_string(store, domain, "control/platform-feature-multiprocessor-suspend", "1");
    store_string(store, domain, "control/platform-feature-xs_reset_watches", "1");
}

/* Both ends of a device. `kind` and `id` name it: "vif", 0. */
struct ends {
    char front[STORE_PATH], back[STORE_PATH];
};

static struct ends ends_of(uint32_t domid, const char *kind, uint32_t id)
{
    struct ends ends;

    snprintf(ends.front, sizeof(ends.front), "/local/domain/%u/device/%s/%u", domid, kind, id);
    snprintf(ends.back, sizeof(ends.back), BACKEND_PATH "/%s/%u/%u", kind, domid, id);
    return ends;
}

static void put_device(struct store *store, const struct ends *ends, uint32_t domid)
{
    store_dir(store, domid, 0, "%s", ends->front);
    store_string(store, ends->front, "backend", ends->back);
    store_number(store, ends->front, "backend-id", 0);
    store_number(store, ends->front, "state", XenbusStateInitialising);
    store_dir(store, 0, domid, "%s", ends->back);
    store_string(store, ends->back, "frontend", ends->front);
    store_number(store, ends->back, "frontend-id", domid);
    store_number(store, ends->back, "online", 1);
    store_number(store, ends->back, "state", XenbusStateInitialising);
    store_string(store, ends->back, "script", HOTPLUG_NAME);
    store_string(store, ends->back, "hotplug-status", "");
}

/* What a shell's vif gets only when it is asked for. */
static void put_addresses(struct store *store, const struct ends *ends,
                          const struct chaos_vif_config *vif)
{
    const uint8_t *m = vif->mac;
    char text[INET_ADDRSTRLEN + 8];

    snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
             m[5]);
    store_string(store, ends->front, "mac", text);
    store_string(store, ends->back, "mac", text);
    if (vif->mtu) {
        store_number(store, ends->front, "mtu", vif->mtu);
        store_number(store, ends->back, "mtu", vif->mtu);
    }
    if (vif->ipv4) {
        inet_ntop(AF_INET, &vif->ipv4, text, INET_ADDRSTRLEN);
        if (vif->ipv4_prefix)
            sprintf(text + strlen(text), "/%u", vif->ipv4_prefix);
        store_string(store, ends->back, "ip", text);
    }
    if (vif->ifname[0])
        store_string(store, ends->back, "vifname", vif->ifname);
}

static void put_vif(struct store *store, uint32_t domid, const struct chaos_vif_config *vif)
{
    const struct ends ends = ends_of(domid, "vif", vif->id);

    put_device(store, &ends, domid);
    store_number(store, ends.front, "handle", vif->id);
    store_number(store, ends.back, "handle", vif->id);
    store_string(store, ends.back, "bridge", vif->bridge);
    put_addresses(store, &ends, vif);
}

static void put_disk(struct store *store, uint32_t domid, const struct chaos_disk_config *disk)
{
    const struct ends ends = ends_of(domid, "vbd", disk->number);

    put_device(store, &ends, domid);
    store_number(store, ends.front, "virtual-device", disk->number);
    store_string(store, ends.front, "device-type", "disk");
    store_string(store, ends.back, "dev", disk->vdev);
    store_string(store, ends.back, "type", "phy");
    store_string(store, ends.back, "params", disk->target);
    store_string(store, ends.back, "mode", disk->readonly ? "r" : "w");
    store_string(store, ends.back, "device-type", "disk");
    store_number(store, ends.back, "removable", 0);
    store_number(store, ends.back, "discard-enable", !disk->readonly && !disk->no_discard);
}

void nodes_create(struct store *store, void *opaque)
{
    const struct nodes *nodes = opaque;
    const struct chaos_config *config = nodes->config;
    uint32_t i;

    put_domain(store, nodes);
    for (i = 0; i < config->nr_vifs; i++)
        put_vif(store, nodes->domid, &config->vifs[i]);
    for (i = 0; i < config->nr_disks; i++)
        put_disk(store, nodes->domid, &config->disks[i]);
}

void nodes_configure(struct store *store, void *opaque)
{
    const struct nodes *nodes = opaque;
    const struct chaos_config *config = nodes->config;
    char domain[STORE_PATH];
    struct ends ends;
    uint32_t i;

    domain_path(domain, nodes->domid);
    store_string(store, domain, "name", config->name);
    for (i = 0; i < config->nr_vifs; i++) {
        ends = ends_of(nodes->domid, "vif", config->vifs[i].id);
        put_addresses(store, &ends, &config->vifs[i]);
    }
}

void nodes_remove(struct store *store, void *opaque)
{
    const struct nodes *nodes = opaque;
    char domain[STORE_PATH];

    domain_path(domain, nodes->domid);
    store_drop(store, BACKEND_PATH "/vif/%u", nodes->domid);
    store_drop(store, BACKEND_PATH "/vbd/%u", nodes->domid);
    store_drop(store, "%s", domain);
}

void nodes_ask(struct store *store, void *opaque)
{
    const struct nodes_request *request = opaque;
    char domain[STORE_PATH];

    domain_path(domain, request->domid);
    store_require(store, domain, "domid"); /* else a node of a domain that is gone would be made */
    store_string(store, domain, "control/shutdown", request->word);
}

/* A guest empties the node when it begins to do as it was asked. */
void nodes_withdraw(struct store *store, void *opaque)
{
    struct nodes_withdrawal *withdrawal = opaque;
    char domain[STORE_PATH];

    domain_path(domain, withdrawal->domid);
    withdrawal->begun = store_require(store, domain, "control/shutdown") == 0;
    store_string(store, domain, "control/shutdown", "");
}
