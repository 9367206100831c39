// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which disks can go with a guest, and what they still do. Both hosts have them open at once, and
 * what a guest wrote to a file may be in this host's memory only. Of a block device nothing is.
 */
#include "guest_move.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "clock.h"

#define POLL_US 500

int guest_move_check_disks(const struct chaos_config *config, struct chaos_error *err)
{
    const struct chaos_disk_config *disk;
    struct stat st;
    uint32_t i;

    for (i = 0; i < config->nr_disks; i++) {
        disk = &config->disks[i];
        if (stat(disk->target, &st) < 0)
            return chaos_error_set(err, -errno, CHAOS_EXIT_CONFIG,
                                   "disk %s: cannot open \"%s\": %s", disk->vdev, disk->target,
                                   strerror(errno));
        if (!S_ISBLK(st.st_mode) && !disk->readonly)
            return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                                   "disk %s: \"%s\" is no block device, and a guest that writes to "
                                   "it cannot be moved",
                                   disk->vdev, disk->target);
    }
    return 0;
}

/* Requests that the kernel has given to a disk and not had back. */
static int requests_of(const char *path, unsigned int *out)
{
    char inflight[64];
    unsigned int reads, writes;
    struct stat st;
    FILE *file;
    int rc = 0;

    if (stat(path, &st) < 0)
        return -errno;
    *out = 0;
    if (!S_ISBLK(st.st_mode))
        return 0;
    snprintf(inflight, sizeof(inflight), "/sys/dev/block/%u:%u/inflight", major(st.st_rdev),
             minor(st.st_rdev));
    file = fopen(inflight, "re");
    if (!file)
        return -errno;
    if (fscanf(file, "%u %u", &reads, &writes) == 2)
        *out = reads + writes;
    else
        rc = -EIO;
    fclose(file);
    return rc;
}

static int wait_for_disk(const struct chaos_disk_config *disk, uint64_t end_us,
                         struct chaos_error *err)
{
    const struct timespec pause = {.tv_nsec = POLL_US * 1000};
    unsigned int requests = 0;
    int rc;

    while ((rc = requests_of(disk->target, &requests)) == 0 && requests > 0) {
        if (clock_us() >= end_us)
            return chaos_error_set(err, -ETIMEDOUT, CHAOS_EXIT_TIMEOUT,
                                   "disk %s: \"%s\" has not done %u requests yet", disk->vdev,
                                   disk->target, requests);
        nanosleep(&pause, NULL);
    }
    return rc == 0 ? 0
                   : chaos_error_set(err, rc, CHAOS_EXIT_FAILURE,
                                     "disk %s: cannot tell what \"%s\" is still to do: %s",
                                     disk->vdev, disk->target, strerror(-rc));
}

int guest_move_wait_disks(const struct chaos_config *config, uint32_t timeout_ms,
                          struct chaos_error *err)
{
    const uint64_t end_us = clock_us() + timeout_ms * UINT64_C(1000);
    uint32_t i;
    int rc = 0;

    for (i = 0; i < config->nr_disks && rc == 0; i++)
        if (!config->disks[i].readonly)
            rc = wait_for_disk(&config->disks[i], end_us, err);
    return rc;
}
