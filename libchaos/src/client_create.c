// SPDX-License-Identifier: BSD-3-Clause
/* Asking chaosd for new domains, of kernels and of checkpoints. */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "wire_parts.h"

/* What is asked for: a domain of a configuration, or of a checkpoint. */
struct asked {
    const struct chaos_client_create *request; /* without a configuration if it has a file */
    int fd;                                    /* -1: no checkpoint */
};

static void put_request(struct wire_writer *writer, const struct chaos_client_create *request,
                        uint32_t count)
{
    uint32_t options =
        (request->paused ? WIRE_OPTION_PAUSED : 0u) | (request->strict ? WIRE_OPTION_STRICT : 0u) |
        (request->cold ? WIRE_OPTION_COLD : 0u) | (request->timing ? WIRE_OPTION_TIMING : 0u);

    if (request->config)
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

static int send_asked(struct chaos_client *client, const struct asked *asked, uint32_t count,
                      struct chaos_error *err)
{
    struct wire_writer writer;

    client_begin(client, asked->fd < 0 ? WIRE_CREATE : WIRE_RESTORE, &writer);
    put_request(&writer, asked->request, count);
    return client_send_with(client, &writer, asked->fd, err);
}

static int ask_one(struct chaos_client *client, const struct asked *asked, struct chaos_domain *out,
                   struct chaos_error *err)
{
    struct chaos_domain domain;
    uint32_t index;
    bool more;
    int rc;

    if (asked->request->timing)
        asked->request->timing->start_ns = 0;
    rc = send_asked(client, asked, 0, err);
    if (rc == 0)
        rc = receive_one(client, asked->request, out ? out : &domain, &index, &more, err);
    return rc;
}

static int ask_many(struct chaos_client *client, const struct asked *asked, uint32_t count,
                    chaos_client_created *created, struct chaos_error *err)
{
    const struct chaos_client_create *request = asked->request;
    struct chaos_domain domain;
    struct chaos_error why;
    bool more = true;
    uint32_t index;
    int rc, worst = 0;

    rc = send_asked(client, asked, count, err);
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

int chaos_client_create(struct chaos_client *client, const struct chaos_client_create *request,
                        struct chaos_domain *out, struct chaos_error *err)
{
    return ask_one(client, &(struct asked){request, -1}, out, err);
}

int chaos_client_create_many(struct chaos_client *client, const struct chaos_client_create *request,
                             uint32_t count, chaos_client_created *created, struct chaos_error *err)
{
    return ask_many(client, &(struct asked){request, -1}, count, created, err);
}

static struct chaos_client_create create_of(const struct chaos_client_restore *restore)
{
    return (struct chaos_client_create){
        .source = restore->source,
        .overrides = restore->overrides,
        .nr_overrides = restore->nr_overrides,
        .paused = restore->paused,
        .cold = restore->cold,
        .strict = restore->strict,
        .warning = restore->warning,
        .opaque = restore->opaque,
        .timing = restore->timing,
    };
}

static int check_fd(const struct chaos_client_restore *request, struct chaos_error *err)
{
    if (request->fd >= 0)
        return 0;
    return chaos_error_set(err, -EBADF, CHAOS_EXIT_USAGE, "there is no open file to be passed on");
}

int chaos_client_restore(struct chaos_client *client, const struct chaos_client_restore *request,
                         struct chaos_domain *out, struct chaos_error *err)
{
    const struct chaos_client_create create = create_of(request);
    int rc = check_fd(request, err);

    return rc < 0 ? rc : ask_one(client, &(struct asked){&create, request->fd}, out, err);
}

int chaos_client_restore_many(struct chaos_client *client,
                              const struct chaos_client_restore *request, uint32_t count,
                              chaos_client_created *created, struct chaos_error *err)
{
    const struct chaos_client_create create = create_of(request);
    int rc = check_fd(request, err);

    return rc < 0 ? rc
                  : ask_many(client, &(struct asked){&create, request->fd}, count, created, err);
}
