/* SPDX-License-Identifier: BSD-3-Clause */
/* Releases a local variable's resource at the end of its scope. */
#ifndef CHAOS_UTIL_CLEANUP_H
#define CHAOS_UTIL_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define cleanup(f) __attribute__((cleanup(f)))

static inline void cleanup_free_pointer(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

#define cleanup_free  cleanup(cleanup_free_pointer)
#define cleanup_close cleanup(cleanup_close_fd)

/* Passes ownership on: the variable no longer releases it. */
static inline int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

#endif
