// SPDX-License-Identifier: BSD-3-Clause
#include "wire.h"

#include <errno.h>
#include <string.h>

/* Where things are in the header. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_TYPE = 6,
    AT_FLAGS = 8,
    AT_RESERVED = 10,
    AT_SEQUENCE = 12,
    AT_LENGTH = 16, /* of the whole packet */
};

#define FIELD_HEADER 4

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const uint8_t *at)
{
    return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static void set16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void set32(uint8_t *at, uint32_t value)
{
    set16(at, (uint16_t)value);
    set16(at + 2, (uint16_t)(value >> 16));
}

static void set64(uint8_t *at, uint64_t value)
{
    set32(at, (uint32_t)value);
    set32(at + 4, (uint32_t)(value >> 32));
}

/* ---------------------------------------------------------------- reading */

static bool fields_ok(const uint8_t *at, const uint8_t *end, unsigned int depth);

static bool value_ok(uint8_t kind, const uint8_t *value, size_t length, unsigned int depth)
{
    switch (kind) {
    case WIRE_U32:
        return length == 4;
    case WIRE_U64:
        return length == 8;
    case WIRE_STRING:
        return length > 0 && memchr(value, '\0', length) == value + length - 1;
    case WIRE_GROUP:
        return depth < WIRE_DEPTH_MAX && fields_ok(value, value + length, depth + 1);
    default:
        return true; /* bytes, and what a later version may bring */
    }
}

static bool fields_ok(const uint8_t *at, const uint8_t *end, unsigned int depth)
{
    while (at < end) {
        size_t length;

        if (end - at < FIELD_HEADER)
            return false;
        length = get16(at + 2);
        if ((size_t)(end - at - FIELD_HEADER) < length ||
            !value_ok(at[1], at + FIELD_HEADER, length, depth))
            return false;
        at += FIELD_HEADER + length;
    }
    return true;
}

int wire_parse(const void *packet, size_t length, struct wire_header *header,
               struct wire_reader *fields)
{
    const uint8_t *bytes = packet;

    if (length < WIRE_HEADER || length > WIRE_MESSAGE_MAX || get32(bytes + AT_MAGIC) != WIRE_MAGIC)
        return -EBADMSG;
    header->version = get16(bytes + AT_VERSION);
    header->type = get16(bytes + AT_TYPE);
    header->flags = get16(bytes + AT_FLAGS);
    header->sequence = get32(bytes + AT_SEQUENCE);
    fields->at = bytes + WIRE_HEADER;
    fields->end = fields->at;
    if (header->version != WIRE_VERSION)
        return -EPROTONOSUPPORT;
    if (get32(bytes + AT_LENGTH) != length || get16(bytes + AT_RESERVED) != 0 ||
        !fields_ok(bytes + WIRE_HEADER, bytes + length, 0))
        return -EBADMSG;
    fields->end = bytes + length;
    return 0;
}

bool wire_next(struct wire_reader *reader, struct wire_field *field)
{
    if (reader->at >= reader->end)
        return false;
    field->tag = reader->at[0];
    field->kind = reader->at[1];
    field->length = get16(reader->at + 2);
    field->value = reader->at + FIELD_HEADER;
    reader->at = field->value + field->length;
    return true;
}

bool wire_find(const struct wire_reader *fields, uint8_t tag, uint8_t kind,
               struct wire_field *field)
{
    struct wire_reader reader = *fields;

    while (wire_next(&reader, field))
        if (field->tag == tag && field->kind == kind)
            return true;
    return false;
}

uint64_t wire_number(const struct wire_field *field)
{
    if (field->kind == WIRE_U32)
        return get32(field->value);
    return field->kind == WIRE_U64 ? get64(field->value) : 0;
}

const char *wire_text(const struct wire_field *field)
{
    return field->kind == WIRE_STRING ? (const char *)field->value : "";
}

struct wire_reader wire_group(const struct wire_field *field)
{
    const bool group = field->kind == WIRE_GROUP;

    return (struct wire_reader){field->value, field->value + (group ? field->length : 0)};
}

uint64_t wire_find_number(const struct wire_reader *fields, uint8_t tag, uint64_t otherwise)
{
    struct wire_field field;

    if (wire_find(fields, tag, WIRE_U32, &field) || wire_find(fields, tag, WIRE_U64, &field))
        return wire_number(&field);
    return otherwise;
}

const char *wire_find_string(const struct wire_reader *fields, uint8_t tag, const char *otherwise)
{
    struct wire_field field;

    return wire_find(fields, tag, WIRE_STRING, &field) ? wire_text(&field) : otherwise;
}

/* ---------------------------------------------------------------- writing */

void wire_begin(struct wire_writer *writer, void *buffer, size_t size, uint16_t type,
                uint16_t flags, uint32_t sequence)
{
    writer->bytes = buffer;
    writer->size = size < WIRE_MESSAGE_MAX ? size : WIRE_MESSAGE_MAX;
    writer->used = WIRE_HEADER;
    writer->overflow = writer->size < WIRE_HEADER;
    if (writer->overflow)
        return;
    set32(writer->bytes + AT_MAGIC, WIRE_MAGIC);
    set16(writer->bytes + AT_VERSION, WIRE_VERSION);
    set16(writer->bytes + AT_TYPE, type);
    set16(writer->bytes + AT_FLAGS, flags);
    set16(writer->bytes + AT_RESERVED, 0);
    set32(writer->bytes + AT_SEQUENCE, sequence);
}

/* Room for the value of a new field; NULL: there is none. */
static uint8_t *put(struct wire_writer *writer, uint8_t tag, uint8_t kind, size_t length)
{
    uint8_t *at = writer->bytes + writer->used;

    if (writer->overflow || length > WIRE_VALUE_MAX ||
        writer->size - writer->used < FIELD_HEADER + length) {
        writer->overflow = true;
        return NULL;
    }
    at[0] = tag;
    at[1] = kind;
    set16(at + 2, (uint16_t)length);
    writer->used += FIELD_HEADER + length;
    return at + FIELD_HEADER;
}

void wire_put_u32(struct wire_writer *writer, uint8_t tag, uint32_t value)
{
    uint8_t *at = put(writer, tag, WIRE_U32, 4);

    if (at)
        set32(at, value);
}

void wire_put_u64(struct wire_writer *writer, uint8_t tag, uint64_t value)
{
    uint8_t *at = put(writer, tag, WIRE_U64, 8);

    if (at)
        set64(at, value);
}

void wire_put_string(struct wire_writer *writer, uint8_t tag, const char *text)
{
    size_t length = strlen(text) + 1;
    uint8_t *at = put(writer, tag, WIRE_STRING, length);

    if (at)
        memcpy(at, text, length);
}

void wire_put_bytes(struct wire_writer *writer, uint8_t tag, const void *bytes, size_t length)
{
    uint8_t *at = put(writer, tag, WIRE_BYTES, length);

    if (at && length)
        memcpy(at, bytes, length);
}

size_t wire_put_group(struct wire_writer *writer, uint8_t tag)
{
    put(writer, tag, WIRE_GROUP, 0);
    return writer->used;
}

void wire_end_group(struct wire_writer *writer, size_t group)
{
    size_t length = writer->used - group;

    if (writer->overflow)
        return;
    if (length > WIRE_VALUE_MAX)
        writer->overflow = true;
    else
        set16(writer->bytes + group - 2, (uint16_t)length);
}

void wire_rewind(struct wire_writer *writer, size_t mark)
{
    writer->used = mark;
    writer->overflow = false;
}

size_t wire_end(struct wire_writer *writer)
{
    if (writer->overflow)
        return 0;
    set32(writer->bytes + AT_LENGTH, (uint32_t)writer->used);
    return writer->used;
}
