// SPDX-License-Identifier: BSD-3-Clause
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

int netlink_open_events(const struct netlink_events *events)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = events->groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, events->protocol);
    const int size = events->buffer;
    int rc;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)); /* less will do as well */
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &events->program, sizeof(events->program)) ||
        bind(fd, (struct sockaddr *)&address, sizeof(address))) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}
