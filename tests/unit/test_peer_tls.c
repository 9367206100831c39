// SPDX-License-Identifier: BSD-3-Clause
/* TLS between two hosts: who is let in, and who is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer_tls.h"
#include "scratch.h"

#define PATIENT_MS 20000 /* the other side is there, if the machine is not too busy */
#define SHORT_MS   300
#define BYTES      200000

static const char *dir;

static struct peer_tls_context *context_of(const char *who, const char *authority)
{
    char ca[512], pem[512], key[512];
    const struct peer_tls_files files = {.authority = ca, .certificate = pem, .key = key};
    struct peer_tls_context *context;
    struct chaos_error err;

    snprintf(ca, sizeof(ca), "%s/%s-ca.pem", dir, authority);
    snprintf(pem, sizeof(pem), "%s/%s.pem", dir, who);
    snprintf(key, sizeof(key), "%s/%s.key", dir, who);
    if (peer_tls_context_new(&files, &context, &err) < 0)
        fail_msg("%s", err.text);
    return context;
}

/* The server's side: sends back all that comes. */
struct server {
    struct peer_tls_context *context;
    int fd, timeout_ms;
    int result;
    struct chaos_error err;
    pthread_t thread;
};

static void *echo(void *opaque)
{
    struct server *server = opaque;
    char buffer[5000];
    struct peer *peer;
    ssize_t got;

    server->result =
        peer_tls_accept(server->context, server->fd, server->timeout_ms, &peer, &server->err);
    if (server->result < 0)
        return NULL;
    while ((got = peer->ops->read(peer, buffer, sizeof(buffer))) > 0) {
        const struct iovec part = {buffer, (size_t)got};

        if (peer->ops->write(peer, &part, 1) < 0)
            break;
    }
    server->result = (int)got;
    peer->ops->close(peer);
    return NULL;
}

static int serve_within(struct server *server, const char *who, const char *authority,
                        int timeout_ms)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    server->context = context_of(who, authority);
    server->fd = pair[1];
    server->timeout_ms = timeout_ms;
    assert_int_equal(pthread_create(&server->thread, NULL, echo, server), 0);
    return pair[0];
}

static int serve(struct server *server, const char *who, const char *authority)
{
    return serve_within(server, who, authority, PATIENT_MS);
}

static void join(struct server *server)
{
    pthread_join(server->thread, NULL);
    peer_tls_context_free(server->context);
}

static void *send_all(void *opaque)
{
    struct peer *peer = opaque;
    static char bytes[BYTES];
    const struct iovec parts[] = {{bytes, 1}, {bytes, 0}, {bytes + 1, BYTES - 1}};

    memset(bytes, 'x', sizeof(bytes));
    return peer->ops->write(peer, parts, 3) < 0 ? peer : NULL;
}

static void test_friends(void **state)
{
    struct peer_tls_context *context = context_of("ours", "ours");
    struct server server;
    struct chaos_error err;
    struct peer *peer;
    char byte;
    int fd = serve(&server, "ours", "ours"), i;

    (void)state;
    if (peer_tls_connect(context, fd, "localhost", PATIENT_MS, &peer, &err) < 0)
        fail_msg("%s", err.text);
    for (i = 0; i < 50; i++) { /* one thread writes and reads: in pieces that fit in the socket */
        const struct iovec part = {(void *)"0123456789", 10};
        char back[10];
        size_t done = 0;

        assert_int_equal(peer->ops->write(peer, &part, 1), 0);
        while (done < sizeof(back)) {
            ssize_t got = peer->ops->read(peer, back + done, sizeof(back) - done);

            assert_true(got > 0);
            done += (size_t)got;
        }
        assert_memory_equal(back, "0123456789", 10);
    }
    peer->timeout_ms = SHORT_MS;
    assert_int_equal(peer->ops->read(peer, &byte, 1), -ETIMEDOUT);
    peer->ops->close(peer);
    join(&server);
    assert_int_equal(server.result, 0);
    peer_tls_context_free(context);
}

/* More than the sockets hold, and nobody reads it. */
static void test_writer_is_not_held_for_ever(void **state)
{
    struct peer_tls_context *context = context_of("ours", "ours");
    struct server server;
    struct chaos_error err;
    struct peer *peer;
    int fd = serve(&server, "ours", "ours"), i;
    void *failed = NULL;

    (void)state;
    assert_int_equal(peer_tls_connect(context, fd, "127.0.0.1", PATIENT_MS, &peer, &err), 0);
    peer->timeout_ms = SHORT_MS;
    for (i = 0; i < 20 && !failed; i++)
        failed = send_all(peer);
    assert_non_null(failed);
    peer->ops->close(peer);
    join(&server);
    assert_int_not_equal(server.result, 0);
    peer_tls_context_free(context);
}

/* The client is `who`, trusts `authority` and calls the server `host`. */
static void refused(const char *server_is, const char *server_trusts, const char *who,
                    const char *authority, const char *host)
{
    struct peer_tls_context *context = context_of(who, authority);
    struct server server;
    struct chaos_error err;
    struct peer *peer;
    char byte;
    int fd = serve(&server, server_is, server_trusts), rc;

    rc = peer_tls_connect(context, fd, host, PATIENT_MS, &peer, &err);
    if (rc == 0) { /* the client is done before the server has looked at its certificate */
        assert_true(peer->ops->read(peer, &byte, 1) < 0);
        peer->ops->close(peer);
    }
    join(&server);
    assert_true(rc < 0 || server.result < 0);
    peer_tls_context_free(context);
}

static void test_strangers(void **state)
{
    (void)state;
    refused("ours", "ours", "theirs", "ours", "localhost");
    refused("theirs", "ours", "ours", "ours", "localhost");
    refused("ours", "ours", "ours", "ours", "elsewhere");
    refused("ours", "ours", "ours", "ours", "10.0.0.1");
}

static void test_garbage_and_silence(void **state)
{
    static const char garbage[] = "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    struct server server;
    int fd = serve(&server, "ours", "ours");

    (void)state;
    assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
    join(&server);
    assert_int_equal(server.result, -EACCES);
    close(fd);
    fd = serve_within(&server, "ours", "ours", SHORT_MS);
    join(&server);
    assert_int_equal(server.result, -ETIMEDOUT);
    close(fd);
}

/* A byte now and then is no handshake. */
static void test_trickle(void **state)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct server server;
    int fd = serve_within(&server, "ours", "ours", SHORT_MS);
    size_t i, sent = 0;

    (void)state;
    for (i = 0; i < 20; i++) {
        usleep(SHORT_MS * 1000 / 3);
        if (send(fd, hello + i % (sizeof(hello) - 1), 1, MSG_NOSIGNAL) == 1)
            sent++;
    }
    join(&server);
    assert_true(server.result < 0);
    assert_in_range(sent, 1, 19);
    close(fd);
}

static void test_key_that_others_can_read(void **state)
{
    char ca[512], pem[512], key[512];
    const struct peer_tls_files files = {.authority = ca, .certificate = pem, .key = key};
    struct peer_tls_context *context;
    struct chaos_error err;

    (void)state;
    snprintf(ca, sizeof(ca), "%s/ours-ca.pem", dir);
    snprintf(pem, sizeof(pem), "%s/ours.pem", dir);
    snprintf(key, sizeof(key), "%s/ours-ca.key", dir);
    assert_int_equal(chmod(key, 0644), 0);
    assert_int_equal(peer_tls_context_new(&files, &context, &err), -EPERM);
    assert_int_equal(chmod(key, 0600), 0); /* still not the certificate's */
    assert_int_equal(peer_tls_context_new(&files, &context, &err), -EINVAL);
}

/* Whose certificates are in use: who is let in. */
static void reload(struct peer_tls_context *context, const char *who, int rc)
{
    char ca[512], pem[512], key[512];
    const struct peer_tls_files files = {.authority = ca, .certificate = pem, .key = key};
    struct chaos_error err;

    snprintf(ca, sizeof(ca), "%s/%s-ca.pem", dir, who);
    snprintf(pem, sizeof(pem), "%s/%s.pem", dir, who);
    snprintf(key, sizeof(key), "%s/%s.key", dir, who);
    assert_int_equal(peer_tls_context_reload(context, &files, &err), rc);
}

static int speaks_with(struct peer_tls_context *context, const char *who)
{
    struct server server;
    struct chaos_error err;
    struct peer *peer;
    int fd = serve(&server, who, who);
    int rc = peer_tls_connect(context, fd, "localhost", PATIENT_MS, &peer, &err);

    if (rc == 0)
        peer->ops->close(peer);
    join(&server);
    return rc;
}

static void test_reload(void **state)
{
    struct peer_tls_context *context = context_of("ours", "ours");
    struct server server;
    struct chaos_error err;
    struct peer *peer;
    const struct iovec part = {(void *)"x", 1};
    int fd = serve(&server, "ours", "ours");
    char back;

    (void)state;
    assert_int_equal(peer_tls_connect(context, fd, "localhost", PATIENT_MS, &peer, &err), 0);
    reload(context, "theirs", 0);
    assert_int_equal(peer->ops->write(peer, &part, 1), 0); /* one that is open stays so */
    assert_int_equal(peer->ops->read(peer, &back, 1), 1);
    assert_int_equal(speaks_with(context, "ours"), -EACCES);
    assert_int_equal(speaks_with(context, "theirs"), 0);
    reload(context, "nobody", -ENOENT);
    assert_int_equal(speaks_with(context, "theirs"), 0);
    peer->ops->close(peer);
    join(&server);
    peer_tls_context_free(context);
}

static int set_up(void **state)
{
    char command[1024];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    dir = scratch_make();
    snprintf(command, sizeof(command), "%s %s", MAKE_CERTIFICATES, dir);
    return system(command); // NOLINT: the test's own words
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_friends),   cmocka_unit_test(test_writer_is_not_held_for_ever),
        cmocka_unit_test(test_strangers), cmocka_unit_test(test_garbage_and_silence),
        cmocka_unit_test(test_trickle),   cmocka_unit_test(test_key_that_others_can_read),
        cmocka_unit_test(test_reload),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
