// SPDX-License-Identifier: BSD-3-Clause
/* The connection to chaosd. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "wire_parts.h"

#define TIMEOUT_MS 60000

void client_copy(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);

    memcpy(out, text, length);
    out[length] = '\0';
}

/* ---------------------------------------------------------------- connecting */

static int set_timeout(int fd, uint32_t ms, struct chaos_error *err)
{
    const struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0)
        return 0;
    return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE, "cannot set a timeout: %s",
                           strerror(errno));
}

static int cannot_connect(const char *path, struct chaos_error *err)
{
    int error = errno;

    if (error == EACCES || error == EPERM)
        return chaos_error_set(err, -error, CHAOS_EXIT_PRIVILEGE,
                               "cannot connect to chaosd (%s): only root and members of the group "
                               "chaos may",
                               path);
    return chaos_error_set(err, -error, CHAOS_EXIT_DAEMON,
                           "chaosd does not answer on %s: %s (start it: systemctl start chaosd)",
                           path, strerror(error));
}

/* Whoever could put a socket there could answer for root. */
static int check_peer(int fd, const char *path, struct chaos_error *err)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return cannot_connect(path, err);
    if (peer.uid == 0 || peer.uid == geteuid())
        return 0;
    return chaos_error_set(err, -EPERM, CHAOS_EXIT_PRIVILEGE,
                           "what answers on %s is user %u's, not root's: not talking to it", path,
                           peer.uid);
}

/* Where the daemon of our state directory listens. */
static int find_socket(const char *path, struct sockaddr_un *address, struct chaos_error *err)
{
    const char *dir = NULL;
    size_t room = sizeof(address->sun_path);

    if (!path)
        path = secure_getenv("CHAOSD_SOCKET");
    if (!path)
        dir = secure_getenv("CHAOS_RUN_DIR");
    if ((size_t)snprintf(address->sun_path, room, "%s%s", dir ? dir : "",
                         dir    ? "/" WIRE_SOCKET_NAME
                         : path ? path
                                : WIRE_SOCKET) < room)
        return 0;
    return chaos_error_set(err, -ENAMETOOLONG, CHAOS_EXIT_USAGE,
                           "the path of chaosd's socket is longer than %zu bytes", room - 1);
}

static int connect_to(int fd, const char *given, struct chaos_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = address.sun_path;
    int rc = find_socket(given, &address, err);

    if (rc < 0)
        return rc;
    while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        if (errno != EINTR)
            return cannot_connect(path, err);
    rc = check_peer(fd, path, err);
    return rc < 0 ? rc : set_timeout(fd, TIMEOUT_MS, err);
}

/* Memory comes last: most often a command asks where no chaosd is. */
int chaos_client_open(const char *socket_path, struct chaos_client **out, struct chaos_error *err)
{
    cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct chaos_client *client;
    int rc;

    if (fd < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE, "cannot make a socket: %s",
                               strerror(errno));
    rc = connect_to(fd, socket_path, err);
    if (rc < 0)
        return rc;
    client = malloc(sizeof(*client));
    if (!client)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    client->sequence = 0;
    client->fd = take_fd(&fd);
    *out = client;
    return 0;
}

void chaos_client_close(struct chaos_client *client)
{
    if (!client)
        return;
    close(client->fd);
    free(client);
}

int chaos_client_timeout(struct chaos_client *client, uint32_t ms, struct chaos_error *err)
{
    return set_timeout(client->fd, ms, err);
}

int chaos_client_fd(const struct chaos_client *client)
{
    return client->fd;
}

/* ---------------------------------------------------------------- messages */

void client_begin(struct chaos_client *client, uint16_t type, struct wire_writer *writer)
{
    wire_begin(writer, client->buffer, WIRE_MESSAGE_MAX, type, 0, ++client->sequence);
}

static ssize_t send_packet(int fd, void *bytes, size_t length, int passed)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS,
                            .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec part = {bytes, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (passed < 0)
        return send(fd, bytes, length, MSG_NOSIGNAL);
    memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
    message.msg_control = &control;
    message.msg_controllen = sizeof(control);
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int client_send(struct chaos_client *client, struct wire_writer *writer, struct chaos_error *err)
{
    return client_send_with(client, writer, -1, err);
}

int client_send_with(struct chaos_client *client, struct wire_writer *writer, int passed,
                     struct chaos_error *err)
{
    size_t length = wire_end(writer);
    ssize_t r;

    if (length == 0)
        return chaos_error_set(err, -EMSGSIZE, CHAOS_EXIT_CONFIG,
                               "the request is longer than the %u KiB that chaosd takes",
                               WIRE_VALUE_MAX >> 10);
    do {
        r = send_packet(client->fd, writer->bytes, length, passed);
    } while (r < 0 && errno == EINTR);
    /* It may have told us why, before it closed the connection: the answer says. */
    if (r >= 0 || errno == EPIPE)
        return 0;
    return chaos_error_set(err, -errno, CHAOS_EXIT_DAEMON, "cannot send to chaosd: %s",
                           strerror(errno));
}

static int receive_packet(struct chaos_client *client, size_t *length, struct chaos_error *err)
{
    ssize_t r;

    do {
        r = recv(client->fd, client->buffer, sizeof(client->buffer), 0);
    } while (r < 0 && errno == EINTR);
    if (r > 0) {
        *length = (size_t)r;
        return 0;
    }
    if (r == 0 || errno == ECONNRESET)
        return chaos_error_set(err, -ECONNRESET, CHAOS_EXIT_DAEMON,
                               "chaosd ended the connection before it answered (it was stopped, or "
                               "died): see whether the domain is there before asking again");
    if (errno == EAGAIN)
        return chaos_error_set(err, -ETIMEDOUT, CHAOS_EXIT_TIMEOUT,
                               "chaosd did not answer in time: see whether the domain is there "
                               "before asking again");
    return chaos_error_set(err, -errno, CHAOS_EXIT_DAEMON, "cannot receive from chaosd: %s",
                           strerror(errno));
}

int client_receive(struct chaos_client *client, bool errors, struct wire_header *header,
                   struct wire_reader *fields, struct chaos_error *err)
{
    size_t length = 0;
    int rc = receive_packet(client, &length, err);

    if (rc < 0)
        return rc;
    rc = wire_parse(client->buffer, length, header, fields);
    if (rc == -EPROTONOSUPPORT)
        return chaos_error_set(err, -EPROTO, CHAOS_EXIT_DAEMON,
                               "chaosd speaks protocol version %u, this program %u: restart "
                               "chaosd, or use the program of its version",
                               header->version, WIRE_VERSION);
    /* Number 0: said to whoever it is, before any request was read. */
    if (rc < 0 || !(header->flags & WIRE_REPLY) ||
        (header->sequence != client->sequence && header->sequence != 0))
        return chaos_error_set(err, -EPROTO, CHAOS_EXIT_DAEMON,
                               "what answers is not chaosd, or out of step");
    if (header->flags & WIRE_ERROR && (!errors || header->sequence == 0))
        return wire_get_error(fields, err);
    return 0;
}

int client_call(struct chaos_client *client, struct wire_writer *writer, struct wire_reader *fields,
                struct chaos_error *err)
{
    struct wire_header header;
    int rc = client_send(client, writer, err);

    return rc < 0 ? rc : client_receive(client, false, &header, fields, err);
}

int chaos_client_info(struct chaos_client *client, struct chaos_client_info *out,
                      struct chaos_error *err)
{
    struct wire_writer writer;
    struct wire_reader fields;
    int rc;

    client_begin(client, WIRE_STATUS, &writer);
    rc = client_call(client, &writer, &fields, err);
    if (rc < 0)
        return rc;
    out->protocol = (uint32_t)wire_find_number(&fields, WIRE_PROTOCOL, 0);
    out->pid = (uint32_t)wire_find_number(&fields, WIRE_PID, 0);
    out->uptime_ms = wire_find_number(&fields, WIRE_UPTIME_MS, 0);
    client_copy(out->version, sizeof(out->version),
                wire_find_string(&fields, WIRE_PROGRAM_VERSION, ""));
    client_copy(out->degraded, sizeof(out->degraded), wire_find_string(&fields, WIRE_DEGRADED, ""));
    return 0;
}
