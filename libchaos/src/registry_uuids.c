// SPDX-License-Identifier: BSD-3-Clause
/*
 * Who makes a domain with a uuid that was given, and so might be another's as well, holds a lock
 * for it: on one byte of a file, at a place that the uuid tells. Nothing is left of it by who dies.
 */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"

/* Two uuids of one place exclude each other, which hardly ever happens. */
#define PLACES (1ull << 62)

int registry_lock_uuid(struct registry *registry, const uint8_t uuid[16], int *lock,
                       struct chaos_error *err)
{
    struct flock place = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    cleanup_close int fd =
        openat(registry->dir, "uuids", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    uint64_t half[2];

    memcpy(half, uuid, sizeof(half));
    place.l_start = (off_t)((half[0] ^ half[1]) % PLACES);
    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &place) == 0) {
        *lock = take_fd(&fd);
        return 0;
    }
    if (fd >= 0 && (errno == EAGAIN || errno == EACCES))
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_EXISTS,
                               "another process is making a domain with this uuid");
    return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE,
                           "cannot lock its uuid (\"uuids\" in the state directory): %s",
                           strerror(errno));
}
