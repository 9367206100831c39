// SPDX-License-Identifier: BSD-3-Clause
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH    64 /* events of one epoll_wait */
#define NS_PER_S 1000000000u
#define FIRST    1 /* of the heap: place 0 means "not in it" */

struct loop {
    int epoll;
    bool stopping;
    struct epoll_event events[BATCH];
    int nr_events, at;          /* being dispatched */
    struct loop_timer **timers; /* binary heap by due_ns, from FIRST on */
    size_t nr_timers, room;
    struct loop_work *first, **last;
    struct loop_fd signals;
    void (*arrived)(void *, int number);
    void *opaque;
};

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (!loop)
        return NULL;
    loop->last = &loop->first;
    loop->signals.fd = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->signals.fd >= 0)
        close(loop->signals.fd);
    close(loop->epoll);
    free(loop->timers);
    free(loop);
}

/* ---------------------------------------------------------------- descriptors */

static int control(struct loop *loop, int what, struct loop_fd *fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = fd};

    if (epoll_ctl(loop->epoll, what, fd->fd, &event) < 0)
        return -errno;
    fd->events = events;
    return 0;
}

int loop_add(struct loop *loop, struct loop_fd *fd, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, fd, events);
}

int loop_change(struct loop *loop, struct loop_fd *fd, uint32_t events)
{
    return fd->events == events ? 0 : control(loop, EPOLL_CTL_MOD, fd, events);
}

void loop_remove(struct loop *loop, struct loop_fd *fd)
{
    int i;

    control(loop, EPOLL_CTL_DEL, fd, 0);
    for (i = loop->at; i < loop->nr_events; i++)
        if (loop->events[i].data.ptr == fd)
            loop->events[i].data.ptr = NULL;
}

/* ---------------------------------------------------------------- timers */

static void place(struct loop *loop, struct loop_timer *timer, size_t at)
{
    loop->timers[at] = timer;
    timer->place = at;
}

/* Puts a timer where it belongs, starting from a place that is free. */
static void sift(struct loop *loop, struct loop_timer *timer, size_t at)
{
    for (; at > FIRST && loop->timers[at / 2]->due_ns > timer->due_ns; at /= 2)
        place(loop, loop->timers[at / 2], at);
    for (;;) {
        size_t child = at * 2;

        if (child > loop->nr_timers)
            break;
        if (child < loop->nr_timers &&
            loop->timers[child + 1]->due_ns < loop->timers[child]->due_ns)
            child++;
        if (loop->timers[child]->due_ns >= timer->due_ns)
            break;
        place(loop, loop->timers[child], at);
        at = child;
    }
    place(loop, timer, at);
}

int loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ns)
{
    if (!timer->place && loop->nr_timers + FIRST >= loop->room) {
        size_t room = loop->room ? loop->room * 2 : 16;
        struct loop_timer **grown = realloc(loop->timers, room * sizeof(struct loop_timer *));

        if (!grown)
            return -ENOMEM;
        loop->timers = grown;
        loop->room = room;
    }
    timer->due_ns = loop_now() + after_ns;
    sift(loop, timer, timer->place ? timer->place : ++loop->nr_timers);
    return 0;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    size_t at = timer->place;
    struct loop_timer *last;

    if (!at)
        return;
    timer->place = 0;
    last = loop->timers[loop->nr_timers--];
    if (last != timer)
        sift(loop, last, at);
}

static void run_timers(struct loop *loop)
{
    uint64_t now;

    if (loop->nr_timers == 0)
        return;
    now = loop_now();
    while (loop->nr_timers > 0 && loop->timers[FIRST]->due_ns <= now) {
        struct loop_timer *timer = loop->timers[FIRST];

        loop_timer_stop(loop, timer);
        timer->expired(timer);
    }
}

/* ---------------------------------------------------------------- deferred work */

void loop_defer(struct loop *loop, struct loop_work *work)
{
    if (work->queued)
        return;
    work->queued = true;
    work->next = NULL;
    *loop->last = work;
    loop->last = &work->next;
}

void loop_undefer(struct loop *loop, struct loop_work *work)
{
    struct loop_work **link = &loop->first;

    if (!work->queued)
        return;
    while (*link != work)
        link = &(*link)->next;
    *link = work->next;
    if (loop->last == &work->next)
        loop->last = link;
    work->queued = false;
}

static void run_one_work(struct loop *loop)
{
    struct loop_work *work = loop->first;

    if (!work)
        return;
    loop_undefer(loop, work);
    work->run(work);
}

/* ---------------------------------------------------------------- signals */

static void read_signals(struct loop_fd *fd, uint32_t events)
{
    struct loop *loop = container_of(fd, struct loop, signals);
    struct signalfd_siginfo info;

    (void)events;
    while (read(fd->fd, &info, sizeof(info)) == sizeof(info))
        loop->arrived(loop->opaque, (int)info.ssi_signo);
}

int loop_signals(struct loop *loop, const sigset_t *signals, void (*arrived)(void *, int number),
                 void *opaque)
{
    if (sigprocmask(SIG_BLOCK, signals, NULL) < 0)
        return -errno;
    loop->signals.fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signals.fd < 0)
        return -errno;
    loop->signals.ready = read_signals;
    loop->arrived = arrived;
    loop->opaque = opaque;
    return loop_add(loop, &loop->signals, EPOLLIN);
}

/* ---------------------------------------------------------------- running */

/* How long nothing is to be done; NULL: until something happens. */
static const struct timespec *patience(struct loop *loop, bool wait, struct timespec *room)
{
    uint64_t now, left = 0;

    if (wait && !loop->first && !loop->stopping) {
        if (loop->nr_timers == 0)
            return NULL;
        now = loop_now();
        if (loop->timers[FIRST]->due_ns > now)
            left = loop->timers[FIRST]->due_ns - now;
    }
    room->tv_sec = (time_t)(left / NS_PER_S);
    room->tv_nsec = (long)(left % NS_PER_S);
    return room;
}

int loop_turn(struct loop *loop, bool wait)
{
    struct timespec room;
    int nr;

    nr = epoll_pwait2(loop->epoll, loop->events, BATCH, patience(loop, wait, &room), NULL);
    if (nr < 0 && errno != EINTR)
        return -errno;
    loop->nr_events = nr < 0 ? 0 : nr;
    for (loop->at = 0; loop->at < loop->nr_events;) {
        const struct epoll_event *event = &loop->events[loop->at++];
        struct loop_fd *fd = event->data.ptr;

        if (fd)
            fd->ready(fd, event->events);
    }
    loop->nr_events = 0;
    run_timers(loop);
    run_one_work(loop);
    return 0;
}

int loop_run(struct loop *loop)
{
    int rc = 0;

    while (rc == 0 && !loop->stopping)
        rc = loop_turn(loop, true);
    return rc;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}
