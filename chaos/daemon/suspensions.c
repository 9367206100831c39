// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whoever asks a guest to suspend itself holds a note meanwhile (libchaos/src/suspended.h). While
 * any guest is suspended the notes that nobody holds are looked at, ever more seldom.
 */
#include "suspensions.h"

#include <errno.h>
#include <stdlib.h>

#include "chaos.h"
#include "log.h"
#include "loop.h"
#include "watch.h"
#include "worker.h"

struct suspensions {
    struct daemon *daemon;
    struct loop_timer look;
    uint64_t pause_ns; /* before this look */
    bool quiet;
};

static bool any_is_suspended(struct daemon *daemon)
{
    const struct guest *guest = watch_guests(daemon)->first;

    while (guest && !(guest->state == GUEST_SHUT_DOWN && guest->reason == CHAOS_SHUTDOWN_SUSPEND))
        guest = guest->next;
    return guest != NULL;
}

static void look_in(struct suspensions *suspensions, uint64_t pause_ns)
{
    suspensions->pause_ns = pause_ns;
    if (loop_timer_start(suspensions->daemon->loop, &suspensions->look, pause_ns) < 0)
        log_error("no memory for a timer: a guest may stay suspended until the next command");
}

static void run_look(struct job *job, struct chaos *chaos)
{
    (void)job;
    chaos_reap(chaos);
}

static void looked(struct job *job, struct daemon *daemon)
{
    free(job);
    if (!daemon->suspensions)
        return;                        /* the end */
    watch_scan_request(daemon->watch); /* that they go on */
}

static void look(struct loop_timer *timer)
{
    struct suspensions *suspensions = container_of(timer, struct suspensions, look);
    struct job *job;

    if (suspensions->quiet || !any_is_suspended(suspensions->daemon))
        return;
    job = calloc(1, sizeof(*job));
    if (job) {
        job->run = run_look;
        job->done = looked;
        worker_submit(suspensions->daemon, job, JOB_BACKGROUND);
    }
    look_in(suspensions, suspensions->pause_ns < SUSPENSIONS_MOST_NS ? suspensions->pause_ns * 2
                                                                     : SUSPENSIONS_MOST_NS);
}

void suspensions_note(struct daemon *daemon)
{
    struct suspensions *suspensions = daemon->suspensions;

    if (suspensions->look.place == 0 || suspensions->pause_ns > SUSPENSIONS_FIRST_NS)
        look_in(suspensions, SUSPENSIONS_FIRST_NS);
}

static int suspensions_init(struct daemon *daemon, struct chaos_error *err)
{
    struct suspensions *suspensions = calloc(1, sizeof(*suspensions));

    if (!suspensions)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    suspensions->daemon = daemon;
    suspensions->look.expired = look;
    daemon->suspensions = suspensions;
    return 0;
}

static void suspensions_quiesce(struct daemon *daemon)
{
    daemon->suspensions->quiet = true;
}

static void suspensions_fini(struct daemon *daemon)
{
    loop_timer_stop(daemon->loop, &daemon->suspensions->look);
    free(daemon->suspensions);
    daemon->suspensions = NULL;
}

const struct module suspensions_module = {
    .name = "suspensions",
    .init = suspensions_init,
    .fini = suspensions_fini,
    .quiesce = suspensions_quiesce,
};
