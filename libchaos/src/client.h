/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the client that its files share. */
#ifndef CHAOS_CLIENT_INTERNAL_H
#define CHAOS_CLIENT_INTERNAL_H

#include <chaos/client.h>

#include "wire.h"

struct chaos_client {
    int fd;
    uint32_t sequence;
    uint8_t buffer[WIRE_MESSAGE_MAX + 1]; /* of the request, then of the answer */
};

/* A request under construction in the buffer. */
void client_begin(struct chaos_client *client, uint16_t type, struct wire_writer *writer);
int client_send(struct chaos_client *client, struct wire_writer *writer, struct chaos_error *err);
/* With a descriptor; passed -1: without. */
int client_send_with(struct chaos_client *client, struct wire_writer *writer, int passed,
                     struct chaos_error *err);

/*
 * The next packet of the answer to the request sent last; its fields point into the buffer. A
 * packet that tells a failure is returned as one, unless errors are wanted as fields.
 */
int client_receive(struct chaos_client *client, bool errors, struct wire_header *header,
                   struct wire_reader *fields, struct chaos_error *err);

/* Sends, and receives the only packet of the answer. */
int client_call(struct chaos_client *client, struct wire_writer *writer, struct wire_reader *fields,
                struct chaos_error *err);

/* Copies as much of the text as there is room for. */
void client_copy(char *out, size_t size, const char *text);

#endif
