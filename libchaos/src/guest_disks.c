// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which disks can go with a guest. Both hosts have them open at once, and what a guest wrote to a
 * file may be in this host's memory only. Of a block device nothing is.
 */
#include "guest_move.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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
