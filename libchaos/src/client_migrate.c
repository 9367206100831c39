// SPDX-License-Identifier: BSD-3-Clause
/* Asking chaosd to move guests to other hosts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "wire_parts.h"

static void get_steps(const struct wire_reader *fields, struct chaos_timing *timing)
{
    struct wire_reader reader = *fields;
    struct wire_field field;

    timing->start_ns = 0;
    timing->nr = 0;
    while (wire_next(&reader, &field))
        if (field.tag == WIRE_METRIC)
            wire_get_step(&field, timing);
}

int chaos_client_migrate(struct chaos_client *client, const struct chaos_client_migrate *request,
                         struct chaos_domain *out, struct chaos_error *err)
{
    struct wire_reader fields, group;
    struct wire_writer writer;
    struct wire_field field;
    int rc;

    client_begin(client, WIRE_MIGRATE, &writer);
    wire_put_string(&writer, WIRE_WHICH, request->which);
    wire_put_string(&writer, WIRE_HOST, request->host);
    if (request->timeout_ms)
        wire_put_u32(&writer, WIRE_TIMEOUT_MS, request->timeout_ms);
    wire_put_u32(&writer, WIRE_OPTIONS,
                 (request->timing ? WIRE_OPTION_TIMING : 0) |
                     (request->live ? WIRE_OPTION_LIVE : 0) |
                     (request->compress ? WIRE_OPTION_COMPRESS : 0));
    rc = client_call(client, &writer, &fields, err);
    if (rc < 0)
        return rc;
    if (!wire_find(&fields, WIRE_DOMAIN, WIRE_GROUP, &field))
        return chaos_error_set(err, -EPROTO, CHAOS_EXIT_DAEMON, "chaosd tells of no domain");
    group = wire_group(&field);
    if (out)
        wire_get_domain(&group, out);
    if (request->timing)
        get_steps(&fields, request->timing);
    return 0;
}

static void get_migration(const struct wire_reader *fields, struct chaos_migration *out)
{
    struct wire_field field;

    memset(out, 0, sizeof(*out));
    client_copy(out->name, sizeof(out->name), wire_find_string(fields, WIRE_NAME, ""));
    client_copy(out->role, sizeof(out->role), wire_find_string(fields, WIRE_ROLE, ""));
    client_copy(out->phase, sizeof(out->phase), wire_find_string(fields, WIRE_PHASE, ""));
    client_copy(out->host, sizeof(out->host), wire_find_string(fields, WIRE_HOST, ""));
    client_copy(out->detail, sizeof(out->detail), wire_find_string(fields, WIRE_DETAIL, ""));
    out->domid = (uint32_t)wire_find_number(fields, WIRE_DOMID, 0);
    out->tries = (uint32_t)wire_find_number(fields, WIRE_FAILURES, 0);
    out->retry_ms = wire_find_number(fields, WIRE_VALUE, 0);
    if (wire_find(fields, WIRE_UUID, WIRE_BYTES, &field) && field.length == sizeof(out->uuid))
        memcpy(out->uuid, field.value, sizeof(out->uuid));
}

static int add_migrations(struct wire_reader *fields, struct chaos_migration **list, size_t *nr,
                          struct chaos_error *err)
{
    struct wire_field field;

    while (wire_next(fields, &field)) {
        const struct wire_reader group = wire_group(&field);
        struct chaos_migration *grown;

        if (field.tag != WIRE_MIGRATION)
            continue;
        grown = realloc(*list, (*nr + 1) * sizeof(*grown));
        if (!grown)
            return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
        *list = grown;
        get_migration(&group, &grown[(*nr)++]);
    }
    return 0;
}

int chaos_client_migrations(struct chaos_client *client, struct chaos_migration **list, size_t *nr,
                            struct chaos_error *err)
{
    struct wire_header header = {.flags = WIRE_MORE};
    struct chaos_migration *found = NULL;
    struct wire_reader fields;
    struct wire_writer writer;
    int rc;

    *nr = 0;
    client_begin(client, WIRE_MIGRATIONS, &writer);
    rc = client_send(client, &writer, err);
    while (rc == 0 && header.flags & WIRE_MORE) {
        rc = client_receive(client, false, &header, &fields, err);
        if (rc == 0)
            rc = add_migrations(&fields, &found, nr, err);
    }
    if (rc < 0)
        free(found);
    else
        *list = found;
    return rc;
}

int chaos_client_migrate_finish(struct chaos_client *client, const char *which, bool force,
                                char *host, size_t size, struct chaos_error *err)
{
    struct wire_reader fields;
    struct wire_writer writer;
    int rc;

    client_begin(client, WIRE_MIGRATE_FINISH, &writer);
    wire_put_string(&writer, WIRE_WHICH, which);
    if (force)
        wire_put_u32(&writer, WIRE_OPTIONS, WIRE_OPTION_FORCE);
    rc = client_call(client, &writer, &fields, err);
    if (rc == 0)
        client_copy(host, size, wire_find_string(&fields, WIRE_HOST, ""));
    return rc;
}

int chaos_client_migrate_discard(struct chaos_client *client, const char *which,
                                 struct chaos_error *err)
{
    struct wire_reader fields;
    struct wire_writer writer;

    client_begin(client, WIRE_MIGRATE_DISCARD, &writer);
    wire_put_string(&writer, WIRE_WHICH, which);
    return client_call(client, &writer, &fields, err);
}
