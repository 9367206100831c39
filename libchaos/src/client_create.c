// SPDX-License-Identifier: BSD-3-Clause
/* Asking chaosd for new domains. */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "wire_parts.h"

static void put_request(struct wire_writer *writer, const struct chaos_client_create *request,
                        uint32_t count)
{
    uint32_t options =
        (request->paused ? WIRE_OPTION_PAUSED : 0u) | (request->strict ? WIRE_OPTION_STRICT : 0u) |
        (request->cold ? WIRE_OPTION_COLD : 0u) | (request->timing ? WIRE_OPTION_TIMING : 0u);

    wire_put_bytes(writer, WIRE_CONFIG, request->config, request->length);
    if (request->source)
        wire_put_string(writer, WIRE_SOURCE, request->source);
    if (request->directory)
        wire_put_string(writer, WIRE_DIRECTORY, request->directory);
    for (size_t i = 0; i < request->nr_overrides; i++)
        wire_put_string(writer, WIRE_OVERRIDE, request->overrides[i]);
    if (options)
        wire_put_u32(writer, WIRE_OPTIONS, options);
    if (count > 0)
        wire_put_u32(writer, WIRE_COUNT, count);
}

/* False: there is no domain in it. */
static bool get_answer(const struct wire_reader *fields, const struct chaos_client_create *request,
                       struct chaos_domain *domain)
{
    struct wire_reader reader = *fields, group;
    struct wire_field field;
    bool found = false;

    if (request->timing)
        request->timing->nr = 0;
    while (wire_next(&reader, &field)) {
        if (field.tag == WIRE_WARNING && request->warning) {
            request->warning(request->opaque, wire_text(&field));
        } else if (field.tag == WIRE_DOMAIN) {
            group = wire_group(&field);
            wire_get_domain(&group, domain);
            found = true;
        } else if (field.tag == WIRE_METRIC && request->timing) {
            wire_get_step(&field, request->timing);
        }
    }
    return found;
}

/* One packet of the answer: a domain, or a failure. *more: another follows. */
static int receive_one(struct chaos_client *client, const struct chaos_client_create *request,
                       struct chaos_domain *domain, uint32_t *index, bool *more,
                       struct chaos_error *err)
{
    struct wire_header header;
    struct wire_reader fields;
    int rc = client_receive(client, true, &header, &fields, err);
    bool found;

    *more = false;
    if (rc < 0)
        return rc;
    *more = header.flags & WIRE_MORE;
    *index = (uint32_t)wire_find_number(&fields, WIRE_INDEX, UINT32_MAX);
    found = get_answer(&fields, request, domain);
    if (header.flags & WIRE_ERROR)
        return wire_get_error(&fields, err);
    if (!found)
        return chaos_error_set(err, -EPROTO, CHAOS_EXIT_DAEMON, "chaosd tells of no domain");
    return 0;
}

int chaos_client_create(struct chaos_client *client, const struct chaos_client_create *request,
                        struct chaos_domain *out, struct chaos_error *err)
{
    struct wire_writer writer;
    struct chaos_domain domain;
    uint32_t index;
    bool more;
    int rc;

    if (request->timing)
        request->timing->start_ns = 0;
    client_begin(client, WIRE_CREATE, &writer);
    put_request(&writer, request, 0);
    rc = client_send(client, &writer, err);
    if (rc == 0)
        rc = receive_one(client, request, out ? out : &domain, &index, &more, err);
    return rc;
}

int chaos_client_create_many(struct chaos_client *client, const struct chaos_client_create *request,
                             uint32_t count, chaos_client_created *created, struct chaos_error *err)
{
    struct wire_writer writer;
    struct chaos_domain domain;
    struct chaos_error why;
    bool more = true;
    uint32_t index;
    int rc, worst = 0;

    client_begin(client, WIRE_CREATE, &writer);
    put_request(&writer, request, count);
    rc = client_send(client, &writer, err);
    if (rc < 0)
        return rc;
    while (more) {
        index = UINT32_MAX;
        rc = receive_one(client, request, &domain, &index, &more, &why);
        if (index < count && created)
            created(request->opaque, index, rc < 0 ? NULL : &domain, &why);
        if (rc < 0) {
            worst = rc;
            *err = why;
        }
    }
    return worst;
}
