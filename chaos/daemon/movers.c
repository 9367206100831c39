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

struct movers {
    struct daemon *daemon;
    pthread_mutex_t lock;
    struct mover *done;      /* under the lock, as each one's line */
    struct loop_fd finished; /* eventfd: something is in `done` */
    size_t load;             /* the loop's */
};

static void *run(void *opaque)
{
    struct mover *mover = opaque;
    struct movers *movers = mover->movers;
    const uint64_t one = 1;

    mover->run(mover);
    pthread_mutex_lock(&movers->lock);
    mover->next = movers->done;
    movers->done = mover;
    if (write(movers->finished.fd, &one, sizeof(one)) < 0)
        log_error("cannot wake the loop: %s", strerror(errno));
    pthread_mutex_unlock(&movers->lock);
    return NULL;
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
    return mover->movers->daemon->open(out, err);
}

size_t movers_load(const struct daemon *daemon)
{
    return daemon->movers->load;
}

static void movers_finished(struct loop_fd *fd, uint32_t events)
{
    struct movers *movers = container_of(fd, struct movers, finished);
    struct mover *mover, *next;
    uint64_t count;

    (void)events;
    if (read(fd->fd, &count, sizeof(count)) != sizeof(count))
        return;
    pthread_mutex_lock(&movers->lock);
    mover = movers->done;
    movers->done = NULL;
    pthread_mutex_unlock(&movers->lock);
    for (; mover; mover = next) {
        next = mover->next;
        pthread_join(mover->thread, NULL);
        if (mover->line >= 0)
            close(mover->line);
        movers->load--;
        mover->done(mover, movers->daemon);
    }
}

/* ---------------------------------------------------------------- module */

/* All have ended by now. */
static void movers_fini(struct daemon *daemon)
{
    struct movers *movers = daemon->movers;

    loop_remove(daemon->loop, &movers->finished);
    close(movers->finished.fd);
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
    movers->finished.ready = movers_finished;
    movers->finished.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = movers->finished.fd < 0 ? -errno : loop_add(daemon->loop, &movers->finished, EPOLLIN);
    if (rc < 0) {
        if (movers->finished.fd >= 0)
            close(movers->finished.fd);
        free(movers);
        return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "cannot make an eventfd: %s",
                               strerror(-rc));
    }
    pthread_mutex_init(&movers->lock, NULL);
    daemon->movers = movers;
    return 0;
}

const struct module movers_module = {
    .name = "movers",
    .init = movers_init,
    .fini = movers_fini,
};
