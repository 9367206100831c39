/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TCP socket that others connect to. While there is no room for another connection none is
 * accepted: they wait in the kernel, which bounds them.
 */
#ifndef CHAOSD_LISTENER_H
#define CHAOSD_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include <chaos/error.h>

#include "host_port.h"
#include "loop.h"

struct listener {
    bool (*has_room)(const struct listener *listener);
    /* Takes the descriptor over, non-blocking. from: "ADDRESS:PORT". */
    void (*came)(struct listener *listener, int fd, const char from[HOST_PORT_TEXT]);
    /* Its own. */
    struct loop *loop;
    struct loop_fd fd; /* -1: closed */
    struct loop_timer pause;
};

/* address: "ADDRESS:PORT", numbers only. has_room and came are filled in. */
int listener_open(struct listener *listener, struct loop *loop, const char *address,
                  struct chaos_error *err);
void listener_close(struct listener *listener); /* one that is closed: nothing */
uint16_t listener_port(const struct listener *listener);

#endif
