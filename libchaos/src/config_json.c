// SPDX-License-Identifier: BSD-3-Clause
/* The canonical form of a configuration: what "create --dryrun" prints. */
#include <arpa/inet.h>
#include <stdio.h>

#include <chaos/config.h>

#include "json.h"

#define CPUS          256 /* bits of the mask */
#define CONFIG_SCHEMA 1   /* members are only ever added */

static const char *action_name(enum chaos_action action)
{
    switch (action) {
    case CHAOS_ACTION_RESTART:
        return "restart";
    case CHAOS_ACTION_PRESERVE:
        return "preserve";
    default:
        return "destroy";
    }
}

static bool all_zero(const uint8_t *bytes, size_t nr)
{
    for (size_t i = 0; i < nr; i++)
        if (bytes[i])
            return false;
    return true;
}

static void uuid_member(struct json *j, const uint8_t uuid[16])
{
    char text[37], *out = text;

    if (all_zero(uuid, 16)) {
        json_string(j, "uuid", NULL);
        return;
    }
    for (int i = 0; i < 16; i++)
        out += sprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    json_string(j, "uuid", text);
}

static bool has_cpu(const uint64_t mask[4], unsigned int cpu)
{
    return mask[cpu / 64] >> (cpu % 64) & 1;
}

/* "0-3,5"; null: any. */
static void cpus_member(struct json *j, const uint64_t mask[4])
{
    char text[CPUS * 4], *out = text;

    if (!(mask[0] | mask[1] | mask[2] | mask[3])) {
        json_string(j, "cpus", NULL);
        return;
    }
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        unsigned int first = cpu;

        while (cpu < CPUS && has_cpu(mask, cpu))
            cpu++;
        if (cpu > first)
            out += sprintf(out, cpu - 1 > first ? "%s%u-%u" : "%s%u", out > text ? "," : "", first,
                           cpu - 1);
    }
    json_string(j, "cpus", text);
}

static void vif_object(struct json *j, const struct chaos_vif_config *vif)
{
    char mac[18], address[INET_ADDRSTRLEN], ip[INET_ADDRSTRLEN + 4];
    const uint8_t *m = vif->mac;

    json_object(j, NULL);
    json_unsigned(j, "id", vif->id);
    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    json_string(j, "mac", all_zero(m, 6) ? NULL : mac);
    json_string(j, "bridge", vif->bridge);
    json_string(j, "ifname", vif->ifname[0] ? vif->ifname : NULL);
    inet_ntop(AF_INET, &vif->ipv4, address, sizeof(address));
    snprintf(ip, sizeof(ip), vif->ipv4_prefix ? "%s/%u" : "%s", address, vif->ipv4_prefix);
    json_string(j, "ip", vif->ipv4 ? ip : NULL);
    json_unsigned(j, "mtu", vif->mtu);
    json_object_end(j);
}

static void disk_object(struct json *j, const struct chaos_disk_config *disk)
{
    json_object(j, NULL);
    json_string(j, "target", disk->target);
    json_string(j, "format", "raw");
    json_string(j, "vdev", disk->vdev);
    json_string(j, "access", disk->readonly ? "ro" : "rw");
    json_bool(j, "discard", !disk->no_discard);
    json_object_end(j);
}

void chaos_config_json(const struct chaos_config *config, chaos_config_sink *sink, void *opaque)
{
    struct json j;

    json_init(&j, sink, opaque);
    json_object(&j, NULL);
    json_unsigned(&j, "schema", CONFIG_SCHEMA);
    json_string(&j, "name", config->name);
    uuid_member(&j, config->uuid);
    json_string(&j, "type", "pv");
    json_string(&j, "bus",
                !config->bus_given                  ? NULL
                : config->bus == CHAOS_BUS_XENSTORE ? "xenstore"
                                                    : "noxs");
    json_string(&j, "kernel", config->kernel);
    json_string(&j, "ramdisk", config->ramdisk);
    json_string(&j, "cmdline", config->cmdline);
    json_unsigned(&j, "memory_mib", config->memory_mib);
    json_unsigned(&j, "vcpus", config->vcpus);
    cpus_member(&j, config->cpu_affinity);
    json_string(&j, "on_poweroff", action_name(config->on_poweroff));
    json_string(&j, "on_reboot", action_name(config->on_reboot));
    json_string(&j, "on_crash", action_name(config->on_crash));
    json_unsigned(&j, "max_event_channels", config->max_event_channels);
    json_unsigned(&j, "max_grant_frames", config->max_grant_frames);
    json_array(&j, "vifs");
    for (uint32_t i = 0; i < config->nr_vifs; i++)
        vif_object(&j, &config->vifs[i]);
    json_array_end(&j);
    json_array(&j, "disks");
    for (uint32_t i = 0; i < config->nr_disks; i++)
        disk_object(&j, &config->disks[i]);
    json_array_end(&j);
    json_object_end(&j);
}
