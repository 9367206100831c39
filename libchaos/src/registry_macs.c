// SPDX-License-Identifier: BSD-3-Clause
/*
 * The last three bytes of MAC addresses, each number once: a counter for the whole host, which
 * starts anywhere, so that hosts of one network seldom meet. (Of 1,000 numbers drawn at random, two
 * are the same once in 34 times.)
 */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "cleanup.h"

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

#define MACS 0x1000000u

static int failed(struct chaos_error *err)
{
    return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE,
                           "cannot choose MAC addresses (\"macs\" in the state directory): %s",
                           strerror(errno));
}

int registry_take_macs(struct registry *registry, uint32_t nr, uint32_t *first,
                       struct chaos_error *err)
{
    cleanup_close int fd =
        openat(registry->dir, "macs", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    uint32_t next;

    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return failed(err);
    if (pread(fd, &next, sizeof(next), 0) != sizeof(next) &&
        getrandom(&next, sizeof(next), GRND_INSECURE) != sizeof(next))
        return failed(err);
    *first = next % MACS;
    next = (*first + nr) % MACS;
    return pwrite(fd, &next, sizeof(next), 0) == sizeof(next) ? 0 : failed(err);
}
