// SPDX-License-Identifier: BSD-3-Clause
#include "peer_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "loop.h"
#include "tls_sessions.h"

#define NS_PER_MS    1000000u
#define RECORD       16384 /* bytes that TLS takes at once */
#define SESSION_S    3600  /* for so long a certificate that was looked at is as good as shown */
#define SESSIONS_MAX 256   /* of others, kept for when they come again */

struct peer_tls_context {
    pthread_mutex_t lock;
    SSL_CTX *ctx;                 /* each connection has a reference */
    struct tls_sessions sessions; /* that we got with it */
};

struct peer_tls {
    struct peer peer;
    struct peer_tls_context *context;
    char at[HOST_PORT_TEXT]; /* of a server: whom we called */
    SSL *ssl;
    int fd;
    char record[RECORD];
};

/* Why OpenSSL failed, as far as it says so. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());

    return text ? text : "no reason given";
}

static int bad_file(const char *what, const char *path, struct chaos_error *err)
{
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "cannot use the %s %s: %s", what, path,
                           reason());
}

static int check_key(const char *path, struct chaos_error *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_CONFIG, "cannot use the key %s: %s", path,
                               strerror(errno));
    if (st.st_mode & 077)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_CONFIG,
                               "the key %s can be read by others: chmod 600 %s", path, path);
    return 0;
}

static int load_files(SSL_CTX *ctx, const struct peer_tls_files *files, struct chaos_error *err)
{
    int rc = check_key(files->key, err);

    if (rc < 0)
        return rc;
    ERR_clear_error();
    if (SSL_CTX_load_verify_locations(ctx, files->authority, NULL) != 1)
        return bad_file("authority", files->authority, err);
    if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1)
        return bad_file("certificate", files->certificate, err);
    if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return bad_file("key", files->key, err);
    return 0;
}

/* AES costs 110 instructions a byte where the processor has none for it, ChaCha20 20. */
static int choose_algorithms(SSL_CTX *ctx)
{
    const bool has_aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");

    return SSL_CTX_set_ciphersuites(ctx, has_aes
                                             ? "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
                                             : "TLS_CHACHA20_POLY1305_SHA256:"
                                               "TLS_AES_128_GCM_SHA256") == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1;
}

/* Sent to us by a server, behind the handshake. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    const struct peer_tls *tls = SSL_get_app_data(ssl);
    struct peer_tls_context *context = tls->context;

    if (SSL_is_server(ssl))
        return 0; /* OpenSSL's own table has it */
    pthread_mutex_lock(&context->lock);
    if (SSL_get_SSL_CTX(ssl) == context->ctx)
        tls_sessions_put(&context->sessions, tls->at, session);
    else
        SSL_SESSION_free(session);
    pthread_mutex_unlock(&context->lock);
    return 1;
}

/*
 * A host whose certificate was accepted may come again without it, for a while, as long as neither
 * side has read certificates anew: a server knows its sessions by heart, and by no key of a ticket.
 * They still agree on fresh keys (psk_dhe_ke).
 */
static int allow_sessions(SSL_CTX *ctx)
{
    static const unsigned char came[] = "came";

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_timeout(ctx, SESSION_S);
    SSL_CTX_sess_set_cache_size(ctx, SESSIONS_MAX);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    return SSL_CTX_set_session_id_context(ctx, came, sizeof(came)) == 1;
}

static int ctx_new(const struct peer_tls_files *files, SSL_CTX **out, struct chaos_error *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    int rc;

    if (!ctx)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
    if (!choose_algorithms(ctx) || !allow_sessions(ctx))
        rc = chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE, "cannot set up TLS: %s", reason());
    else
        rc = load_files(ctx, files, err);
    if (rc < 0)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return rc;
}

int peer_tls_context_new(const struct peer_tls_files *files, struct peer_tls_context **out,
                         struct chaos_error *err)
{
    struct peer_tls_context *context = calloc(1, sizeof(*context));
    int rc = context ? ctx_new(files, &context->ctx, err)
                     : chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");

    if (rc < 0) {
        free(context);
        return rc;
    }
    pthread_mutex_init(&context->lock, NULL);
    *out = context;
    return 0;
}

int peer_tls_context_reload(struct peer_tls_context *context, const struct peer_tls_files *files,
                            struct chaos_error *err)
{
    SSL_CTX *fresh, *former;
    int rc = ctx_new(files, &fresh, err);

    if (rc < 0)
        return rc;
    pthread_mutex_lock(&context->lock);
    former = context->ctx;
    context->ctx = fresh;
    tls_sessions_drop(&context->sessions);
    pthread_mutex_unlock(&context->lock);
    SSL_CTX_free(former);
    return 0;
}

void peer_tls_context_free(struct peer_tls_context *context)
{
    if (!context)
        return;
    tls_sessions_drop(&context->sessions);
    SSL_CTX_free(context->ctx);
    pthread_mutex_destroy(&context->lock);
    free(context);
}

/* Whom we called may know us; a session that we have as a client is none to come with. */
static bool resume(SSL *ssl, SSL_SESSION *session)
{
    static const unsigned char went[] = "went";

    if (SSL_set_session_id_context(ssl, went, sizeof(went)) != 1)
        return false;
    return !session || SSL_set_session(ssl, session) == 1;
}

/* False: tls->ssl may be there. at NULL: we are the server. */
static bool ssl_new(struct peer_tls *tls, const struct host_port *at)
{
    struct peer_tls_context *context = tls->context;
    SSL_SESSION *session = NULL;
    bool ok;

    if (at)
        host_port_format(at, tls->at);
    pthread_mutex_lock(&context->lock);
    tls->ssl = SSL_new(context->ctx);
    if (at)
        session = tls_sessions_take(&context->sessions, tls->at);
    pthread_mutex_unlock(&context->lock);
    ok = tls->ssl && SSL_set_app_data(tls->ssl, tls) == 1 && (!at || resume(tls->ssl, session));
    SSL_SESSION_free(session);
    return ok;
}

/* After a call that returned rc <= 0: 0 to try again, or why not. -ENODATA: the proper end. */
static int again(struct peer_tls *tls, int rc)
{
    switch (SSL_get_error(tls->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return peer_wait(tls->fd, POLLIN, tls->peer.timeout_ms);
    case SSL_ERROR_WANT_WRITE:
        return peer_wait(tls->fd, POLLOUT, tls->peer.timeout_ms);
    case SSL_ERROR_ZERO_RETURN:
        return -ENODATA;
    case SSL_ERROR_SYSCALL:
        return errno ? -errno : -ECONNRESET;
    default: /* also an end without goodbye: somebody cut the connection */
        return -ECONNRESET;
    }
}

static int write_all(struct peer_tls *tls, const char *bytes, size_t length)
{
    while (length > 0) {
        int rc;

        ERR_clear_error();
        errno = 0;
        rc = SSL_write(tls->ssl, bytes, length < RECORD ? (int)length : RECORD);
        if (rc > 0) {
            bytes += rc;
            length -= (size_t)rc;
            continue;
        }
        rc = again(tls, rc);
        if (rc < 0)
            return rc == -ENODATA ? -ECONNRESET : rc;
    }
    return 0;
}

/* Small parts go out together: each record costs as much as some hundred bytes, and a system call.
 */
static int tls_write(struct peer *peer, const struct iovec *parts, int nr)
{
    struct peer_tls *tls = (struct peer_tls *)peer;
    size_t done, length, used = 0;
    int i, rc = 0;

    for (i = 0; i < nr && rc == 0; i++)
        for (done = 0; done < parts[i].iov_len && rc == 0; done += length) {
            length = parts[i].iov_len - done;
            if (length > RECORD - used)
                length = RECORD - used;
            memcpy(tls->record + used, (const char *)parts[i].iov_base + done, length);
            used += length;
            if (used == RECORD) {
                rc = write_all(tls, tls->record, used);
                used = 0;
            }
        }
    return rc == 0 ? write_all(tls, tls->record, used) : rc;
}

static ssize_t tls_read(struct peer *peer, void *buffer, size_t size)
{
    struct peer_tls *tls = (struct peer_tls *)peer;
    int rc;

    for (;;) {
        ERR_clear_error();
        errno = 0;
        rc = SSL_read(tls->ssl, buffer, size < RECORD ? (int)size : RECORD);
        if (rc > 0)
            return rc;
        rc = again(tls, rc);
        if (rc < 0)
            return rc == -ENODATA ? 0 : rc;
    }
}

static void tls_close(struct peer *peer)
{
    struct peer_tls *tls = (struct peer_tls *)peer;

    if (SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl); /* as far as it goes without waiting */
    SSL_free(tls->ssl);
    close(tls->fd);
    free(tls);
}

static const struct peer_ops tls_ops = {.write = tls_write, .read = tls_read, .close = tls_close};

/* An address must be in the certificate as an address, a name as a name. */
static int expect_host(SSL *ssl, const char *host)
{
    struct in6_addr address;
    bool is_address =
        inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;

    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* It was shown when the session began, and may have expired since. */
static int check_again(SSL *ssl, struct chaos_error *err)
{
    const X509 *shown = SSL_get0_peer_certificate(ssl);

    if (!SSL_session_reused(ssl) || (shown && X509_cmp_current_time(X509_get0_notAfter(shown)) > 0))
        return 0;
    return chaos_error_set(err, -EACCES, CHAOS_EXIT_PRIVILEGE,
                           "the other host's certificate is not accepted: %s",
                           X509_verify_cert_error_string(X509_V_ERR_CERT_HAS_EXPIRED));
}

/* All of it within the time-out: whoever sends a byte now and then would hold us for ever. */
static int shake_hands(struct peer_tls *tls, bool server, struct chaos_error *err)
{
    const uint64_t end = loop_now() + (uint64_t)tls->peer.timeout_ms * NS_PER_MS;
    long verdict;
    int rc;

    do {
        const uint64_t now = loop_now();

        tls->peer.timeout_ms = now < end ? (int)((end - now) / NS_PER_MS) : 0;
        ERR_clear_error();
        errno = 0;
        rc = server ? SSL_accept(tls->ssl) : SSL_connect(tls->ssl);
        if (rc == 1)
            return check_again(tls->ssl, err);
        rc = again(tls, rc);
    } while (rc == 0);
    verdict = SSL_get_verify_result(tls->ssl);
    if (verdict != X509_V_OK)
        return chaos_error_set(err, -EACCES, CHAOS_EXIT_PRIVILEGE,
                               "the other host's certificate is not accepted: %s",
                               X509_verify_cert_error_string(verdict));
    if (rc == -ETIMEDOUT)
        return chaos_error_set(err, rc, CHAOS_EXIT_TIMEOUT, "the other host fell silent");
    return chaos_error_set(err, -EACCES, CHAOS_EXIT_PRIVILEGE, "there is no TLS with it: %s",
                           ERR_peek_error() ? reason() : "the connection was cut");
}

static int start(struct peer_tls_context *context, int fd, const struct host_port *at,
                 int timeout_ms, struct peer **peer, struct chaos_error *err)
{
    struct peer_tls *tls = calloc(1, sizeof(*tls));
    int rc;

    if (tls)
        tls->context = context;
    if (!tls || !ssl_new(tls, at) || SSL_set_fd(tls->ssl, fd) != 1 ||
        (at && !expect_host(tls->ssl, at->host)) || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        if (tls)
            SSL_free(tls->ssl);
        free(tls);
        close(fd);
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "cannot set up TLS: %s",
                               reason());
    }
    tls->peer.ops = &tls_ops;
    tls->peer.timeout_ms = timeout_ms;
    tls->fd = fd;
    rc = shake_hands(tls, at == NULL, err);
    tls->peer.timeout_ms = timeout_ms;
    if (rc < 0) {
        tls_close(&tls->peer);
        return rc;
    }
    *peer = &tls->peer;
    return 0;
}

int peer_tls_connect(struct peer_tls_context *context, int fd, const struct host_port *at,
                     int timeout_ms, struct peer **peer, struct chaos_error *err)
{
    return start(context, fd, at, timeout_ms, peer, err);
}

int peer_tls_accept(struct peer_tls_context *context, int fd, int timeout_ms, struct peer **peer,
                    struct chaos_error *err)
{
    return start(context, fd, NULL, timeout_ms, peer, err);
}

bool peer_tls_resumed(const struct peer *peer)
{
    return SSL_session_reused(((const struct peer_tls *)peer)->ssl);
}
