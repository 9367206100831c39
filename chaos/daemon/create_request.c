// SPDX-License-Identifier: BSD-3-Clause
#include "create_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "creates.h"
#include "server.h"
#include "text.h"
#include "wire_parts.h"

#define WARNINGS_MAX (8u << 10) /* bytes of them */
#define PLACEHOLDER  "{n}"

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

/* The pieces of a message that make a configuration; all point into it or into `numbered`. */
struct source {
    const char *name, *directory;
    const char *text;
    size_t length;
    const char **overrides;
    size_t nr_overrides;
    char **numbered; /* what was made for "{n}" */
    size_t nr_numbered;
};

static void source_free(struct source *s)
{
    for (size_t i = 0; i < s->nr_numbered; i++)
        free(s->numbered[i]);
    free(s->numbered);
    free(s->overrides);
}

static int source_read(struct source *s, const struct wire_reader *fields, struct chaos_error *err)
{
    struct wire_reader reader = *fields;
    struct wire_field field;
    size_t nr = 0;

    *s = (struct source){
        .name = wire_find_string(fields, WIRE_SOURCE, "configuration"),
        .directory = wire_find_string(fields, WIRE_DIRECTORY, "/"),
    };
    if (!wire_find(fields, WIRE_CONFIG, WIRE_BYTES, &field))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "the request has no configuration");
    s->text = (const char *)field.value;
    s->length = field.length;
    while (wire_next(&reader, &field))
        nr += field.tag == WIRE_OVERRIDE && field.kind == WIRE_STRING;
    if (nr == 0)
        return 0;
    s->overrides = calloc(nr, sizeof(*s->overrides));
    if (!s->overrides)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    reader = *fields;
    while (wire_next(&reader, &field))
        if (field.tag == WIRE_OVERRIDE && field.kind == WIRE_STRING)
            s->overrides[s->nr_overrides++] = wire_text(&field);
    return 0;
}

static const char *find_placeholder(const char *text, size_t length)
{
    return memmem(text, length, PLACEHOLDER, strlen(PLACEHOLDER));
}

static bool has_placeholder(const struct source *s)
{
    if (find_placeholder(s->text, s->length))
        return true;
    for (size_t i = 0; i < s->nr_overrides; i++)
        if (find_placeholder(s->overrides[i], strlen(s->overrides[i])))
            return true;
    return false;
}

/* The text with the number for each placeholder; *length as well. NULL: no memory. */
static char *number_text(const char *text, size_t *length, uint32_t number)
{
    const char *end = text + *length, *found;
    struct text out;

    text_begin(&out, NULL, 0);
    while ((found = find_placeholder(text, (size_t)(end - text)))) {
        text_add(&out, text, (size_t)(found - text));
        text_unsigned(&out, number);
        text = found + strlen(PLACEHOLDER);
    }
    text_add(&out, text, (size_t)(end - text));
    *length = out.length;
    if (text_end(&out))
        return out.bytes;
    text_release(&out);
    return NULL;
}

static int source_number(struct source *s, uint32_t number, struct chaos_error *err)
{
    s->numbered = calloc(s->nr_overrides + 1, sizeof(*s->numbered));
    if (s->numbered)
        s->text = s->numbered[0] = number_text(s->text, &s->length, number);
    s->nr_numbered = s->numbered && s->text;
    for (size_t i = 0; s->nr_numbered == i + 1 && i < s->nr_overrides; i++) {
        size_t length = strlen(s->overrides[i]);
        char *text = number_text(s->overrides[i], &length, number);

        s->overrides[i] = s->numbered[i + 1] = text;
        s->nr_numbered += text != NULL;
    }
    if (s->nr_numbered == s->nr_overrides + 1)
        return 0;
    return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
}

/* ---------------------------------------------------------------- configurations */

static int make_absolute(const char *directory, char **path, struct chaos_error *err)
{
    char *absolute;

    if (!*path || **path == '/')
        return 0;
    if (asprintf(&absolute, "%s/%s", directory, *path) < 0)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    free(*path);
    *path = absolute;
    return 0;
}

/* number 0: placeholders are left as they are. Warnings are noted with the first parse only. */
static int parse(struct create_request *r, const struct wire_reader *fields, uint32_t number,
                 struct chaos_config *out, struct chaos_error *err)
{
    const struct chaos_config_options how = {
        .strict = r->options & WIRE_OPTION_STRICT,
        .warning = number <= 1 ? add_warning : NULL,
        .opaque = r,
    };
    cleanup(source_free) struct source s;
    int rc = source_read(&s, fields, err);

    if (rc == 0 && number > 0)
        rc = source_number(&s, number, err);
    if (rc == 0)
        rc = chaos_config_parse(s.name, s.text, s.length, s.overrides, s.nr_overrides, &how, out,
                                err);
    if (rc < 0)
        return rc;
    rc = make_absolute(s.directory, &out->kernel, err);
    if (rc == 0)
        rc = make_absolute(s.directory, &out->ramdisk, err);
    if (rc < 0)
        chaos_config_free(out);
    return rc;
}

/* What only one domain can have must not be given to several. */
static int check_sharable(const struct chaos_config *config, struct chaos_error *err)
{
    static const uint8_t none[16];
    const char *what = NULL;

    if (memcmp(config->uuid, none, sizeof(none)) != 0)
        what = "uuid";
    for (uint32_t i = 0; i < config->nr_vifs; i++) {
        if (memcmp(config->vifs[i].mac, none, sizeof(config->vifs[i].mac)) != 0)
            what = "mac of a vif";
        if (config->vifs[i].ifname[0])
            what = "vifname of a vif";
    }
    if (!what)
        return 0;
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                           "the %s is given: several domains cannot have the same (" PLACEHOLDER
                           " stands for the number of each)",
                           what);
}

/* Whether the names differ by what stands for "{n}" in them. */
static int find_base(struct create_request *r, const struct wire_reader *fields,
                     struct chaos_error *err)
{
    struct chaos_config second;
    int rc = parse(r, fields, 2, &second, err);

    if (rc < 0)
        return rc;
    if (strcmp(second.name, r->config.name) == 0)
        memcpy(r->base, r->config.name, sizeof(r->base));
    chaos_config_free(&second);
    return 0;
}

static int read_numbered(struct create_request *r, const struct wire_reader *fields,
                         struct chaos_error *err)
{
    cleanup(source_free) struct source s;
    bool placeholders;
    int rc = source_read(&s, fields, err);

    if (rc < 0)
        return rc;
    placeholders = has_placeholder(&s);
    rc = parse(r, fields, placeholders ? 1 : 0, &r->config, err);
    if (rc < 0)
        return rc;
    r->parsed = true;
    if (!placeholders) {
        memcpy(r->base, r->config.name, sizeof(r->base));
        return r->count > 1 ? check_sharable(&r->config, err) : 0;
    }
    r->length = (size_t)(fields->end - fields->at);
    r->fields = malloc(r->length);
    if (!r->fields)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    memcpy(r->fields, fields->at, r->length);
    return find_base(r, fields, err);
}

int create_request_read(struct create_request *out, const struct wire_reader *fields,
                        struct chaos_error *err)
{
    uint64_t count = wire_find_number(fields, WIRE_COUNT, UINT64_MAX);
    int rc;

    out->options = (uint32_t)wire_find_number(fields, WIRE_OPTIONS, 0);
    out->count = 1;
    if (count == UINT64_MAX) {
        rc = parse(out, fields, 0, &out->config, err);
        out->parsed = rc == 0;
        return rc;
    }
    if (count == 0 || count > CREATES_COUNT_MAX)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "one request can create from 1 to %d domains", CREATES_COUNT_MAX);
    out->count = (uint32_t)count;
    return read_numbered(out, fields, err);
}

void create_request_of(struct create_request *out, struct chaos_config *config)
{
    out->config = *config;
    out->parsed = true;
    out->count = 1;
}

int create_request_number(struct create_request *r, uint32_t index, struct chaos_error *err)
{
    const struct wire_reader fields = {r->fields, r->fields + r->length};
    struct chaos_config config;
    int rc;

    if (r->fields && index > 0) {
        rc = parse(r, &fields, index + 1, &config, err);
        if (rc < 0)
            return rc;
        chaos_config_free(&r->config);
        r->config = config;
    }
    if (!r->base[0])
        return 0;
    if ((size_t)snprintf(r->config.name, sizeof(r->config.name), "%s-%u", r->base, index + 1) >=
        sizeof(r->config.name))
        return chaos_error_set(err, -ENAMETOOLONG, CHAOS_EXIT_CONFIG,
                               "the name \"%s-%u\" is longer than %d bytes", r->base, index + 1,
                               CHAOS_NAME_MAX);
    return 0;
}

void create_request_free(struct create_request *request)
{
    if (request->parsed)
        chaos_config_free(&request->config);
    free(request->fields);
    free(request->warnings);
}
