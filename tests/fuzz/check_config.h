/* SPDX-License-Identifier: BSD-3-Clause */
/* What holds of any configuration that was accepted, whatever it was made of. */
#ifndef FUZZ_CHECK_CONFIG_H
#define FUZZ_CHECK_CONFIG_H

#include <chaos/config.h>

#include <stdlib.h>
#include <string.h>

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

static inline void check_vif(const struct chaos_vif_config *vif)
{
    require(strnlen(vif->bridge, sizeof(vif->bridge)) < sizeof(vif->bridge) && vif->bridge[0]);
    require(strnlen(vif->ifname, sizeof(vif->ifname)) < sizeof(vif->ifname));
    require(!(vif->mac[0] & 1));
    require(vif->ipv4_prefix <= 32);
    require(vif->id != 0xffff);
}

static inline void check_disk(const struct chaos_disk_config *disk)
{
    require(disk->target && disk->target[0] == '/');
    require(strnlen(disk->vdev, sizeof(disk->vdev)) < sizeof(disk->vdev) && disk->vdev[0]);
    require(disk->number > 0 && disk->number < 1u << 29);
}

static inline void drop(void *opaque, const char *text, size_t length)
{
    (void)opaque;
    (void)text;
    (void)length;
}

static inline void check_config(struct chaos_config *config)
{
    struct chaos_error err;

    require(chaos_name_check(config->name, &err) == 0);
    require(config->kernel && config->kernel[0] && config->cmdline);
    require(config->memory_mib >= 1 && config->vcpus >= 1 && config->vcpus <= 512);
    require(config->nr_vifs <= CHAOS_VIFS_MAX);
    for (uint32_t i = 0; i < config->nr_vifs; i++)
        check_vif(&config->vifs[i]);
    require(config->nr_disks <= CHAOS_DISKS_MAX);
    for (uint32_t i = 0; i < config->nr_disks; i++)
        check_disk(&config->disks[i]);
    chaos_config_json(config, drop, NULL);
    chaos_config_free(config);
}

/* An error is a message of printable lines. */
static inline void check_error(const struct chaos_error *err)
{
    require(err->code < 0 && err->exit != CHAOS_EXIT_OK && err->text[0]);
    for (const char *c = err->text; *c; c++)
        require((unsigned char)*c >= 0x20 || *c == '\n');
}

#endif
