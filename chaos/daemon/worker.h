/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads for what takes long, each with a handle of its own. A job is run by one of them and then
 * handed back to the loop, which calls `done`. Nothing of the daemon is to be touched from `run`.
 */
#ifndef CHAOSD_WORKER_H
#define CHAOSD_WORKER_H

#include "daemon.h"

extern const struct module worker_module;

/* A waiting job of an earlier class goes first. */
enum job_class {
    JOB_CLIENT,     /* somebody waits for it */
    JOB_FILE,       /* the same, but it reads a file of his, which may block: two at a time */
    JOB_BACKGROUND, /* nobody waits for it: one at a time */
    JOB_CLASSES
};

struct job {
    void (*run)(struct job *job, struct chaos *chaos);
    void (*done)(struct job *job, struct daemon *daemon); /* may free it */
    struct job *next;                                     /* the workers' own */
    enum job_class class;
};

void worker_submit(struct daemon *daemon, struct job *job, enum job_class class);
/* Jobs that wait or run. */
size_t worker_load(const struct daemon *daemon);

#endif
