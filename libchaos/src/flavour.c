// SPDX-License-Identifier: BSD-3-Clause
/* What shells have in common, and which requests they can serve. */
#include "shell.h"

#include <string.h>

#include "hv.h"

bool flavour_of(const struct chaos_config *config, struct flavour *out)
{
    static const uint64_t any[HV_AFFINITY_WORDS];
    uint32_t i;

    if (memcmp(config->cpu_affinity, any, sizeof(any)) != 0 || config->nr_disks > 0)
        return false;
    memset(out, 0, sizeof(*out));
    out->bus = config->bus;
    out->memory_mib = config->memory_mib;
    out->vcpus = config->vcpus;
    out->max_event_channels = config->max_event_channels;
    out->max_grant_frames = config->max_grant_frames;
    out->nr_vifs = config->nr_vifs;
    for (i = 0; i < config->nr_vifs; i++) {
        if (config->vifs[i].id != i)
            return false;
        strcpy(out->bridge[i], config->vifs[i].bridge);
    }
    return true;
}

static bool same_devices(const struct flavour *a, const struct flavour *b)
{
    uint32_t i;

    if (a->bus != b->bus || a->nr_vifs != b->nr_vifs)
        return false;
    for (i = 0; i < a->nr_vifs; i++)
        if (strcmp(a->bridge[i], b->bridge[i]) != 0)
            return false;
    return true;
}

static bool same_limits(const struct flavour *a, const struct flavour *b)
{
    return a->vcpus == b->vcpus && a->max_event_channels == b->max_event_channels &&
           a->max_grant_frames == b->max_grant_frames;
}

bool flavour_equal(const struct flavour *a, const struct flavour *b)
{
    return a->memory_mib == b->memory_mib && same_limits(a, b) && same_devices(a, b) &&
           strcmp(a->kernel, b->kernel) == 0 && strcmp(a->ramdisk, b->ramdisk) == 0;
}

static bool serves(const struct flavour *flavour, const struct flavour *wanted)
{
    return same_limits(flavour, wanted) && same_devices(flavour, wanted) &&
           flavour->memory_mib >= wanted->memory_mib;
}

int64_t flavour_misfit(const struct flavour *flavour, const struct chaos_config *config)
{
    struct flavour wanted;
    const char *ramdisk = config->ramdisk ? config->ramdisk : "";
    int64_t waste;

    if (!flavour_of(config, &wanted) || !serves(flavour, &wanted))
        return -1;
    waste = (int64_t)(flavour->memory_mib - wanted.memory_mib) << 10;
    if (flavour->kernel[0] == '\0')
        return waste + 1;
    if (strcmp(flavour->kernel, config->kernel) != 0 || strcmp(flavour->ramdisk, ramdisk) != 0)
        return -1;
    return waste;
}

/* A guest on XenStore was introduced with its ring when its image was loaded. */
int64_t flavour_misfit_restored(const struct flavour *flavour, const struct chaos_config *config)
{
    const bool image = flavour->kernel[0] != '\0';
    struct flavour wanted;

    if (!flavour_of(config, &wanted) || !serves(flavour, &wanted) ||
        flavour->memory_mib != wanted.memory_mib || (image && flavour->bus == CHAOS_BUS_XENSTORE))
        return -1;
    return image;
}
