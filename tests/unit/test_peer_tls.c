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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "peer_tls.h"
#include "scratch.h"
#include "tls_sessions.h"

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
    bool resumed;
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
    server->resumed = peer_tls_resumed(peer);
    while ((got = peer->ops->read(peer, buffer, sizeof(buffer))) > 0) {
        const struct iovec part = {buffer, (size_t)got};

        if (peer->ops->write(peer, &part, 1) < 0)
            break;
    }
    server->result = (int)got;
    peer->ops->close(peer);
    return NULL;
}

/* With its context. */
static int serve_one(struct server *server, int timeout_ms)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    server->resumed = false;
    server->fd = pair[1];
    server->timeout_ms = timeout_ms;
    assert_int_equal(pthread_create(&server->thread, NULL, echo, server), 0);
    return pair[0];
}

static int serve_within(struct server *server, const char *who, const char *authority,
                        int timeout_ms)
{
    server->context = context_of(who, authority);
    return serve_one(server, timeout_ms);
}

static int serve(struct server *server, const char *who, const char *authority)
{
    return serve_within(server, who, authority, PATIENT_MS);
}

static int connect_to(struct peer_tls_context *context, int fd, const char *host,
                      struct peer **peer, struct chaos_error *err)
{
    struct host_port at;

    assert_true(host_port_parse(host, &at));
    return peer_tls_connect(context, fd, &at, PATIENT_MS, peer, err);
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
    if (connect_to(context, fd, "localhost", &peer, &err) < 0)
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
    assert_int_equal(connect_to(context, fd, "127.0.0.1", &peer, &err), 0);
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

    rc = connect_to(context, fd, host, &peer, &err);
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
    int rc = connect_to(context, fd, "localhost", &peer, &err);

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
    assert_int_equal(connect_to(context, fd, "localhost", &peer, &err), 0);
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

/* One connection, on which a byte goes to and fro. resumed: as both sides have it. */
static int meet(struct peer_tls_context *context, struct server *server, const char *host,
                bool *resumed)
{
    const struct iovec part = {(void *)"x", 1};
    struct chaos_error err;
    struct peer *peer;
    char back;
    int fd = serve_one(server, PATIENT_MS), rc = connect_to(context, fd, host, &peer, &err);

    if (rc == 0) {
        if (peer->ops->write(peer, &part, 1) < 0 || peer->ops->read(peer, &back, 1) != 1)
            rc = -ECONNRESET;
        *resumed = peer_tls_resumed(peer);
        peer->ops->close(peer);
    }
    pthread_join(server->thread, NULL);
    if (rc == 0)
        assert_int_equal(server->resumed, *resumed);
    return rc == 0 && server->result < 0 ? server->result : rc;
}

static void meets(struct peer_tls_context *context, struct server *server, const char *host,
                  bool resumed)
{
    bool was;

    assert_int_equal(meet(context, server, host, &was), 0);
    assert_int_equal(was, resumed);
}

static void test_hosts_that_meet_again(void **state)
{
    struct server server = {.context = context_of("ours", "ours")};
    struct server other = {.context = context_of("ours", "ours")}, held;
    struct peer_tls_context *context = context_of("ours", "ours");
    struct chaos_error err;
    struct peer *peer;

    (void)state;
    meets(context, &server, "localhost:1", false);
    meets(context, &server, "localhost:1", true);
    meets(context, &server, "localhost:1", true);
    meets(context, &server, "127.0.0.1:1", false); /* the certificate was looked at for a name */
    meets(context, &other, "localhost:2", false);
    meets(context, &server, "localhost:1", true);
    meets(context, &other, "localhost:1", false); /* whoever is there now does not know us */
    reload(server.context, "ours", 0);
    meets(context, &server, "127.0.0.1:1", false);
    meets(context, &server, "127.0.0.1:1", true);
    /* A connection that is open holds what there was before. */
    assert_int_equal(connect_to(context, serve(&held, "ours", "ours"), "localhost:3", &peer, &err),
                     0);
    reload(context, "ours", 0);
    meets(context, &server, "127.0.0.1:1", false);
    peer->ops->close(peer);
    join(&held);
    peer_tls_context_free(context);
    peer_tls_context_free(server.context);
    peer_tls_context_free(other.context);
}

/* More hosts than sessions are kept of: the first ones are met as if for the first time. */
static void test_many_hosts(void **state)
{
    struct server server = {.context = context_of("ours", "ours")};
    struct peer_tls_context *context = context_of("ours", "ours");
    char host[32];
    int i;

    (void)state;
    for (i = 1; i <= TLS_SESSIONS_MAX + 1; i++) {
        snprintf(host, sizeof(host), "localhost:%d", i);
        meets(context, &server, host, false);
    }
    meets(context, &server, "localhost:1", false);
    meets(context, &server, "localhost:5", true);
    peer_tls_context_free(context);
    peer_tls_context_free(server.context);
}

/* NAME's certificate becomes one that is good for so long. */
static void certify(const char *name, long seconds)
{
    char path[512];
    FILE *file;
    X509 *certificate;
    EVP_PKEY *key;

    snprintf(path, sizeof(path), "%s/ours-ca.key", dir);
    file = fopen(path, "r");
    assert_non_null(file);
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
    file = fopen(path, "r+");
    assert_non_null(file);
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), seconds));
    assert_int_not_equal(X509_sign(certificate, key, EVP_sha256()), 0);
    rewind(file);
    assert_int_equal(ftruncate(fileno(file), 0), 0);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* One side's is good for a moment: who met it in time does not go on with it for ever. */
static void test_expired_since(void **state)
{
    enum { MOMENT = 5, LONG = 1000, PAIRS = 2 };
    struct peer_tls_context *context[PAIRS];
    struct server server[PAIRS];
    bool resumed;
    int i;

    (void)state;
    for (i = 0; i < PAIRS; i++) {
        certify("ours", i == 0 ? MOMENT : LONG);
        server[i].context = context_of("ours", "ours");
        certify("ours", i == 0 ? LONG : MOMENT);
        context[i] = context_of("ours", "ours");
        meets(context[i], &server[i], "localhost", false);
        meets(context[i], &server[i], "localhost", true);
    }
    certify("ours", LONG);
    sleep(MOMENT + 1);
    for (i = 0; i < PAIRS; i++) {
        assert_true(meet(context[i], &server[i], "localhost", &resumed) < 0);
        assert_true(meet(context[i], &server[i], "localhost", &resumed) < 0);
        peer_tls_context_free(context[i]);
        peer_tls_context_free(server[i].context);
    }
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
        cmocka_unit_test(test_friends),    cmocka_unit_test(test_writer_is_not_held_for_ever),
        cmocka_unit_test(test_strangers),  cmocka_unit_test(test_garbage_and_silence),
        cmocka_unit_test(test_trickle),    cmocka_unit_test(test_key_that_others_can_read),
        cmocka_unit_test(test_reload),     cmocka_unit_test(test_hosts_that_meet_again),
        cmocka_unit_test(test_many_hosts), cmocka_unit_test(test_expired_since),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
