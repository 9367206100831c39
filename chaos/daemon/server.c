// SPDX-License-Identifier: BSD-3-Clause
#include "server.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "wire_parts.h"

#define GROUP           "chaos"
#define CLIENTS_MAX     1024
#define OUTSTANDING_MAX 64           /* requests of one client that wait for their answer */
#define SILENCE_NS      10000000000u /* how long a new client may say nothing */
#define ACCEPT_PAUSE_NS 100000000u   /* when there are no descriptors left */

struct packet {
    struct packet *next;
    size_t length;
    uint8_t bytes[];
};

struct client {
    struct server *server;
    struct client *next, **link;
    struct loop_fd fd; /* -1: gone */
    struct loop_timer silence;
    struct client_id id;
    unsigned int references, outstanding;
    struct packet *first, **last;
    size_t queued;
};

struct server {
    struct daemon *daemon;
    struct loop_fd listener; /* -1: none */
    struct loop_timer pause;
    struct client *clients;
    unsigned int nr_clients;
    gid_t group;
    bool quiet;
    uint8_t in[WIRE_MESSAGE_MAX + 1], out[WIRE_MESSAGE_MAX];
};

/* ---------------------------------------------------------------- clients */

const struct client_id *client_id(const struct client *client)
{
    return &client->id;
}

struct client *client_hold(struct client *client)
{
    client->references++;
    return client;
}

void client_release(struct client *client)
{
    if (--client->references == 0)
        free(client);
}

bool client_gone(const struct client *client)
{
    return client->fd.fd < 0;
}

size_t client_queued(const struct client *client)
{
    return client->queued;
}

static void drop_queue(struct client *client)
{
    struct packet *packet;

    while ((packet = client->first)) {
        client->first = packet->next;
        free(packet);
    }
    client->last = &client->first;
    client->queued = 0;
}

static void client_drop(struct client *client)
{
    struct server *server = client->server;
    struct daemon *daemon = server->daemon;

    if (client_gone(client))
        return;
    loop_remove(daemon->loop, &client->fd);
    loop_timer_stop(daemon->loop, &client->silence);
    close(client->fd.fd);
    client->fd.fd = -1;
    drop_queue(client);
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    server->nr_clients--;
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->client_gone)
            (*m)->client_gone(daemon, client);
    client_release(client);
}

/* What we wait for: room when something is queued, requests unless enough are being worked on. */
static void client_await(struct client *client)
{
    uint32_t events = client->first ? EPOLLOUT : 0;

    if (client_gone(client))
        return;
    if (client->outstanding < OUTSTANDING_MAX && !client->first && !client->server->quiet)
        events |= EPOLLIN;
    loop_change(client->server->daemon->loop, &client->fd, events);
}

/* ---------------------------------------------------------------- sending */

static bool send_now(struct client *client, const void *bytes, size_t length)
{
    ssize_t r;

    do {
        r = send(client->fd.fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);
    if (r < 0 && errno != EAGAIN && errno != ENOBUFS)
        client_drop(client);
    return r >= 0;
}

static void client_send(struct client *client, const void *bytes, size_t length)
{
    struct packet *packet;

    if (client_gone(client) || (!client->first && send_now(client, bytes, length)) ||
        client_gone(client))
        return;
    packet = client->queued + length > CLIENT_QUEUE_MAX ? NULL : malloc(sizeof(*packet) + length);
    if (!packet) {
        log_info("client (pid %d) does not read: dropped", (int)client->id.pid);
        client_drop(client);
        return;
    }
    packet->next = NULL;
    packet->length = length;
    memcpy(packet->bytes, bytes, length);
    *client->last = packet;
    client->last = &packet->next;
    client->queued += length;
    client_await(client);
}

static void flush_queue(struct client *client)
{
    struct packet *packet;

    while ((packet = client->first)) {
        if (!send_now(client, packet->bytes, packet->length))
            return; /* no room, or gone */
        client->first = packet->next;
        client->queued -= packet->length;
        if (!client->first)
            client->last = &client->first;
        free(packet);
    }
    client_await(client);
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->client_room)
            (*m)->client_room(client->server->daemon, client);
}

struct reply_to reply_later(const struct request *request)
{
    struct client *client = client_hold(request->client);

    client->outstanding++;
    client_await(client);
    return (struct reply_to){client, request->header.type, request->header.sequence};
}

void reply_release(struct reply_to *to)
{
    struct client *client = to->client;

    if (!client)
        return;
    to->client = NULL;
    client->outstanding--;
    client_await(client);
    client_release(client);
}

void reply_begin(const struct reply_to *to, uint16_t flags, struct wire_writer *writer)
{
    wire_begin(writer, to->client->server->out, WIRE_MESSAGE_MAX, to->type, flags | WIRE_REPLY,
               to->sequence);
}

void reply_error(const struct reply_to *to, const struct chaos_error *err)
{
    struct wire_writer writer;

    reply_begin(to, WIRE_ERROR, &writer);
    wire_put_error(&writer, err);
    reply_send(to, &writer);
}

void reply_send(const struct reply_to *to, struct wire_writer *writer)
{
    struct chaos_error err;
    size_t length = wire_end(writer);

    if (length > 0) {
        client_send(to->client, writer->bytes, length);
        return;
    }
    chaos_error_set(&err, -EMSGSIZE, CHAOS_EXIT_FAILURE, "the answer does not fit in a message");
    reply_error(to, &err);
}

static struct reply_to reply_now(const struct request *request)
{
    return (struct reply_to){request->client, request->header.type, request->header.sequence};
}

void request_reply(const struct request *request, uint16_t flags, struct wire_writer *writer)
{
    const struct reply_to to = reply_now(request);

    reply_begin(&to, flags, writer);
}

void request_send(const struct request *request, struct wire_writer *writer)
{
    const struct reply_to to = reply_now(request);

    reply_send(&to, writer);
}

/* ---------------------------------------------------------------- receiving */

static request_handler *find_handler(uint16_t type)
{
    for (const struct module *const *m = modules; *m; m++)
        for (size_t i = 0; i < sizeof((*m)->handlers) / sizeof((*m)->handlers[0]); i++)
            if ((*m)->handlers[i].handle && (*m)->handlers[i].type == type)
                return (*m)->handlers[i].handle;
    return NULL;
}

static int dispatch(struct server *server, const struct request *request, struct chaos_error *err)
{
    request_handler *handle = find_handler(request->header.type);

    if (request->header.flags & WIRE_REPLY || !handle)
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                               "chaosd %s does not know request %u", CHAOS_VERSION,
                               request->header.type);
    return handle(server->daemon, request, err);
}

/* Answers to a packet of another version, in ours: both numbers. */
static void other_version(const struct request *request)
{
    const struct reply_to to = reply_now(request);
    struct wire_writer writer;
    struct chaos_error err;

    chaos_error_set(&err, -EPROTONOSUPPORT, CHAOS_EXIT_FAILURE,
                    "chaosd %s speaks protocol version %u, the client %u: restart chaosd, or use "
                    "the client of its version",
                    CHAOS_VERSION, WIRE_VERSION, request->header.version);
    reply_begin(&to, WIRE_ERROR, &writer);
    wire_put_error(&writer, &err);
    wire_put_u32(&writer, WIRE_PROTOCOL, WIRE_VERSION);
    reply_send(&to, &writer);
}

static void handle_packet(struct client *client, size_t length, int *passed)
{
    struct server *server = client->server;
    struct request request = {.client = client, .passed = passed};
    struct chaos_error err = {0};
    int rc = wire_parse(server->in, length, &request.header, &request.fields);

    if (rc == -EPROTONOSUPPORT)
        other_version(&request);
    if (rc < 0) {
        log_debug("client (pid %d) sent %s: dropped", (int)client->id.pid,
                  rc == -EPROTONOSUPPORT ? "another protocol version" : "what is no message");
        client_drop(client);
        return;
    }
    loop_timer_stop(server->daemon->loop, &client->silence);
    if (dispatch(server, &request, &err) < 0) {
        const struct reply_to to = reply_now(&request);

        reply_error(&to, &err);
    }
}

/* The descriptor in a message, or -1; others are closed. How many there were. */
static unsigned int take_descriptors(struct msghdr *message, int *passed)
{
    unsigned int nr = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
            int fd;

            memcpy(&fd, (const char *)c + at, sizeof(fd));
            if (nr++ == 0)
                *passed = fd;
            else
                close(fd);
        }
    }
    return nr;
}

/* -1 with EPROTO: more came with it than a message may bring. */
static ssize_t receive(struct client *client, int *passed)
{
    struct server *server = client->server;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    /* One byte more than is allowed tells what is too long. */
    struct iovec part = {server->in, sizeof(server->in)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t r = recvmsg(client->fd.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (r < 0 || (take_descriptors(&message, passed) <= 1 && !(message.msg_flags & MSG_CTRUNC)))
        return r;
    errno = EPROTO;
    return -1;
}

static void receive_packet(struct client *client)
{
    cleanup_close int passed = -1;
    ssize_t r = receive(client, &passed);

    if (r > 0)
        handle_packet(client, (size_t)r, &passed);
    else if (r == 0 || (errno != EAGAIN && errno != EINTR))
        client_drop(client);
}

/* One packet a turn: each client has its turn. */
static void client_ready(struct loop_fd *fd, uint32_t events)
{
    struct client *client = client_hold(container_of(fd, struct client, fd));

    if (events & EPOLLOUT)
        flush_queue(client);
    if (events & EPOLLIN && !client_gone(client)) {
        receive_packet(client);
    } else if (events & (EPOLLHUP | EPOLLERR) && !client_gone(client)) {
        client_drop(client);
    }
    client_release(client);
}

/* ---------------------------------------------------------------- accepting */

static void client_silent(struct loop_timer *timer)
{
    struct client *client = container_of(timer, struct client, silence);

    log_debug("client (pid %d) said nothing: dropped", (int)client->id.pid);
    client_drop(client);
}

/* root, our own user, and members of the group; the socket's mode says the same. */
static bool allowed(const struct server *server, int fd, const struct client_id *id)
{
    gid_t groups[256];
    socklen_t length = sizeof(groups);

    if (id->uid == 0 || id->uid == geteuid())
        return true;
    if (server->group == (gid_t)-1)
        return false;
    if (id->gid == server->group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
        return false;
    for (size_t i = 0; i < length / sizeof(groups[0]); i++)
        if (groups[i] == server->group)
            return true;
    return false;
}

static unsigned int clients_of(const struct server *server, uid_t uid)
{
    unsigned int nr = 0;

    for (const struct client *c = server->clients; c; c = c->next)
        nr += c->id.uid == uid;
    return nr;
}

static int admit(struct server *server, int fd, struct client_id *id, struct chaos_error *err)
{
    const uint32_t most = server->daemon->settings.clients_per_user;
    struct ucred credentials;
    socklen_t length = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_PRIVILEGE, "cannot tell who connects: %s",
                               strerror(errno));
    *id = (struct client_id){credentials.uid, credentials.gid, credentials.pid};
    if (!allowed(server, fd, id))
        return chaos_error_set(err, -EACCES, CHAOS_EXIT_PRIVILEGE,
                               "only root and members of the group " GROUP " may use chaosd");
    if (server->nr_clients >= CLIENTS_MAX)
        return chaos_error_set(err, -EUSERS, CHAOS_EXIT_RESOURCE,
                               "chaosd has %u clients already, and takes no more", CLIENTS_MAX);
    if (clients_of(server, id->uid) >= most)
        return chaos_error_set(err, -EUSERS, CHAOS_EXIT_RESOURCE,
                               "user %u has %u connections to chaosd already, and may have no more",
                               id->uid, most);
    return 0;
}

static int add_client(struct server *server, int fd, const struct client_id *id,
                      struct chaos_error *err)
{
    struct client *client = calloc(1, sizeof(*client));
    struct loop *loop = server->daemon->loop;
    int rc = -ENOMEM;

    if (client) {
        client->server = server;
        client->references = 1;
        client->id = *id;
        client->last = &client->first;
        client->fd.fd = fd;
        client->fd.ready = client_ready;
        client->silence.expired = client_silent;
        rc = loop_timer_start(loop, &client->silence, SILENCE_NS);
        if (rc == 0)
            rc = loop_add(loop, &client->fd, EPOLLIN);
    }
    if (rc < 0) {
        if (client)
            loop_timer_stop(loop, &client->silence);
        free(client);
        return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "chaosd has no memory for a client");
    }
    client->next = server->clients;
    client->link = &server->clients;
    if (client->next)
        client->next->link = &client->next;
    server->clients = client;
    server->nr_clients++;
    return 0;
}

/* Tells a connection that is not wanted why, before it is closed. */
static void refuse(struct server *server, int fd, const struct chaos_error *err)
{
    struct wire_writer writer;
    size_t length;

    wire_begin(&writer, server->out, sizeof(server->out), 0, WIRE_REPLY | WIRE_ERROR, 0);
    wire_put_error(&writer, err);
    length = wire_end(&writer);
    if (send(fd, server->out, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        log_debug("cannot tell a client why it is refused");
    close(fd);
}

int server_adopt(struct daemon *daemon, int fd, struct chaos_error *err)
{
    struct server *server = daemon->server;
    struct client_id id = {0};
    int rc = admit(server, fd, &id, err);

    if (rc == 0)
        rc = add_client(server, fd, &id, err);
    if (rc < 0) {
        log_info("refused a client (pid %d, user %u): %s", (int)id.pid, id.uid, err->text);
        refuse(server, fd, err);
    }
    return rc;
}

static void listen_again(struct loop_timer *timer)
{
    struct server *server = container_of(timer, struct server, pause);

    if (server->listener.fd >= 0 && !server->quiet)
        loop_change(server->daemon->loop, &server->listener, EPOLLIN);
}

static void accept_ready(struct loop_fd *listener, uint32_t events)
{
    struct server *server = container_of(listener, struct server, listener);
    struct chaos_error ignored;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)events;
    if (fd >= 0) {
        server_adopt(server->daemon, fd, &ignored);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        log_error("cannot accept a client: %s", strerror(errno));
        loop_change(server->daemon->loop, listener, 0);
        loop_timer_start(server->daemon->loop, &server->pause, ACCEPT_PAUSE_NS);
    }
}

int server_listen(struct daemon *daemon, int fd, struct chaos_error *err)
{
    struct server *server = daemon->server;
    int rc;

    server->listener.fd = fd;
    rc = loop_add(daemon->loop, &server->listener, EPOLLIN);
    if (rc == 0)
        return 0;
    server->listener.fd = -1;
    close(fd);
    return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "cannot wait for clients: %s",
                           strerror(-rc));
}

/* No more connections and no more requests; what is asked already is answered. */
static void server_quiesce(struct daemon *daemon)
{
    struct server *server = daemon->server;

    server->quiet = true;
    if (server->listener.fd >= 0)
        loop_change(daemon->loop, &server->listener, 0);
    for (struct client *c = server->clients; c; c = c->next)
        client_await(c);
}

/* ---------------------------------------------------------------- module */

static int server_init(struct daemon *daemon, struct chaos_error *err)
{
    struct server *server = calloc(1, sizeof(*server));
    const struct group *group = getgrnam(GROUP);

    if (!server)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    server->daemon = daemon;
    server->group = group ? group->gr_gid : (gid_t)-1;
    server->listener.fd = -1;
    server->listener.ready = accept_ready;
    server->pause.expired = listen_again;
    daemon->server = server;
    return 0;
}

static void server_fini(struct daemon *daemon)
{
    struct server *server = daemon->server;

    while (server->clients)
        client_drop(server->clients);
    loop_timer_stop(daemon->loop, &server->pause);
    if (server->listener.fd >= 0) {
        loop_remove(daemon->loop, &server->listener);
        close(server->listener.fd);
    }
    free(server);
    daemon->server = NULL;
}

const struct module server_module = {
    .name = "server",
    .init = server_init,
    .fini = server_fini,
    .quiesce = server_quiesce,
};
