/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads for what may take as long as another host likes: a thread each, where the workers are
 * few. A mover runs and is then handed back to the loop, which calls `done`. Nothing of the daemon
 * is to be touched from `run`, but for what mover_open gives; mover_send goes to the loop.
 */
#ifndef CHAOSD_MOVERS_H
#define CHAOSD_MOVERS_H

#include <pthread.h>
#include <stdbool.h>

#include "daemon.h"

extern const struct module movers_module;

struct mover {
    void (*run)(struct mover *mover);
    void (*done)(struct mover *mover, struct daemon *daemon); /* may free it */
    /* The movers' own. */
    struct movers *movers;
    struct mover *next;
    pthread_t thread;
    int line; /* a duplicate of the connection's descriptor, or -1 */
    bool cut;
};

/* -EAGAIN: no thread; then it is still the caller's, and `done` is not called. */
int mover_start(struct daemon *daemon, struct mover *mover, struct chaos_error *err);
/*
 * From `run`: the connection that it is about to wait on, in place of the one before. -ECANCELED:
 * it was cut already. From the loop: mover_cut ends that wait, and all that come.
 */
int mover_hold(struct mover *mover, int fd);
void mover_cut(struct mover *mover);
/* From `run`: has the loop call this, for what is the loop's alone, and waits until it has. */
typedef void mover_errand(void *opaque, struct daemon *daemon);
void mover_send(struct mover *mover, mover_errand *errand, void *opaque);
/* A handle of its own, for `run`, which closes it. */
int mover_open(const struct mover *mover, struct chaos **out, struct chaos_error *err);
/* Those that run. */
size_t movers_load(const struct daemon *daemon);

#endif
