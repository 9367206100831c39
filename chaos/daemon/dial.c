// SPDX-License-Identifier: BSD-3-Clause
#include "dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "host_port.h"
#include "peer_tls.h"
#include "settings.h"

_Static_assert(HOST_PORT_TEXT <= MIGRATE_PEER_MAX + 1, "an address fits into the journal");

int dial_address(const char *host, char out[MIGRATE_PEER_MAX + 1], struct chaos_error *err)
{
    struct host_port at;

    if (!host_port_parse(host, &at))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "\"%.200s\" is not HOST[:PORT] (an IPv6 address stands in brackets)",
                               host);
    if (at.port == 0)
        at.port = MIGRATION_PORT;
    host_port_format(&at, out);
    return 0;
}

void dial_tune(int fd, int timeout_ms)
{
    const int on = 1, seconds = timeout_ms < 3000 ? 1 : timeout_ms / 3000, probes = 3;
    const unsigned int unheard_ms = (unsigned int)timeout_ms;

    /* What a socket cannot do, such as one of a test, is no failure: reads and writes have limits.
     */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof(unheard_ms));
}

/* Returns 0 or a negative errno. */
static int connect_within(struct mover *mover, int fd, const struct addrinfo *at, int timeout_ms)
{
    int error = 0, rc;
    socklen_t length = sizeof(error);

    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
        return mover_hold(mover, fd);
    if (errno != EINPROGRESS)
        return -errno;
    rc = mover_hold(mover, fd);
    if (rc == 0)
        rc = peer_wait(fd, POLLOUT, timeout_ms);
    if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        rc = -errno;
    return rc < 0 ? rc : -error;
}

static int connect_any(struct mover *mover, const struct addrinfo *list, int timeout_ms)
{
    const struct addrinfo *at;
    int rc = -EHOSTUNREACH;

    for (at = list; at; at = at->ai_next) {
        cleanup_close int fd =
            socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);

        rc = fd < 0 ? -errno : connect_within(mover, fd, at, timeout_ms);
        if (rc == 0)
            return take_fd(&fd);
        if (rc == -ECANCELED)
            break;
    }
    return rc;
}

static int connect_tcp(struct mover *mover, const struct host_port *at, int timeout_ms,
                       struct chaos_error *err)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    char port[8];
    int rc;

    snprintf(port, sizeof(port), "%u", at->port);
    rc = getaddrinfo(at->host, port, &wanted, &list);
    if (rc != 0)
        return chaos_error_set(err, -EHOSTUNREACH, CHAOS_EXIT_FAILURE,
                               "there is no address of host \"%s\": %s", at->host,
                               gai_strerror(rc));
    rc = connect_any(mover, list, timeout_ms);
    freeaddrinfo(list);
    if (rc < 0)
        return chaos_error_set(err, rc, rc == -ETIMEDOUT ? CHAOS_EXIT_TIMEOUT : CHAOS_EXIT_FAILURE,
                               "cannot connect to port %u of host \"%s\": %s%s", at->port, at->host,
                               strerror(-rc),
                               rc == -ECONNREFUSED ? " (does its chaosd listen?)" : "");
    dial_tune(rc, timeout_ms);
    return rc;
}

int dial(const struct dialer *dialer, struct mover *mover, const char *address, struct peer **peer,
         struct chaos_error *err)
{
    struct host_port at;
    int fd;

    if (!host_port_parse(address, &at)) /* of a journal that somebody wrote into */
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE, "\"%s\" is no address", address);
    if (!dialer->tls)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_CONFIG,
                               "this host has no certificates: authority, certificate and key in "
                               "[migration] of " SETTINGS_PATH);
    fd = connect_tcp(mover, &at, dialer->timeout_ms, err);
    if (fd < 0)
        return fd;
    if (peer_tls_connect(dialer->tls, fd, &at, dialer->timeout_ms, peer, err) < 0)
        return chaos_error_wrap(err, "host \"%s\"", at.host);
    return 0;
}
