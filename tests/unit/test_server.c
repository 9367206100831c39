// SPDX-License-Identifier: BSD-3-Clause
/*
 * chaosd's server, creates and pools on the hypervisor in memory, with well-behaved, slow and
 * hostile clients. Workers' jobs are run on the loop, one a turn.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <chaos/client.h>

#include "chaos.h"
#include "creates.h"
#include "domains.h"
#include "elf_maker.h"
#include "fake_hv.h"
#include "instance.h"
#include "refill.h"
#include "scratch.h"
#include "server.h"
#include "stats.h"
#include "status.h"
#include "wire_parts.h"
#include "worker.h"

const struct module *const modules[] = {
    &server_module,  &status_module,  &stats_module, &refill_module,
    &creates_module, &domains_module, NULL,
};

static unsigned int created, destroyed;

void daemon_created(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config)
{
    (void)daemon;
    assert_string_equal(domain->name, config->name);
    created++;
}

void daemon_destroyed(struct daemon *daemon, const struct chaos_domain *domain)
{
    (void)daemon;
    (void)domain;
    destroyed++;
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

/* ---------------------------------------------------------------- fixture */

struct fixture {
    struct fake_hv *fake;
    struct daemon daemon;
    struct chaos_error err;
    char kernel[128], config[256];
    const char *dir;
    int client; /* a good one */
    uint8_t packet[WIRE_MESSAGE_MAX + 1];
    struct wire_header header;
    struct wire_reader fields;
};

static void start(struct fixture *f)
{
    f->daemon.loop = loop_new();
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, f->dir, &f->daemon.chaos, &f->err), 0);
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->init && (*m)->init(&f->daemon, &f->err) < 0)
            fail_msg("%s", f->err.text);
}

static bool run_one_job(struct fixture *f)
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

/* Until nothing more happens at once. */
static void turn(struct fixture *f)
{
    unsigned int calm = 0;

    while (calm < 3) {
        assert_int_equal(loop_turn(f->daemon.loop, false), 0);
        calm = run_one_job(f) ? 0 : calm + 1;
    }
}

static void turn_many(struct fixture *f, unsigned int nr)
{
    while (nr-- > 0)
        turn(f);
}

static int connect_client(struct fixture *f)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                     0);
    server_adopt(&f->daemon, pair[0], &f->err);
    return pair[1];
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct elf_maker maker;

    created = destroyed = 0;
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
    start(f);
    f->client = connect_client(f);
    *state = f;
    return 0;
}

static void stop(struct fixture *f)
{
    size_t nr = sizeof(modules) / sizeof(modules[0]) - 1;

    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->quiesce)
            (*m)->quiesce(&f->daemon);
    turn(f);
    while (nr-- > 0)
        if (modules[nr]->fini)
            modules[nr]->fini(&f->daemon);
    assert_int_equal(f->fake->mapped, 0);
    chaos_close(f->daemon.chaos);
    loop_free(f->daemon.loop);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    stop(f);
    settings_free(&f->daemon.settings);
    close(f->client);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

static void begin(struct fixture *f, uint16_t type, struct wire_writer *writer)
{
    wire_begin(writer, f->packet, WIRE_MESSAGE_MAX, type, 0, 42);
}

static void send_on(struct fixture *f, int fd, struct wire_writer *writer)
{
    size_t length = wire_end(writer);

    assert_int_equal(send(fd, f->packet, length, 0), length);
}

/* The next packet that was sent to the client; false: there is none, or the connection ended. */
static bool receive(struct fixture *f, int fd)
{
    ssize_t r = recv(fd, f->packet, sizeof(f->packet), 0);

    if (r <= 0)
        return false;
    assert_int_equal(wire_parse(f->packet, (size_t)r, &f->header, &f->fields), 0);
    return true;
}

static bool ended(int fd)
{
    char byte;

    return recv(fd, &byte, 1, 0) == 0;
}

static bool answers(struct fixture *f, int fd)
{
    struct wire_writer writer;

    begin(f, WIRE_PING, &writer);
    send_on(f, fd, &writer);
    turn(f);
    return receive(f, fd) && f->header.type == WIRE_PING && f->header.flags == WIRE_REPLY &&
           f->header.sequence == 42 &&
           wire_find_number(&f->fields, WIRE_PID, 0) == (uint64_t)getpid();
}

static void put_create(struct fixture *f, struct wire_writer *writer, const char *override)
{
    begin(f, WIRE_CREATE, writer);
    wire_put_bytes(writer, WIRE_CONFIG, f->config, strlen(f->config));
    if (override)
        wire_put_string(writer, WIRE_OVERRIDE, override);
}

/* Asks, and waits for the answer. */
static void ask_create(struct fixture *f, const char *override)
{
    struct wire_writer writer;

    put_create(f, &writer, override);
    send_on(f, f->client, &writer);
    turn(f);
    assert_true(receive(f, f->client));
    assert_int_equal(f->header.type, WIRE_CREATE);
}

static const char *error_text(struct fixture *f)
{
    assert_true(f->header.flags & WIRE_ERROR);
    return wire_find_string(&f->fields, WIRE_ERROR_TEXT, "");
}

static void ask_destroy(struct fixture *f, const char *which)
{
    struct wire_writer writer;

    begin(f, WIRE_DESTROY, &writer);
    wire_put_string(&writer, WIRE_WHICH, which);
    send_on(f, f->client, &writer);
    turn(f);
    assert_true(receive(f, f->client));
}

static void destroy_web(struct fixture *f)
{
    ask_destroy(f, "web");
    assert_int_equal(f->header.flags, WIRE_REPLY);
}

static void set_pool(struct fixture *f, uint32_t mib, uint32_t low)
{
    struct wire_writer writer;

    begin(f, WIRE_POOL_SET, &writer);
    wire_put_string(&writer, WIRE_NAME, "pool");
    wire_put_u32(&writer, WIRE_MEMORY_MIB, mib);
    wire_put_u32(&writer, WIRE_LOW, low);
    wire_put_u32(&writer, WIRE_HIGH, low);
    send_on(f, f->client, &writer);
    turn_many(f, 20);
    assert_true(receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
}

static uint32_t level(struct fixture *f)
{
    return pools_find(refill_pools(&f->daemon), "pool")->level;
}

/* ---------------------------------------------------------------- clients */

static void test_ping(void **state)
{
    struct fixture *f = *state;

    assert_true(answers(f, f->client));
    assert_true(answers(f, f->client));
}

static void hostile(struct fixture *f, const void *bytes, size_t length)
{
    int fd = connect_client(f);

    assert_int_equal(send(fd, bytes, length, 0), length);
    turn(f);
    assert_true(ended(fd));
    assert_true(answers(f, f->client));
    close(fd);
}

static void test_garbage(void **state)
{
    static uint8_t large[WIRE_MESSAGE_MAX + 100];
    struct fixture *f = *state;
    struct wire_writer writer;
    uint8_t packet[64];
    size_t length;

    hostile(f, "x", 1);
    hostile(f, large, 40);
    hostile(f, large, sizeof(large));
    wire_begin(&writer, packet, sizeof(packet), WIRE_PING, 0, 1);
    wire_put_string(&writer, WIRE_NAME, "name");
    length = wire_end(&writer);
    for (size_t i = 1; i < length; i++)
        hostile(f, packet, i);
    packet[length - 1] = 'x'; /* a string that does not end */
    hostile(f, packet, length);
    /* A good header before too much. */
    wire_begin(&writer, large, sizeof(large), WIRE_PING, 0, 1);
    wire_end(&writer);
    hostile(f, large, sizeof(large));
}

static void test_zero_length_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    int fd = connect_client(f);

    assert_int_equal(send(fd, "", 0, 0), 0);
    turn(f);
    assert_true(ended(fd));
    close(fd);
    assert_true(answers(f, f->client));
}

static void test_unknown_request(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    begin(f, 999, &writer);
    send_on(f, f->client, &writer);
    turn(f);
    assert_true(receive(f, f->client));
    assert_non_null(strstr(error_text(f), "does not know request 999"));
    assert_true(answers(f, f->client)); /* it stays connected */
}

static void test_other_version(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    int fd = connect_client(f);

    begin(f, WIRE_PING, &writer);
    wire_end(&writer);
    f->packet[4] = 77;
    assert_true(send(fd, f->packet, WIRE_HEADER, 0) > 0);
    turn(f);
    assert_true(receive(f, fd));
    assert_int_equal(f->header.version, WIRE_VERSION);
    assert_non_null(strstr(error_text(f), "version 1, the client 77"));
    assert_true(ended(fd));
    close(fd);
}

static void test_limit_of_a_user(void **state)
{
    struct fixture *f = *state;
    int fds[3];

    f->daemon.settings.clients_per_user = 3;
    fds[0] = connect_client(f);
    fds[1] = connect_client(f);
    fds[2] = connect_client(f); /* the fourth */
    assert_true(receive(f, fds[2]));
    assert_non_null(strstr(error_text(f), "may have no more"));
    assert_true(ended(fds[2]));
    assert_true(answers(f, fds[1]));
    close(fds[0]);
    turn(f);
    close(fds[2]);
    fds[2] = connect_client(f);
    assert_true(answers(f, fds[2]));
    close(fds[1]);
    close(fds[2]);
    turn(f);
}

/* It asks and asks, and reads nothing: it is not read from either, and nobody waits for it. */
static void test_client_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    int fd = connect_client(f);
    unsigned int sent = 0, received = 0;

    for (unsigned int i = 0; i < 20000; i++) {
        wire_begin(&writer, f->packet, WIRE_MESSAGE_MAX, WIRE_PING, 0, sent);
        if (send(fd, f->packet, wire_end(&writer), 0) < 0) {
            assert_int_equal(errno, EAGAIN);
            loop_turn(f->daemon.loop, false);
            continue;
        }
        sent++;
    }
    turn(f);
    assert_true(answers(f, f->client));
    while (received < sent) {
        turn(f);
        while (receive(f, fd))
            assert_int_equal(f->header.sequence, received++);
    }
    close(fd);
    turn(f);
}

static void test_refuses_work_for_too_many_at_once(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    unsigned int answered = 0;

    /* Lists wait for a worker; no worker comes. */
    for (unsigned int i = 0; i < 100; i++) {
        begin(f, WIRE_LIST, &writer);
        send_on(f, f->client, &writer);
        loop_turn(f->daemon.loop, false);
        loop_turn(f->daemon.loop, false);
    }
    for (struct job *job = jobs; job; job = job->next)
        answered++;
    assert_int_equal(answered, 64);
    answered = 0;
    for (unsigned int i = 0; i < 200; i++)
        turn(f);
    while (receive(f, f->client))
        answered += !(f->header.flags & WIRE_MORE);
    assert_int_equal(answered, 100);
}

/* ---------------------------------------------------------------- creates */

static void test_cold(void **state)
{
    struct fixture *f = *state;

    ask_create(f, NULL);
    assert_int_equal(f->header.flags, WIRE_REPLY);
    assert_int_equal(wire_find_number(&f->fields, WIRE_WARM, 9), 0);
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_EXISTS);
    destroy_web(f);
    ask_destroy(f, "web");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_NOT_FOUND);
    assert_int_equal(created, 1);
    assert_int_equal(destroyed, 1);
}

static void test_warm(void **state)
{
    struct fixture *f = *state;
    struct wire_reader group;
    struct chaos_domain domain;
    struct wire_field field;

    set_pool(f, 1, 3);
    assert_int_equal(level(f), 3);
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_WARM, 9), 1);
    assert_true(wire_find(&f->fields, WIRE_DOMAIN, WIRE_GROUP, &field));
    group = wire_group(&field);
    wire_get_domain(&group, &domain);
    assert_string_equal(domain.name, "web");
    assert_true(fake_domain(f->fake, domain.domid)->started);
    assert_int_equal(level(f), 2);

    /* A shell that was not touched is as good as before. */
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_EXISTS);
    assert_int_equal(level(f), 2);
    destroy_web(f);
    assert_int_equal(created, 1);
}

/* Whatever call fails: one answer, and the pool is back at its level. */
static void test_every_call_fails(void **state)
{
    struct fixture *f = *state;
    unsigned int failures = 0;
    bool failed;

    set_pool(f, 1, 2);
    do {
        f->fake->calls = 0;
        f->fake->fail_at = failures + 1;
        f->fake->fail_with = -EINVAL;
        ask_create(f, NULL);
        f->fake->fail_at = 0;
        failed = f->header.flags & WIRE_ERROR;
        failures += failed;
        usleep(POOLS_CALM_NS / 1000 + 1000);
        turn_many(f, 5);
        assert_int_equal(level(f), 2);
    } while (failed);
    assert_true(failures >= 2);
    assert_int_equal(created, 1);
    destroy_web(f);
}

static void test_bad_requests(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    begin(f, WIRE_CREATE, &writer);
    send_on(f, f->client, &writer);
    turn(f);
    assert_true(receive(f, f->client));
    assert_non_null(strstr(error_text(f), "no configuration"));

    ask_create(f, "memory=\"x\"");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_CONFIG);
    ask_create(f, "kernel=\"/no/such/kernel\"");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_CONFIG);
    ask_destroy(f, "");
    assert_true(f->header.flags & WIRE_ERROR);
    ask_destroy(f, "0");
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 0), CHAOS_EXIT_USAGE);
}

static void test_warnings_travel(void **state)
{
    struct fixture *f = *state;

    ask_create(f, "memroy=4");
    assert_non_null(strstr(wire_find_string(&f->fields, WIRE_WARNING, ""), "memroy"));
    destroy_web(f);
    ask_create(f, "memroy=4; memory=\"\"");
    assert_true(f->header.flags & WIRE_ERROR);
    assert_non_null(strstr(wire_find_string(&f->fields, WIRE_WARNING, ""), "memroy"));
}

static void test_relative_path(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    put_create(f, &writer, "kernel=\"kernel\"");
    wire_put_string(&writer, WIRE_DIRECTORY, f->dir);
    send_on(f, f->client, &writer);
    turn(f);
    assert_true(receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
    destroy_web(f);
}

static void test_several(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    char name[16];
    uint32_t i;

    ask_create(f, "name=\"web-2\""); /* is in the way of one of them */
    set_pool(f, 1, 2);
    put_create(f, &writer, NULL);
    wire_put_u32(&writer, WIRE_COUNT, 4);
    send_on(f, f->client, &writer);
    turn_many(f, 4);
    for (i = 0; i < 4; i++) {
        assert_true(receive(f, f->client));
        assert_int_equal(wire_find_number(&f->fields, WIRE_INDEX, 9), i);
        assert_int_equal(f->header.flags & WIRE_MORE, i < 3 ? WIRE_MORE : 0);
        assert_int_equal(f->header.flags & WIRE_ERROR, i == 1 ? WIRE_ERROR : 0);
    }
    for (i = 1; i <= 4; i++) {
        snprintf(name, sizeof(name), "web-%u", i);
        ask_destroy(f, name);
        assert_int_equal(f->header.flags, WIRE_REPLY);
    }
}

static void test_several_with_numbers(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    put_create(f, &writer, "name=\"n{n}x\"; cmdline=\"ip=10.0.0.{n}\"");
    wire_put_u32(&writer, WIRE_COUNT, 2);
    send_on(f, f->client, &writer);
    turn_many(f, 3);
    assert_true(receive(f, f->client));
    assert_true(receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
    ask_destroy(f, "n1x");
    assert_int_equal(f->header.flags, WIRE_REPLY);
    ask_destroy(f, "n2x");
    assert_int_equal(f->header.flags, WIRE_REPLY);

    put_create(f, &writer, "uuid=\"00112233-4455-6677-8899-aabbccddeeff\"");
    wire_put_u32(&writer, WIRE_COUNT, 2);
    send_on(f, f->client, &writer);
    turn(f);
    assert_true(receive(f, f->client));
    assert_non_null(strstr(error_text(f), "uuid is given"));
}

/* What was asked for is made, whether or not anybody is told. */
static void test_client_gone_before_the_answer(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    int fd = connect_client(f);

    put_create(f, &writer, NULL);
    send_on(f, fd, &writer);
    loop_turn(f->daemon.loop, false);
    assert_non_null(jobs);
    close(fd);
    turn(f);
    destroy_web(f);
    assert_int_equal(created, 1);
}

/* ---------------------------------------------------------------- a full host */

static void test_shells_make_room(void **state)
{
    struct fixture *f = *state;

    set_pool(f, 16, 3); /* of 64 MiB in all */
    assert_int_equal(level(f), 3);
    ask_create(f, "memory=32");
    assert_int_equal(f->header.flags, WIRE_REPLY);
    assert_true(level(f) < 3);
    destroy_web(f);
}

static void test_degraded(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    unsigned int calls;

    set_pool(f, 16, 6); /* more than there is */
    assert_true(level(f) < 5);
    begin(f, WIRE_STATUS, &writer);
    send_on(f, f->client, &writer);
    turn(f);
    assert_true(receive(f, f->client));
    assert_non_null(strstr(wire_find_string(&f->fields, WIRE_DEGRADED, ""), "memory"));
    calls = f->fake->calls;
    turn_many(f, 100); /* it does not try all the time */
    assert_int_equal(f->fake->calls, calls);
}

static void test_failed_creates_leave_nothing(void **state)
{
    struct fixture *f = *state;
    int before, after;

    set_pool(f, 1, 1);
    ask_create(f, "kernel=\"/no/such/kernel\"");
    before = open("/dev/null", O_RDONLY);
    close(before);
    for (unsigned int i = 0; i < 2000; i++) {
        struct wire_writer writer;

        put_create(f, &writer, i % 2 ? "kernel=\"/no/such/kernel\"" : "memory=\"x\"");
        send_on(f, f->client, &writer);
        loop_turn(f->daemon.loop, false);
        loop_turn(f->daemon.loop, false);
        while (!receive(f, f->client))
            turn(f);
        assert_true(f->header.flags & WIRE_ERROR);
    }
    after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(before, after); /* the lowest free descriptor */
    assert_int_equal(level(f), 1);
}

/* ---------------------------------------------------------------- restart */

static void test_restart_takes_shells_over(void **state)
{
    struct fixture *f = *state;

    set_pool(f, 1, 4);
    f->daemon.settings.drain_on_stop = false;
    f->daemon.settings.adaptive = true;
    close(f->client);
    stop(f);
    assert_int_equal(scratch_count("shells"), 4);
    start(f);
    f->client = connect_client(f);
    f->daemon.settings.drain_on_stop = true;
    assert_int_equal(refill_pools(&f->daemon)->first->level, 4);
    ask_create(f, NULL);
    assert_int_equal(wire_find_number(&f->fields, WIRE_WARM, 9), 1);
    destroy_web(f);
}

/* ---------------------------------------------------------------- the client library */

struct conversation {
    const struct fixture *f;
    char path[128];
    int failed; /* line */
    bool over;
};

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            c->failed = __LINE__;                                                                  \
            goto end;                                                                              \
        }                                                                                          \
    } while (0)

static void count_created(void *opaque, uint32_t index, const struct chaos_domain *domain,
                          const struct chaos_error *err)
{
    (void)index;
    (void)err;
    *(unsigned int *)opaque += domain != NULL;
}

static void *talk(void *opaque)
{
    struct conversation *c = opaque;
    struct chaos_client_create request = {
        .config = c->f->config,
        .length = strlen(c->f->config),
    };
    struct chaos_pool pool = {.name = "one", .memory_mib = 1, .vcpus = 1, .low = 1, .high = 2};
    struct chaos_client *client = NULL;
    struct chaos_client_info info;
    struct chaos_domain domain, *list = NULL;
    struct chaos_metric *metrics = NULL;
    struct chaos_pool *pools = NULL;
    struct chaos_error err;
    unsigned int made = 0;
    size_t nr;

    EXPECT(chaos_client_open("/no/such/socket", &client, &err) < 0);
    client = NULL;
    EXPECT(err.exit == CHAOS_EXIT_DAEMON);
    EXPECT(chaos_client_open(c->path, &client, &err) == 0);
    EXPECT(chaos_client_info(client, &info, &err) == 0 && info.protocol == WIRE_VERSION);
    EXPECT(chaos_client_create(client, &request, &domain, &err) == 0);
    EXPECT(strcmp(domain.name, "web") == 0);
    EXPECT(chaos_client_create(client, &request, NULL, &err) == -EEXIST);
    EXPECT(chaos_client_list(client, &list, &nr, &err) == 0 && nr == 2);
    EXPECT(strcmp(list[0].name, "Domain-0") == 0 && list[1].domid == domain.domid);
    request.opaque = &made;
    EXPECT(chaos_client_create_many(client, &request, 3, count_created, &err) == 0 && made == 3);
    EXPECT(chaos_client_destroy(client, "web", false, &domain, &err) == 0);
    EXPECT(chaos_client_destroy(client, "web", false, NULL, &err) == -ENOENT);
    EXPECT(chaos_client_destroy(client, "web-1", false, NULL, &err) == 0);
    EXPECT(chaos_client_destroy(client, "web-2", false, NULL, &err) == 0);
    EXPECT(chaos_client_destroy(client, "web-3", false, NULL, &err) == 0);
    EXPECT(chaos_client_pool_set(client, &pool, &err) == 0);
    EXPECT(chaos_client_pools(client, &pools, &nr, &err) == 0 && nr == 1);
    EXPECT(strcmp(pools[0].name, "one") == 0 && pools[0].high == 2 && pools[0].memory_mib == 1);
    EXPECT(chaos_client_pool_drain(client, "other", &err) == -ENOENT);
    EXPECT(chaos_client_pool_drain(client, NULL, &err) == 0);
    EXPECT(chaos_client_stats(client, &metrics, &nr, &err) == 0 && nr > 4);
    EXPECT(strcmp(metrics[1].name, "create_cold") == 0 && metrics[1].value == 4);
end:
    free(list);
    free(pools);
    free(metrics);
    chaos_client_close(client);
    __atomic_store_n(&c->over, true, __ATOMIC_RELEASE);
    return NULL;
}

static void test_client_library(void **state)
{
    struct fixture *f = *state;
    struct conversation c = {.f = f};
    pthread_t thread;
    int fd;

    snprintf(c.path, sizeof(c.path), "%s/socket", f->dir);
    fd = instance_socket(c.path, &f->err);
    assert_true(fd >= 0);
    assert_int_equal(server_listen(&f->daemon, fd, &f->err), 0);
    assert_int_equal(pthread_create(&thread, NULL, talk, &c), 0);
    while (!__atomic_load_n(&c.over, __ATOMIC_ACQUIRE)) {
        turn(f);
        usleep(200);
    }
    pthread_join(thread, NULL);
    if (c.failed)
        fail_msg("the conversation failed at line %d", c.failed);
    unlink(c.path);
}

static void test_lock(void **state)
{
    struct fixture *f = *state;
    char expected[64];
    int fd = instance_lock(f->dir, &f->err);

    assert_true(fd >= 0);
    assert_int_equal(instance_lock(f->dir, &f->err), -EEXIST);
    snprintf(expected, sizeof(expected), "already running (pid %d)", (int)getpid());
    assert_string_equal(f->err.text, expected);
    close(fd);
    fd = instance_lock(f->dir, &f->err); /* a file that was left is no obstacle */
    assert_true(fd >= 0);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_ping),
        TEST(test_garbage),
        TEST(test_zero_length_ends_the_connection),
        TEST(test_unknown_request),
        TEST(test_other_version),
        TEST(test_limit_of_a_user),
        TEST(test_client_that_does_not_read),
        TEST(test_refuses_work_for_too_many_at_once),
        TEST(test_cold),
        TEST(test_warm),
        TEST(test_every_call_fails),
        TEST(test_bad_requests),
        TEST(test_warnings_travel),
        TEST(test_relative_path),
        TEST(test_several),
        TEST(test_several_with_numbers),
        TEST(test_client_gone_before_the_answer),
        TEST(test_shells_make_room),
        TEST(test_degraded),
        TEST(test_failed_creates_leave_nothing),
        TEST(test_restart_takes_shells_over),
        TEST(test_client_library),
        TEST(test_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
