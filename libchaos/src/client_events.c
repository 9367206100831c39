// SPDX-License-Identifier: BSD-3-Clause
/* What the daemon goes on sending: events, logs, consoles. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* A packet that is there; -EAGAIN: none is. */
static int next_packet(struct chaos_client *client, struct wire_header *header,
                       struct wire_reader *fields, struct chaos_error *err)
{
    struct pollfd ready = {.fd = client->fd, .events = POLLIN};

    if (poll(&ready, 1, 0) <= 0)
        return -EAGAIN;
    return client_receive(client, false, header, fields, err);
}

/* ---------------------------------------------------------------- events */

int chaos_client_events(struct chaos_client *client, uint32_t tail, bool follow,
                        struct chaos_error *err)
{
    struct wire_reader fields;
    struct wire_writer writer;

    client_begin(client, WIRE_SUBSCRIBE, &writer);
    wire_put_u32(&writer, WIRE_TAIL, tail);
    wire_put_u32(&writer, WIRE_FOLLOW, follow);
    return client_call(client, &writer, &fields, err);
}

int chaos_client_subscribe(struct chaos_client *client, struct chaos_error *err)
{
    return chaos_client_events(client, 0, true, err);
}

static void get_event(const struct wire_reader *fields, struct chaos_event *out)
{
    struct wire_field field;

    memset(out, 0, sizeof(*out));
    out->sequence = wire_find_number(fields, WIRE_INDEX, 0);
    out->lost = wire_find_number(fields, WIRE_LOST, 0);
    out->time_ns = wire_find_number(fields, WIRE_TIME_NS, 0);
    out->domid = (uint32_t)wire_find_number(fields, WIRE_DOMID, 0);
    out->ended = wire_find(fields, WIRE_REASON, WIRE_U32, &field);
    out->reason = (enum chaos_shutdown)wire_find_number(fields, WIRE_REASON, 0);
    if (wire_find(fields, WIRE_UUID, WIRE_BYTES, &field) && field.length == sizeof(out->uuid))
        memcpy(out->uuid, field.value, sizeof(out->uuid));
    client_copy(out->name, sizeof(out->name), wire_find_string(fields, WIRE_NAME, ""));
    client_copy(out->kind, sizeof(out->kind), wire_find_string(fields, WIRE_KIND, ""));
    client_copy(out->detail, sizeof(out->detail), wire_find_string(fields, WIRE_DETAIL, ""));
}

int chaos_client_next_event(struct chaos_client *client, struct chaos_event *out,
                            struct chaos_error *err)
{
    struct wire_reader fields, group;
    struct wire_header header;
    struct wire_field field;
    int rc;

    for (;;) {
        rc = next_packet(client, &header, &fields, err);
        if (rc < 0)
            return rc;
        if (wire_find(&fields, WIRE_EVENT, WIRE_GROUP, &field)) {
            group = wire_group(&field);
            get_event(&group, out);
            return 0;
        }
        if (!(header.flags & WIRE_MORE))
            return -ENODATA;
    }
}

int chaos_client_guest(struct chaos_client *client, const char *which, struct chaos_guest *out,
                       struct chaos_error *err)
{
    struct wire_reader fields;
    struct wire_writer writer;
    int rc;

    client_begin(client, WIRE_GUEST, &writer);
    wire_put_string(&writer, WIRE_WHICH, which);
    rc = client_call(client, &writer, &fields, err);
    if (rc < 0)
        return rc;
    client_copy(out->state, sizeof(out->state), wire_find_string(&fields, WIRE_KIND, ""));
    out->restarts = (uint32_t)wire_find_number(&fields, WIRE_COUNT, 0);
    out->quick_ends = (uint32_t)wire_find_number(&fields, WIRE_FAILURES, 0);
    out->restart_ms = wire_find_number(&fields, WIRE_VALUE, 0);
    out->output_bytes = wire_find_number(&fields, WIRE_TAIL, 0);
    return 0;
}

/* ---------------------------------------------------------------- consoles */

int chaos_client_logs(struct chaos_client *client, const char *which, uint32_t tail, bool follow,
                      struct chaos_error *err)
{
    struct wire_writer writer;

    client_begin(client, WIRE_LOGS, &writer);
    wire_put_string(&writer, WIRE_WHICH, which);
    wire_put_u32(&writer, WIRE_TAIL, tail);
    wire_put_u32(&writer, WIRE_FOLLOW, follow);
    return client_send(client, &writer, err);
}

int chaos_client_console(struct chaos_client *client, const char *which, uint32_t *writer,
                         struct chaos_error *err)
{
    struct wire_reader fields;
    struct wire_writer packet;
    int rc;

    client_begin(client, WIRE_CONSOLE, &packet);
    wire_put_string(&packet, WIRE_WHICH, which);
    rc = client_call(client, &packet, &fields, err);
    if (rc == 0)
        *writer = (uint32_t)wire_find_number(&fields, WIRE_PID, 0);
    return rc;
}

/* With the sequence number of the console, whose packets may come before the answer. */
int chaos_client_input(struct chaos_client *client, const char *which, const char *bytes,
                       size_t length, struct chaos_error *err)
{
    struct wire_writer writer;

    wire_begin(&writer, client->buffer, WIRE_MESSAGE_MAX, WIRE_CONSOLE_INPUT, 0, client->sequence);
    wire_put_string(&writer, WIRE_WHICH, which);
    wire_put_bytes(&writer, WIRE_DATA, bytes, length);
    return client_send(client, &writer, err);
}

int chaos_client_output(struct chaos_client *client, struct chaos_output *out,
                        struct chaos_error *err)
{
    struct wire_reader fields;
    struct wire_header header;
    struct wire_field data;
    int rc = next_packet(client, &header, &fields, err);

    if (rc < 0)
        return rc;
    memset(out, 0, sizeof(*out));
    out->taken = header.type == WIRE_CONSOLE_INPUT;
    out->lost = wire_find_number(&fields, WIRE_LOST, 0);
    if (wire_find(&fields, WIRE_DATA, WIRE_BYTES, &data)) {
        out->bytes = (const char *)data.value;
        out->length = data.length;
    }
    return out->taken || header.flags & WIRE_MORE ? 0 : -ENODATA;
}
