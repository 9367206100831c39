/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event loop: descriptors, timers, signals and deferred work, all called back from loop_run on
 * the one thread that runs it. The structs are embedded in the caller's own (container_of).
 */
#ifndef CHAOSD_LOOP_H
#define CHAOSD_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct loop;

struct loop_fd {
    int fd;
    uint32_t events;                                  /* EPOLLIN, ... that are waited for */
    void (*ready)(struct loop_fd *, uint32_t events); /* may remove and free any loop_fd */
};

struct loop_timer {
    void (*expired)(struct loop_timer *);
    uint64_t due_ns; /* CLOCK_MONOTONIC */
    size_t place;    /* the loop's own; 0: not running */
};

/* Run one at a time, after what was ready: what takes long is cut into pieces of this. */
struct loop_work {
    void (*run)(struct loop_work *);
    struct loop_work *next;
    bool queued;
};

struct loop *loop_new(void); /* NULL, and errno */
void loop_free(struct loop *loop);

/* 0 or -errno. A loop_fd is removed before its descriptor is closed. */
int loop_add(struct loop *loop, struct loop_fd *fd, uint32_t events);
int loop_change(struct loop *loop, struct loop_fd *fd, uint32_t events);
void loop_remove(struct loop *loop, struct loop_fd *fd);

uint64_t loop_now(void); /* CLOCK_MONOTONIC, ns */

/* Starts it, or starts it anew. -ENOMEM. */
int loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ns);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Behind the others that wait; a work that is queued already keeps its place. */
void loop_defer(struct loop *loop, struct loop_work *work);
void loop_undefer(struct loop *loop, struct loop_work *work);

/* Has these signals reported to `arrived` instead of delivered; once a loop. */
int loop_signals(struct loop *loop, const sigset_t *signals, void (*arrived)(void *, int number),
                 void *opaque);

/* Until loop_stop; or for one turn, which waits only if there is nothing to do. 0 or -errno. */
int loop_run(struct loop *loop);
int loop_turn(struct loop *loop, bool wait);
void loop_stop(struct loop *loop);

#endif
