// SPDX-License-Identifier: BSD-3-Clause
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PARTS_MAX 8

struct peer_fd {
    struct peer peer;
    int in, out;
};

int peer_wait(int fd, short events, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int rc;

    do
        rc = poll(&poll_fd, 1, timeout_ms);
    while (rc < 0 && errno == EINTR);
    return rc > 0 ? 0 : rc == 0 ? -ETIMEDOUT : -errno;
}

static ssize_t write_some(int fd, const struct iovec *parts, int nr)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)nr};
    ssize_t written = sendmsg(fd, &message, MSG_NOSIGNAL);

    /* Who uses a pipe ignores SIGPIPE. */
    return written < 0 && errno == ENOTSOCK ? writev(fd, parts, nr) : written;
}

/* Drops the first `done` bytes of what remains. */
static int advance(struct iovec *parts, int nr, size_t done)
{
    int first = 0;

    while (first < nr && done >= parts[first].iov_len)
        done -= parts[first++].iov_len;
    if (first < nr) {
        parts[first].iov_base = (char *)parts[first].iov_base + done;
        parts[first].iov_len -= done;
    }
    memmove(parts, parts + first, (size_t)(nr - first) * sizeof(*parts));
    return nr - first;
}

static int fd_write(struct peer *peer, const struct iovec *parts, int nr)
{
    struct peer_fd *fds = (struct peer_fd *)peer;
    struct iovec left[PARTS_MAX];
    ssize_t written;
    int rc;

    if (nr > PARTS_MAX)
        return -EINVAL;
    memcpy(left, parts, (size_t)nr * sizeof(*parts));
    nr = advance(left, nr, 0);
    while (nr > 0) {
        written = write_some(fds->out, left, nr);
        if (written >= 0) {
            nr = advance(left, nr, (size_t)written);
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        rc = peer_wait(fds->out, POLLOUT, peer->timeout_ms);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static ssize_t fd_read(struct peer *peer, void *buffer, size_t size)
{
    struct peer_fd *fds = (struct peer_fd *)peer;
    ssize_t got;
    int rc;

    while ((got = read(fds->in, buffer, size)) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        rc = peer_wait(fds->in, POLLIN, peer->timeout_ms);
        if (rc < 0)
            return rc;
    }
    return got;
}

static void fd_close(struct peer *peer)
{
    struct peer_fd *fds = (struct peer_fd *)peer;

    close(fds->in);
    if (fds->out != fds->in)
        close(fds->out);
    free(fds);
}

static const struct peer_ops fd_ops = {.write = fd_write, .read = fd_read, .close = fd_close};

int peer_fd_new(int in, int out, int timeout_ms, struct peer **peer, struct chaos_error *err)
{
    struct peer_fd *fds = malloc(sizeof(*fds));

    if (!fds || fcntl(in, F_SETFL, O_NONBLOCK) < 0 || fcntl(out, F_SETFL, O_NONBLOCK) < 0) {
        int error = fds ? errno : ENOMEM;

        free(fds);
        return chaos_error_set(err, -error, CHAOS_EXIT_RESOURCE, "cannot set up a connection: %s",
                               strerror(error));
    }
    fds->peer.ops = &fd_ops;
    fds->peer.timeout_ms = timeout_ms;
    fds->in = in;
    fds->out = out;
    *peer = &fds->peer;
    return 0;
}
