// SPDX-License-Identifier: BSD-3-Clause
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"

#define BACKLOG  64
#define PAUSE_NS 50000000u /* before a look at whether there is room again */

static void pause_over(struct loop_timer *timer)
{
    struct listener *listener = container_of(timer, struct listener, pause);

    if (listener->has_room(listener))
        loop_change(listener->loop, &listener->fd, EPOLLIN);
    else
        loop_timer_start(listener->loop, timer, PAUSE_NS);
}

static void pause_accepting(struct listener *listener)
{
    loop_change(listener->loop, &listener->fd, 0);
    if (loop_timer_start(listener->loop, &listener->pause, PAUSE_NS) < 0)
        log_error("no memory for a timer: no more guests come from other hosts");
}

static void format_sender(const struct sockaddr *from, socklen_t length, char text[HOST_PORT_TEXT])
{
    struct host_port at;
    char port[8];

    if (getnameinfo(from, length, at.host, sizeof(at.host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        strcpy(text, "?");
        return;
    }
    at.port = (uint16_t)strtoul(port, NULL, 10);
    host_port_format(&at, text);
}

/* One a turn of the loop: others have their turn as well. */
static void ready(struct loop_fd *fd, uint32_t events)
{
    struct listener *listener = container_of(fd, struct listener, fd);
    struct sockaddr_storage from;
    socklen_t length = sizeof(from);
    char text[HOST_PORT_TEXT];
    int connection;

    (void)events;
    if (!listener->has_room(listener)) {
        pause_accepting(listener);
        return;
    }
    connection = accept4(fd->fd, (struct sockaddr *)&from, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) {
        format_sender((struct sockaddr *)&from, length, text);
        listener->came(listener, connection, text);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        log_error("cannot accept a connection of another host: %s", strerror(errno));
        pause_accepting(listener);
    }
}

static int bind_to(const struct addrinfo *at, const char *address, struct chaos_error *err)
{
    cleanup_close int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;

    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE, "cannot listen on %s: %s", address,
                               strerror(errno));
    return take_fd(&fd);
}

int listener_open(struct listener *listener, struct loop *loop, const char *address,
                  struct chaos_error *err)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *at;
    struct host_port split;
    char port[8];
    int rc;

    listener->fd.fd = -1;
    if (!host_port_parse(address, &split))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "\"%s\" is no address", address);
    snprintf(port, sizeof(port), "%u", split.port);
    rc = getaddrinfo(split.host, port, &wanted, &at);
    if (rc != 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "cannot listen on %s: it is no address of numbers (0.0.0.0 and [::] "
                               "are all that this host has)",
                               address);
    rc = bind_to(at, address, err);
    freeaddrinfo(at);
    if (rc < 0)
        return rc;
    listener->loop = loop;
    listener->fd.fd = rc;
    listener->fd.ready = ready;
    listener->pause.expired = pause_over;
    rc = loop_add(loop, &listener->fd, EPOLLIN);
    if (rc == 0)
        return 0;
    close(listener->fd.fd);
    listener->fd.fd = -1;
    return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "cannot wait for other hosts: %s",
                           strerror(-rc));
}

void listener_close(struct listener *listener)
{
    if (listener->fd.fd < 0)
        return;
    loop_timer_stop(listener->loop, &listener->pause);
    loop_remove(listener->loop, &listener->fd);
    close(listener->fd.fd);
    listener->fd.fd = -1;
}

uint16_t listener_port(const struct listener *listener)
{
    struct sockaddr_storage at;
    socklen_t length = sizeof(at);

    if (listener->fd.fd < 0 || getsockname(listener->fd.fd, (struct sockaddr *)&at, &length) < 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}
