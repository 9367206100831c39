// SPDX-License-Identifier: BSD-3-Clause
/* Being told of records that come and go. */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

int registry_watch_open(struct registry *registry)
{
    cleanup_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char path[64];

    if (fd < 0)
        return -errno;
    if (mkdirat(registry->dir, "domains", 0700) < 0 && errno != EEXIST)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d/domains", registry->dir);
    if (inotify_add_watch(fd, path, IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR) < 0)
        return -errno;
    return take_fd(&fd);
}

static void tell(const struct inotify_event *event, registry_change *change, void *opaque)
{
    if (event->len == 0 || event->name[0] == '.' || strlen(event->name) > CHAOS_NAME_MAX)
        return;
    change(opaque, event->name, event->mask & IN_MOVED_TO);
}

int registry_watch_read(int fd, registry_change *change, void *opaque)
{
    _Alignas(struct inotify_event) char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    ssize_t length, at;

    while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
        for (at = 0; at < length;) {
            const struct inotify_event *event = (const void *)(buffer + at);

            at += (ssize_t)(sizeof(*event) + event->len);
            if (event->mask & IN_Q_OVERFLOW)
                return -EOVERFLOW;
            tell(event, change, opaque);
        }
    }
    return length < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}
