// SPDX-License-Identifier: BSD-3-Clause
#include "pools_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"

#define FILE_NAME "pools.conf"

static void put_section(FILE *out, const struct pool *pool)
{
    const struct flavour *flavour = &pool->flavour;

    fprintf(out, "[pool %s]\nmemory = %u\nvcpus = %u\nbus = %s\n", pool->name, flavour->memory_mib,
            flavour->vcpus, flavour->bus == CHAOS_BUS_XENSTORE ? "xenstore" : "noxs");
    if (flavour->max_event_channels)
        fprintf(out, "max_event_channels = %u\n", flavour->max_event_channels);
    if (flavour->max_grant_frames)
        fprintf(out, "max_grant_frames = %u\n", flavour->max_grant_frames);
    if (flavour->nr_vifs)
        fprintf(out, "vif =");
    for (uint32_t i = 0; i < flavour->nr_vifs; i++)
        fprintf(out, " %s%s", flavour->bridge[i], i + 1 == flavour->nr_vifs ? "\n" : "");
    if (flavour->kernel[0])
        fprintf(out, "kernel = %s\n", flavour->kernel);
    if (flavour->ramdisk[0])
        fprintf(out, "ramdisk = %s\n", flavour->ramdisk);
    fprintf(out, "low = %u\nhigh = %u\n", pool->low, pool->high);
}

/* A path may hold what means something else in a file of lines. */
static bool reads_back(const struct pool *pool, const char *text, size_t length)
{
    struct settings settings;
    struct chaos_error ignored;
    bool same;

    settings_default(&settings);
    same = settings_parse(FILE_NAME, text, length, &settings, &ignored) == 0 &&
           settings.nr_pools == 1 && strcmp(settings.pools[0].name, pool->name) == 0 &&
           flavour_equal(&settings.pools[0].flavour, &pool->flavour);
    settings_free(&settings);
    return same;
}

static void put_pool(FILE *out, const struct pool *pool)
{
    cleanup_free char *text = NULL;
    size_t length = 0;
    FILE *section = open_memstream(&text, &length);

    if (!section)
        return;
    put_section(section, pool);
    if (fclose(section) == 0 && reads_back(pool, text, length))
        fwrite(text, 1, length, out);
    else
        log_error("pool \"%s\" will not be there after a restart: a path of it has spaces at an "
                  "end, a line feed or a \"#\"",
                  pool->name);
}

static bool is_kept(const struct pool *pool)
{
    return pool->set && !pool->removed && pool->high > 0;
}

static bool any_is_kept(const struct pools *pools)
{
    const struct pool *p = pools->first;

    while (p && !is_kept(p))
        p = p->next;
    return p != NULL;
}

static int put_all(const struct pools *pools, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc;
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

    if (!out) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    for (const struct pool *p = pools->first; p; p = p->next)
        if (is_kept(p))
            put_pool(out, p);
    rc = ferror(out) ? -EIO : 0;
    return fclose(out) == 0 ? rc : -errno;
}

void pools_kept_write(const struct pools *pools, const char *run_dir)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    int rc;

    snprintf(path, sizeof(path), "%s/" FILE_NAME, run_dir);
    snprintf(fresh, sizeof(fresh), "%s/" FILE_NAME ".new", run_dir);
    if (!any_is_kept(pools)) {
        unlink(path);
        return;
    }
    rc = put_all(pools, fresh);
    if (rc == 0 && rename(fresh, path) < 0)
        rc = -errno;
    if (rc < 0) {
        unlink(fresh);
        log_error("cannot write %s: %s: pools will not be as they are after a restart", path,
                  strerror(-rc));
    }
}

void pools_kept_load(struct pools *pools, const char *run_dir)
{
    char path[PATH_MAX];
    struct settings kept;
    struct chaos_error err;

    settings_default(&kept);
    snprintf(path, sizeof(path), "%s/" FILE_NAME, run_dir);
    if (settings_load(path, false, &kept, &err) < 0) {
        log_error("%s: pools that were set are gone", err.text);
        kept.nr_pools = 0;
    }
    for (size_t i = 0; i < kept.nr_pools; i++)
        if (pools_set(pools, &kept.pools[i], &err) < 0)
            log_error("%s: %s", path, err.text);
    settings_free(&kept);
}
