// SPDX-License-Identifier: BSD-3-Clause
#include "chaosd_model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chaos.h"
#include "creates.h"
#include "domains.h"
#include "elf_maker.h"
#include "refill.h"
#include "scratch.h"
#include "server.h"
#include "stats.h"
#include "status.h"
#include "worker.h"

const struct module *const modules[] = {
    &server_module,  &status_module,  &stats_module, &refill_module,
    &creates_module, &domains_module, NULL,
};

unsigned int model_created, model_destroyed;

void daemon_created(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config)
{
    (void)daemon;
    assert_string_equal(domain->name, config->name);
    model_created++;
}

void daemon_destroyed(struct daemon *daemon, const struct chaos_domain *domain)
{
    (void)daemon;
    (void)domain;
    model_destroyed++;
}

static struct job *jobs, **last_job = &jobs;

void worker_submit(struct daemon *daemon, struct job *job, enum job_class class)
{
    (void)daemon;
    (void)class;
    job->next = NULL;
    *last_job = job;
    last_job = &job->next;
}

void model_start(struct fixture *f)
{
    f->daemon.run_dir = f->dir;
    f->daemon.loop = loop_new();
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, f->dir, &f->daemon.chaos, &f->err), 0);
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->init && (*m)->init(&f->daemon, &f->err) < 0)
            fail_msg("%s", f->err.text);
}

size_t model_jobs(void)
{
    size_t nr = 0;

    for (const struct job *job = jobs; job; job = job->next)
        nr++;
    return nr;
}

bool model_run_job(struct fixture *f)
{
    struct job *job = jobs;

    if (!job)
        return false;
    jobs = job->next;
    if (!jobs)
        last_job = &jobs;
    job->run(job, f->daemon.chaos);
    job->done(job, &f->daemon);
    return true;
}

void model_turn(struct fixture *f)
{
    unsigned int calm = 0;

    while (calm < 3) {
        assert_int_equal(loop_turn(f->daemon.loop, false), 0);
        calm = model_run_job(f) ? 0 : calm + 1;
    }
}

void model_turn_many(struct fixture *f, unsigned int nr)
{
    while (nr-- > 0)
        model_turn(f);
}

int model_connect(struct fixture *f)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                     0);
    server_adopt(&f->daemon, pair[0], &f->err);
    return pair[1];
}

int model_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct elf_maker maker;

    model_created = model_destroyed = 0;
    f->dir = scratch_make();
    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    snprintf(f->config, sizeof(f->config), "name = \"web\"\nkernel = \"%s\"\nmemory = 1\n",
             f->kernel);
    settings_default(&f->daemon.settings);
    f->daemon.settings.drain_on_stop = true;
    f->daemon.settings.refill_rate = 1000000;
    f->daemon.settings.adaptive = false;
    model_start(f);
    f->client = model_connect(f);
    *state = f;
    return 0;
}

void model_stop(struct fixture *f)
{
    size_t nr = sizeof(modules) / sizeof(modules[0]) - 1;

    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->quiesce)
            (*m)->quiesce(&f->daemon);
    model_turn(f);
    while (nr-- > 0)
        if (modules[nr]->fini)
            modules[nr]->fini(&f->daemon);
    assert_int_equal(f->fake->mapped, 0);
    chaos_close(f->daemon.chaos);
    loop_free(f->daemon.loop);
}

int model_tear_down(void **state)
{
    struct fixture *f = *state;

    model_stop(f);
    settings_free(&f->daemon.settings);
    close(f->client);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

void model_begin(struct fixture *f, uint16_t type, struct wire_writer *writer)
{
    wire_begin(writer, f->packet, WIRE_MESSAGE_MAX, type, 0, 42);
}

void model_send(struct fixture *f, int fd, struct wire_writer *writer)
{
    size_t length = wire_end(writer);

    assert_int_equal(send(fd, f->packet, length, 0), length);
}

void model_send_with(struct fixture *f, int fd, struct wire_writer *writer, const int *passed,
                     unsigned int nr)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(MODEL_PASSED_MAX * sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS,
                            .cmsg_len = CMSG_LEN(nr * sizeof(int))}};
    struct iovec part = {f->packet, wire_end(writer)};
    const struct msghdr message = {.msg_iov = &part,
                                   .msg_iovlen = 1,
                                   .msg_control = &control,
                                   .msg_controllen = CMSG_SPACE(nr * sizeof(int))};

    assert_in_range(nr, 1, MODEL_PASSED_MAX);
    memcpy(CMSG_DATA(&control.header), passed, nr * sizeof(int));
    assert_int_equal(sendmsg(fd, &message, 0), part.iov_len);
}

unsigned int model_descriptors(void)
{
    unsigned int nr = 0;

    for (int fd = 0; fd < 1024; fd++)
        nr += fcntl(fd, F_GETFD) >= 0;
    return nr;
}

bool model_receive(struct fixture *f, int fd)
{
    ssize_t r = recv(fd, f->packet, sizeof(f->packet), 0);

    if (r <= 0)
        return false;
    assert_int_equal(wire_parse(f->packet, (size_t)r, &f->header, &f->fields), 0);
    return true;
}

bool model_ended(int fd)
{
    char byte;

    return recv(fd, &byte, 1, 0) == 0;
}

const char *model_error(struct fixture *f)
{
    assert_true(f->header.flags & WIRE_ERROR);
    return wire_find_string(&f->fields, WIRE_ERROR_TEXT, "");
}

void model_set_pool(struct fixture *f, uint32_t mib, const char *bridge, uint32_t low)
{
    struct wire_writer writer;

    model_begin(f, WIRE_POOL_SET, &writer);
    wire_put_string(&writer, WIRE_NAME, "pool");
    wire_put_u32(&writer, WIRE_MEMORY_MIB, mib);
    if (bridge)
        wire_put_string(&writer, WIRE_BRIDGE, bridge);
    wire_put_u32(&writer, WIRE_LOW, low);
    wire_put_u32(&writer, WIRE_HIGH, low);
    model_send(f, f->client, &writer);
    model_turn_many(f, 20);
    assert_true(model_receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
}

uint32_t model_level(struct fixture *f)
{
    return pools_find(refill_pools(&f->daemon), "pool")->level;
}

unsigned int model_fail_each_call(struct fixture *f,
                                  void (*ask)(struct fixture *f, const char *override))
{
    const uint32_t level = model_level(f);
    unsigned int failures = 0;
    bool failed;

    do {
        f->fake->calls = 0;
        f->fake->fail_at = failures + 1;
        f->fake->fail_with = -EINVAL;
        ask(f, NULL);
        f->fake->fail_at = 0;
        failed = f->header.flags & WIRE_ERROR;
        failures += failed;
        usleep(POOLS_CALM_NS / 1000 + 1000);
        model_turn_many(f, 5);
        assert_int_equal(model_level(f), level);
    } while (failed);
    return failures;
}
