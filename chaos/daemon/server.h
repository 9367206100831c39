/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clients of chaosd: their connections, and what is sent to them. A client that does not read
 * what it asked for is dropped once its queue is full; nothing here ever waits for one.
 */
#ifndef CHAOSD_SERVER_H
#define CHAOSD_SERVER_H

#include <sys/types.h>

#include "daemon.h"

extern const struct module server_module;

/* Takes over a listening socket, and serves it until stop. */
int server_listen(struct daemon *daemon, int fd, struct chaos_error *err);
/* Takes over a connection that exists already. */
int server_adopt(struct daemon *daemon, int fd, struct chaos_error *err);

struct client_id {
    uid_t uid;
    gid_t gid;
    pid_t pid;
};
const struct client_id *client_id(const struct client *client);

/* Keeps the struct until released, even if the connection ends meanwhile. */
struct client *client_hold(struct client *client);
void client_release(struct client *client);
bool client_gone(const struct client *client);

/* Where an answer goes: for those that answer later. */
struct reply_to {
    struct client *client; /* held */
    uint16_t type;
    uint32_t sequence;
};
struct reply_to reply_later(const struct request *request);
void reply_release(struct reply_to *to);

/*
 * An answer is written into the server's one buffer: begin, put fields, send; nothing else may be
 * sent in between. flags: WIRE_MORE if further packets follow.
 */
void reply_begin(const struct reply_to *to, uint16_t flags, struct wire_writer *writer);
void reply_send(const struct reply_to *to, struct wire_writer *writer);
void reply_error(const struct reply_to *to, const struct chaos_error *err);
/* The same for those that answer at once. */
void request_reply(const struct request *request, uint16_t flags, struct wire_writer *writer);
void request_send(const struct request *request, struct wire_writer *writer);

/* Bytes that wait because the client does not read; CLIENT_QUEUE_MAX drops it. */
size_t client_queued(const struct client *client);
#define CLIENT_QUEUE_MAX (8u << 20) /* the list of all the domains that a host can have */

#endif
