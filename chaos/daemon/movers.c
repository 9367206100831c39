// SPDX-License-Identifier: BSD-3-Clause
#include "movers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define STACK (256u << 10)

/* On its mover's stack. */
struct errand {
    struct errand *next;
    mover_errand *run;
    void *opaque;
    bool over;
};

struct movers {
    struct daemon *daemon;
    pthread_mutex_t lock; /* of what follows, and of each one's line */
    struct mover *done;
    struct errand *errands;
    pthread_cond_t over;   /* some errand is */
    struct loop_fd wakeup; /* eventfd: there is something in the two lists */
    size_t load;           /* the loop's */
};

/* Under the lock. */
static void wake_loop(const struct movers *movers)
{
    const uint64_t one = 1;

    if (write(movers->wakeup.fd, &one, sizeof(one)) < 0)
        log_error("cannot wake the loop: %s", strerror(errno));
}

static void *run(void *opaque)
{
    struct mover *mover = opaque;
    struct movers *movers = mover->movers;

    mover->run(mover);
    pthread_mutex_lock(&movers->lock);
    mover->next = movers->done;
    movers->done = mover;
    wake_loop(movers);
    pthread_mutex_unlock(&movers->lock);
    return NULL;
}

void mover_send(struct mover *mover, mover_errand *run_it, void *opaque)
{
    struct movers *movers = mover->movers;
    struct errand errand = {.run = run_it, .opaque = opaque};

    pthread_mutex_lock(&movers->lock);
    errand.next = movers->errands;
    movers->errands = &errand;
    wake_loop(movers);
    while (!errand.over)
        pthread_cond_wait(&movers->over, &movers->lock);
    pthread_mutex_unlock(&movers->lock);
}

int mover_start(struct daemon *daemon, struct mover *mover, struct chaos_error *err)
{
    pthread_attr_t attributes;
    int rc;

    mover->movers = daemon->movers;
    mover->line = -1;
    mover->cut = false;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    rc = pthread_create(&mover->thread, &attributes, run, mover);
    pthread_attr_destroy(&attributes);
    if (rc != 0)
        return chaos_error_set(err, -rc, CHAOS_EXIT_RESOURCE, "cannot start a thread: %s",
                               strerror(rc));
    daemon->movers->load++;
    return 0;
}

int mover_hold(struct mover *mover, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), former, rc = copy < 0 ? -errno : 0;

    pthread_mutex_lock(&mover->movers->lock);
    if (mover->cut)
        rc = -ECANCELED;
    former = mover->line;
    mover->line = copy;
    pthread_mutex_unlock(&mover->movers->lock);
    if (former >= 0)
        close(former);
    return rc;
}

void mover_cut(struct mover *mover)
{
    pthread_mutex_lock(&mover->movers->lock);
    mover->cut = true;
    if (mover->line >= 0)
        shutdown(mover->line, SHUT_RDWR);
    pthread_mutex_unlock(&mover->movers->lock);
}

int mover_open(const struct mover *mover, struct chaos **out, struct chaos_error *err)
{
    return daemon_open(mover->movers->daemon, out, err);
}

size_t movers_load(const struct daemon *daemon)
{
    return daemon->movers->load;
}

static void run_errands(struct movers *movers, struct errand *errand)
{
    struct errand *next;

    for (; errand; errand = next) {
        next = errand->next;
        errand->run(errand->opaque, movers->daemon);
        pthread_mutex_lock(&movers->lock);
        errand->over = true;
        pthread_cond_broadcast(&movers->over);
        pthread_mutex_unlock(&movers->lock);
    }
}

static void take_back(struct movers *movers, struct mover *mover)
{
    struct mover *next;

    for (; mover; mover = next) {
        next = mover->next;
        pthread_join(mover->thread, NULL);
        if (mover->line >= 0)
            close(mover->line);
        movers->load--;
        mover->done(mover, movers->daemon);
    }
}

static void woken(struct loop_fd *fd, uint32_t events)
{
    struct movers *movers = container_of(fd, struct movers, wakeup);
    struct errand *errands;
    struct mover *done;
    uint64_t count;

    (void)events;
    if (read(fd->fd, &count, sizeof(count)) != sizeof(count))
        return;
    pthread_mutex_lock(&movers->lock);
    errands = movers->errands;
    movers->errands = NULL;
    done = movers->done;
    movers->done = NULL;
    pthread_mutex_unlock(&movers->lock);
    run_errands(movers, errands);
    take_back(movers, done);
}

/* ---------------------------------------------------------------- module */

/* All have ended by now. */
static void movers_fini(struct daemon *daemon)
{
    struct movers *movers = daemon->movers;

    loop_remove(daemon->loop, &movers->wakeup);
    close(movers->wakeup.fd);
    pthread_cond_destroy(&movers->over);
    pthread_mutex_destroy(&movers->lock);
    free(movers);
    daemon->movers = NULL;
}

static int movers_init(struct daemon *daemon, struct chaos_error *err)
{
    struct movers *movers = calloc(1, sizeof(*movers));
    int rc;

    if (!movers)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    movers->daemon = daemon;
    movers->wakeup.ready = woken;
    movers->wakeup.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = movers->wakeup.fd < 0 ? -errno : loop_add(daemon->loop, &movers->wakeup, EPOLLIN);
    if (rc < 0) {
        if (movers->wakeup.fd >= 0)
            close(movers->wakeup.fd);
        free(movers);
        return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "cannot make an eventfd: %s",
                               strerror(-rc));
    }
    pthread_mutex_init(&movers->lock, NULL);
    pthread_cond_init(&movers->over, NULL);
    daemon->movers = movers;
    return 0;
}

const struct module movers_module = {
    .name = "movers",
    .init = movers_init,
    .fini = movers_fini,
};
