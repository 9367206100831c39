// SPDX-License-Identifier: BSD-3-Clause
#include "create_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chaos/host.h>

#include "creates.h"
#include "restore_file.h"
#include "server.h"
#include "wire_parts.h"

#define WARNINGS_MAX (8u << 10) /* bytes of them */

/* ---------------------------------------------------------------- warnings */

static void add_warning(void *opaque, const char *text)
{
    struct create_request *r = opaque;
    size_t length = strlen(text) + 1;
    char *grown;

    if (r->warnings_length + length > WARNINGS_MAX)
        return;
    grown = realloc(r->warnings, r->warnings_length + length);
    if (!grown)
        return;
    memcpy(grown + r->warnings_length, text, length);
    r->warnings = grown;
    r->warnings_length += length;
}

void create_request_put_warnings(const struct create_request *request, struct wire_writer *writer)
{
    for (size_t at = 0; at < request->warnings_length; at += strlen(request->warnings + at) + 1)
        wire_put_string(writer, WIRE_WARNING, request->warnings + at);
}

void create_request_reply_refused(const struct create_request *create,
                                  const struct request *request, const struct chaos_error *err)
{
    struct wire_writer writer;

    request_reply(request, WIRE_ERROR, &writer);
    create_request_put_warnings(create, &writer);
    wire_put_error(&writer, err);
    request_send(request, &writer);
}

/* ---------------------------------------------------------------- texts */

/* Points the series at the configuration in the message. */
static int find_config(struct create_request *r, const struct wire_reader *fields,
                       struct chaos_error *err)
{
    struct wire_field field;

    r->directory = wire_find_string(fields, WIRE_DIRECTORY, "/");
    r->series.source = r->path;
    if (!wire_find(fields, WIRE_CONFIG, WIRE_BYTES, &field))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "the request has no configuration");
    r->series.text = (const char *)field.value;
    r->series.length = field.length;
    return 0;
}

static int find_overrides(struct create_request *r, const struct wire_reader *fields,
                          struct chaos_error *err)
{
    struct wire_reader reader = *fields;
    struct wire_field field;
    size_t nr = 0;

    while (wire_next(&reader, &field))
        nr += field.tag == WIRE_OVERRIDE && field.kind == WIRE_STRING;
    if (nr == 0)
        return 0;
    r->overrides = calloc(nr, sizeof(*r->overrides));
    if (!r->overrides)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    r->series.overrides = r->overrides;
    for (reader = *fields; wire_next(&reader, &field);)
        if (field.tag == WIRE_OVERRIDE && field.kind == WIRE_STRING)
            r->overrides[r->series.nr_overrides++] = wire_text(&field);
    return 0;
}

/* The texts have to last as long as domains are to be made from them. */
static int copy_fields(struct create_request *r, struct wire_reader *fields,
                       struct chaos_error *err)
{
    size_t length = (size_t)(fields->end - fields->at);

    r->fields = malloc(length + 1);
    if (!r->fields)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    memcpy(r->fields, fields->at, length);
    *fields = (struct wire_reader){r->fields, r->fields + length};
    return 0;
}

/* ---------------------------------------------------------------- configurations */

static int make_absolute(const char *directory, char **path, struct chaos_error *err)
{
    char *absolute;

    if (!directory || !*path || **path == '/')
        return 0;
    if (asprintf(&absolute, "%s/%s", directory, *path) < 0)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    free(*path);
    *path = absolute;
    return 0;
}

/* What the text leaves open: paths start at the client's folder, and the bus is this host's. */
static int complete(struct create_request *r, struct chaos_error *err)
{
    int rc = make_absolute(r->directory, &r->config.kernel, err);

    chaos_config_choose_bus(&r->config);
    return rc < 0 ? rc : make_absolute(r->directory, &r->config.ramdisk, err);
}

/* *fields become those that last as long as the request, if that is needed. */
static int read_options(struct create_request *out, bool copy, struct wire_reader *fields,
                        struct chaos_error *err)
{
    uint64_t count = wire_find_number(fields, WIRE_COUNT, UINT64_MAX);
    int rc;

    out->options = (uint32_t)wire_find_number(fields, WIRE_OPTIONS, 0);
    out->numbered = count != UINT64_MAX;
    out->count = out->numbered ? (uint32_t)count : 1;
    if (out->numbered && (count == 0 || count > CREATES_COUNT_MAX))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "one request can create from 1 to %d domains", CREATES_COUNT_MAX);
    rc = copy || out->numbered ? copy_fields(out, fields, err) : 0;
    if (rc < 0)
        return rc;
    out->path = wire_find_string(fields, WIRE_SOURCE, "configuration");
    return find_overrides(out, fields, err);
}

static int parse(struct create_request *r, struct chaos_error *err)
{
    struct config_series *series = &r->series;
    int rc;

    series->how.strict = r->options & WIRE_OPTION_STRICT;
    series->how.warning = add_warning;
    series->how.opaque = r;
    if (r->numbered)
        rc = config_series_first(series, r->count, &r->config, err);
    else
        rc = chaos_config_parse(series->source, series->text, series->length, series->overrides,
                                series->nr_overrides, &series->how, &r->config, err);
    r->parsed = rc == 0;
    return rc < 0 ? rc : complete(r, err);
}

int create_request_read(struct create_request *out, const struct wire_reader *fields,
                        struct chaos_error *err)
{
    struct wire_reader lasting = *fields;
    int rc = read_options(out, false, &lasting, err);

    if (rc == 0)
        rc = find_config(out, &lasting, err);
    return rc < 0 ? rc : parse(out, err);
}

int create_request_read_copies(struct create_request *out, const struct wire_reader *fields,
                               struct chaos_error *err)
{
    struct wire_reader lasting = *fields;

    return read_options(out, true, &lasting, err);
}

int create_request_parse_copies(struct create_request *request, const char *text, size_t length,
                                struct chaos_error *err)
{
    request->series.source = RESTORE_CONFIG_SOURCE;
    request->series.text = text;
    request->series.length = length;
    request->series.copies = true;
    return parse(request, err);
}

void create_request_of(struct create_request *out, struct chaos_config *config)
{
    out->config = *config;
    out->parsed = true;
    out->count = 1;
}

int create_request_number(struct create_request *r, uint32_t index, struct chaos_error *err)
{
    int rc;

    if (!r->numbered || index == 0)
        return 0;
    rc = config_series_next(&r->series, index + 1, &r->config, err);
    return rc < 0 ? rc : complete(r, err);
}

void create_request_free(struct create_request *request)
{
    if (request->parsed)
        chaos_config_free(&request->config);
    free(request->overrides);
    free(request->fields);
    free(request->warnings);
}
