/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other end of a connection, as a struct of functions: a pair of descriptors, TLS, or a model
 * in the tests. Reads and writes wait, but no longer than the time-out; -ETIMEDOUT then.
 */
#ifndef CHAOS_PEER_H
#define CHAOS_PEER_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <chaos/error.h>

struct peer;

struct peer_ops {
    /* All of it: 0, or a negative errno. */
    int (*write)(struct peer *peer, const struct iovec *parts, int nr);
    /* Some bytes, at least one; 0: the end; or a negative errno. */
    ssize_t (*read)(struct peer *peer, void *buffer, size_t size);
    void (*close)(struct peer *peer);
};

/* An implementation starts with this. */
struct peer {
    const struct peer_ops *ops;
    int timeout_ms; /* of each read, and of each write's every part that goes out */
};

/* A socket (in and out are the same) or two pipes, which it closes. Makes them non-blocking. */
int peer_fd_new(int in, int out, int timeout_ms, struct peer **peer, struct chaos_error *err);

/* Waits until fd is ready for `events` (poll's): 0, -ETIMEDOUT, or another negative errno. */
int peer_wait(int fd, short events, int timeout_ms);

#endif
