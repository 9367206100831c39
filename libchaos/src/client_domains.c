// SPDX-License-Identifier: BSD-3-Clause
/* Asking chaosd about domains and for their end, and for what happens to them. */
#include <errno.h>
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
