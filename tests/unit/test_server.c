// SPDX-License-Identifier: BSD-3-Clause
/* chaosd's server with well-behaved, slow and hostile clients, and the client library. */
#include <pthread.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <chaos/client.h>

#include "chaosd_model.h"
#include "instance.h"
#include "server.h"

static bool answers(struct fixture *f, int fd)
{
    struct wire_writer writer;

    model_begin(f, WIRE_PING, &writer);
    model_send(f, fd, &writer);
    model_turn(f);
    return model_receive(f, fd) && f->header.type == WIRE_PING && f->header.flags == WIRE_REPLY &&
           f->header.sequence == 42 &&
           wire_find_number(&f->fields, WIRE_PID, 0) == (uint64_t)getpid();
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
    int fd = model_connect(f);

    assert_int_equal(send(fd, bytes, length, 0), length);
    model_turn(f);
    assert_true(model_ended(fd));
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

/* Descriptors that nobody asked for, or more than one: none stays open. */
static void test_descriptors(void **state)
{
    const int passed[MODEL_PASSED_MAX] = {0, 1, 2, 0};
    struct fixture *f = *state;
    struct wire_writer writer;
    int fd = model_connect(f);
    unsigned int before = model_descriptors();

    model_begin(f, WIRE_PING, &writer);
    model_send_with(f, f->client, &writer, passed, 1);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
    assert_int_equal(model_descriptors(), before);
    for (unsigned int nr = 1; nr <= MODEL_PASSED_MAX; nr++) {
        if (nr == 1) /* and what is no message */
            memset(f->packet, 0, sizeof(f->packet));
        else
            model_begin(f, WIRE_PING, &writer);
        model_send_with(f, fd, &writer, passed, nr);
        model_turn(f);
        assert_true(model_ended(fd));
        close(fd);
        fd = model_connect(f);
        assert_int_equal(model_descriptors(), before);
    }
    close(fd);
    assert_true(answers(f, f->client));
}

static void test_zero_length_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    int fd = model_connect(f);

    assert_int_equal(send(fd, "", 0, 0), 0);
    model_turn(f);
    assert_true(model_ended(fd));
    close(fd);
    assert_true(answers(f, f->client));
}

static void test_unknown_request(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;

    model_begin(f, 999, &writer);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_non_null(strstr(model_error(f), "does not know request 999"));
    assert_true(answers(f, f->client)); /* it stays connected */
}

static void test_other_version(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    int fd = model_connect(f);

    model_begin(f, WIRE_PING, &writer);
    wire_end(&writer);
    f->packet[4] = 77;
    assert_true(send(fd, f->packet, WIRE_HEADER, 0) > 0);
    model_turn(f);
    assert_true(model_receive(f, fd));
    assert_int_equal(f->header.version, WIRE_VERSION);
    assert_non_null(strstr(model_error(f), "version 1, the client 77"));
    assert_true(model_ended(fd));
    close(fd);
}

static void test_limit_of_a_user(void **state)
{
    struct fixture *f = *state;
    int fds[3];

    f->daemon.settings.clients_per_user = 3;
    fds[0] = model_connect(f);
    fds[1] = model_connect(f);
    fds[2] = model_connect(f); /* the fourth */
    assert_true(model_receive(f, fds[2]));
    assert_non_null(strstr(model_error(f), "may have no more"));
    assert_true(model_ended(fds[2]));
    assert_true(answers(f, fds[1]));
    close(fds[0]);
    model_turn(f);
    close(fds[2]);
    fds[2] = model_connect(f);
    assert_true(answers(f, fds[2]));
    close(fds[1]);
    close(fds[2]);
    model_turn(f);
}

/* It asks and asks, and reads nothing: it is not read from either, and nobody waits for it. */
static void test_client_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    int fd = model_connect(f);
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
    model_turn(f);
    assert_true(answers(f, f->client));
    while (received < sent) {
        model_turn(f);
        while (model_receive(f, fd))
            assert_int_equal(f->header.sequence, received++);
    }
    close(fd);
    model_turn(f);
}

static void test_refuses_work_for_too_many_at_once(void **state)
{
    struct fixture *f = *state;
    struct wire_writer writer;
    unsigned int answered = 0;

    /* Lists wait for a worker; no worker comes. */
    for (unsigned int i = 0; i < 100; i++) {
        model_begin(f, WIRE_LIST, &writer);
        model_send(f, f->client, &writer);
        loop_turn(f->daemon.loop, false);
        loop_turn(f->daemon.loop, false);
    }
    assert_int_equal(model_jobs(), 64);
    for (unsigned int i = 0; i < 200; i++)
        model_turn(f);
    while (model_receive(f, f->client))
        answered += !(f->header.flags & WIRE_MORE);
    assert_int_equal(answered, 100);
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
    fd = instance_socket(f->dir, c.path, &f->err);
    assert_true(fd >= 0);
    assert_int_equal(server_listen(&f->daemon, fd, &f->err), 0);
    assert_int_equal(pthread_create(&thread, NULL, talk, &c), 0);
    while (!__atomic_load_n(&c.over, __ATOMIC_ACQUIRE)) {
        model_turn(f);
        usleep(200);
    }
    pthread_join(thread, NULL);
    if (c.failed)
        fail_msg("the conversation failed at line %d", c.failed);
    assert_int_equal(instance_socket(f->dir, c.path, &f->err), -EADDRINUSE);
    model_turn(f);
    unlink(c.path);
}

/* Somebody else's that is too busy to let anybody in. */
static void test_busy_socket(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int busy, fd, rc, waiting[256]; /* more than its backlog */
    unsigned int nr = 0;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", f->dir);
    busy = instance_socket(f->dir, address.sun_path, &f->err);
    assert_true(busy >= 0);
    do {
        waiting[nr] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        rc = connect(waiting[nr++], (struct sockaddr *)&address, sizeof(address));
    } while (rc == 0 && nr < sizeof(waiting) / sizeof(waiting[0]));
    assert_true(rc < 0 && errno == EAGAIN);
    assert_int_equal(instance_socket(f->dir, address.sun_path, &f->err), -EADDRINUSE);
    assert_int_equal(access(address.sun_path, F_OK), 0);
    while (nr > 0)
        close(waiting[--nr]);
    close(busy); /* and dead now */
    fd = instance_socket(f->dir, address.sun_path, &f->err);
    assert_true(fd >= 0);
    close(fd);
    unlink(address.sun_path);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, model_set_up, model_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_ping),
        TEST(test_garbage),
        TEST(test_descriptors),
        TEST(test_zero_length_ends_the_connection),
        TEST(test_unknown_request),
        TEST(test_other_version),
        TEST(test_limit_of_a_user),
        TEST(test_client_that_does_not_read),
        TEST(test_refuses_work_for_too_many_at_once),
        TEST(test_client_library),
        TEST(test_busy_socket),
        TEST(test_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
