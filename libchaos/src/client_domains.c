// SPDX-License-Identifier: BSD-3-Clause
/* Asking chaosd about domains and for their end, and for what happens to them. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "wire_parts.h"

int chaos_client_destroy(struct chaos_client *client, const char *which, bool force,
                         struct chaos_domain *out, struct chaos_error *err)
{
    struct wire_reader fields, group;
    struct wire_writer writer;
    struct wire_field field;
    int rc;

    client_begin(client, WIRE_DESTROY, &writer);
    wire_put_string(&writer, WIRE_WHICH, which);
    if (force)
        wire_put_u32(&writer, WIRE_OPTIONS, WIRE_OPTION_FORCE);
    rc = client_call(client, &writer, &fields, err);
    if (rc < 0 || !out)
        return rc;
    if (!wire_find(&fields, WIRE_DOMAIN, WIRE_GROUP, &field))
        return chaos_error_set(err, -EPROTO, CHAOS_EXIT_DAEMON, "chaosd tells of no domain");
    group = wire_group(&field);
    wire_get_domain(&group, out);
    return 0;
}

static int add_domains(struct wire_reader *fields, struct chaos_domain **list, size_t *nr,
                       size_t *room, struct chaos_error *err)
{
    struct wire_field field;

    while (wire_next(fields, &field)) {
        const struct wire_reader group = wire_group(&field);

        if (field.tag != WIRE_DOMAIN)
            continue;
        if (*nr == *room) {
            struct chaos_domain *grown;

            *room = *room ? *room * 2 : 64;
            grown = realloc(*list, *room * sizeof(*grown));
            if (!grown)
                return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
            *list = grown;
        }
        wire_get_domain(&group, &(*list)[(*nr)++]);
    }
    return 0;
}

int chaos_client_list(struct chaos_client *client, struct chaos_domain **list, size_t *nr,
                      struct chaos_error *err)
{
    struct wire_header header = {.flags = WIRE_MORE};
    struct chaos_domain *found = NULL;
    struct wire_reader fields;
    struct wire_writer writer;
    size_t room = 0;
    int rc;

    *nr = 0;
    client_begin(client, WIRE_LIST, &writer);
    rc = client_send(client, &writer, err);
    while (rc == 0 && header.flags & WIRE_MORE) {
        rc = client_receive(client, false, &header, &fields, err);
        if (rc == 0)
            rc = add_domains(&fields, &found, nr, &room, err);
    }
    if (rc < 0)
        free(found);
    else
        *list = found;
    return rc;
}

/* ---------------------------------------------------------------- events */

int chaos_client_subscribe(struct chaos_client *client, struct chaos_error *err)
{
    struct wire_reader fields;
    struct wire_writer writer;

    client_begin(client, WIRE_SUBSCRIBE, &writer);
    return client_call(client, &writer, &fields, err);
}

static void get_event(const struct wire_reader *fields, struct chaos_event *out)
{
    struct wire_field uuid;

    memset(out, 0, sizeof(*out));
    out->time_ns = wire_find_number(fields, WIRE_TIME_NS, 0);
    out->domid = (uint32_t)wire_find_number(fields, WIRE_DOMID, 0);
    out->lost = wire_find_number(fields, WIRE_LOST, 0);
    if (wire_find(fields, WIRE_UUID, WIRE_BYTES, &uuid) && uuid.length == sizeof(out->uuid))
        memcpy(out->uuid, uuid.value, sizeof(out->uuid));
    client_copy(out->name, sizeof(out->name), wire_find_string(fields, WIRE_NAME, ""));
    client_copy(out->kind, sizeof(out->kind), wire_find_string(fields, WIRE_KIND, ""));
    client_copy(out->detail, sizeof(out->detail), wire_find_string(fields, WIRE_DETAIL, ""));
}

int chaos_client_next_event(struct chaos_client *client, struct chaos_event *out,
                            struct chaos_error *err)
{
    struct pollfd ready = {.fd = client->fd, .events = POLLIN};
    struct wire_reader fields, group;
    struct wire_header header;
    struct wire_field field;
    int rc;

    for (;;) {
        if (poll(&ready, 1, 0) <= 0)
            return -EAGAIN;
        rc = client_receive(client, false, &header, &fields, err);
        if (rc < 0)
            return rc;
        if (!wire_find(&fields, WIRE_EVENT, WIRE_GROUP, &field))
            continue; /* of a later version */
        group = wire_group(&field);
        get_event(&group, out);
        return 0;
    }
}
