// SPDX-License-Identifier: BSD-3-Clause
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"

#define FILES_MOST      2 /* jobs of these classes at a time */
#define BACKGROUND_MOST 1
#define WORKERS         (FILES_MOST + BACKGROUND_MOST + 1) /* one has nothing but clients' jobs */

struct queue {
    struct job *first, **last;
};

struct workers {
    struct daemon *daemon;
    pthread_mutex_t lock; /* of all below it, but not of what only the loop touches */
    pthread_cond_t more;
    struct queue waiting[JOB_CLASSES], done;
    unsigned int running[JOB_CLASSES];
    bool stopping;
    unsigned int nr;
    pthread_t threads[WORKERS];
    struct chaos *handles[WORKERS];
    struct loop_fd finished; /* eventfd: something is in `done` */
    size_t load;             /* the loop's */
};

struct worker {
    struct workers *workers;
    struct chaos *chaos;
};

static void push(struct queue *queue, struct job *job)
{
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
}

static struct job *pop(struct queue *queue)
{
    struct job *job = queue->first;

    if (!job)
        return NULL;
    queue->first = job->next;
    if (!queue->first)
        queue->last = &queue->first;
    return job;
}

static struct job *next_job(struct workers *w)
{
    static const unsigned int most[JOB_CLASSES] = {
        [JOB_CLIENT] = WORKERS, [JOB_FILE] = FILES_MOST, [JOB_BACKGROUND] = BACKGROUND_MOST};
    struct job *job = NULL;

    for (int i = 0; i < JOB_CLASSES && !job; i++)
        if (w->running[i] < most[i])
            job = pop(&w->waiting[i]);
    if (job)
        w->running[job->class]++;
    return job;
}

static void *work(void *opaque)
{
    struct worker *worker = opaque;
    struct workers *w = worker->workers;
    struct chaos *chaos = worker->chaos;
    const uint64_t one = 1;
    struct job *job;

    free(worker);
    pthread_mutex_lock(&w->lock);
    for (;;) {
        job = next_job(w);
        if (!job && w->stopping)
            break;
        if (!job) {
            pthread_cond_wait(&w->more, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        job->run(job, chaos);
        pthread_mutex_lock(&w->lock);
        w->running[job->class]--;
        if (!w->done.first && write(w->finished.fd, &one, sizeof(one)) < 0)
            log_error("cannot wake the loop: %s", strerror(errno));
        push(&w->done, job);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

void worker_submit(struct daemon *daemon, struct job *job, enum job_class class)
{
    struct workers *w = daemon->workers;

    job->class = class;
    w->load++;
    pthread_mutex_lock(&w->lock);
    push(&w->waiting[class], job);
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

size_t worker_load(const struct daemon *daemon)
{
    return daemon->workers->load;
}

static void hand_back(struct workers *w)
{
    struct job *job;

    pthread_mutex_lock(&w->lock);
    job = w->done.first;
    w->done = (struct queue){NULL, &w->done.first};
    pthread_mutex_unlock(&w->lock);
    while (job) {
        struct job *next = job->next;

        w->load--;
        job->done(job, w->daemon);
        job = next;
    }
}

static void jobs_finished(struct loop_fd *fd, uint32_t events)
{
    struct workers *w = container_of(fd, struct workers, finished);
    uint64_t count;

    (void)events;
    if (read(fd->fd, &count, sizeof(count)) == sizeof(count))
        hand_back(w);
}

/* ---------------------------------------------------------------- module */

static int start_thread(struct workers *w, struct chaos_error *err)
{
    struct worker *worker = malloc(sizeof(*worker));
    int rc;

    if (!worker)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = daemon_open(w->daemon, &w->handles[w->nr], err);
    if (rc == 0) {
        *worker = (struct worker){w, w->handles[w->nr]};
        rc = -pthread_create(&w->threads[w->nr], NULL, work, worker);
        if (rc < 0) {
            chaos_close(w->handles[w->nr]);
            chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "cannot start a thread: %s",
                            strerror(-rc));
        }
    }
    if (rc < 0)
        free(worker);
    else
        w->nr++;
    return rc;
}

static void worker_fini(struct daemon *daemon)
{
    struct workers *w = daemon->workers;

    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    while (w->nr > 0) {
        w->nr--;
        pthread_join(w->threads[w->nr], NULL);
        chaos_close(w->handles[w->nr]);
    }
    hand_back(w);
    loop_remove(daemon->loop, &w->finished);
    close(w->finished.fd);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w);
    daemon->workers = NULL;
}

static int worker_init(struct daemon *daemon, struct chaos_error *err)
{
    struct workers *w = calloc(1, sizeof(*w));
    int rc;

    if (!w)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    w->daemon = daemon;
    for (int i = 0; i < JOB_CLASSES; i++)
        w->waiting[i].last = &w->waiting[i].first;
    w->done.last = &w->done.first;
    w->finished.ready = jobs_finished;
    w->finished.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = w->finished.fd < 0 ? -errno : loop_add(daemon->loop, &w->finished, EPOLLIN);
    if (rc < 0) {
        if (w->finished.fd >= 0)
            close(w->finished.fd);
        free(w);
        return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "cannot make an eventfd: %s",
                               strerror(-rc));
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    daemon->workers = w;
    while (rc == 0 && w->nr < WORKERS)
        rc = start_thread(w, err);
    if (rc < 0)
        worker_fini(daemon);
    return rc;
}

const struct module worker_module = {
    .name = "workers",
    .init = worker_init,
    .fini = worker_fini,
};
