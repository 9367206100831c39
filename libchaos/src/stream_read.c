// SPDX-License-Identifier: BSD-3-Clause
/* Reading records: bounded in memory, and every flaw is refused with the place where it is. */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* *got less than size: the stream ended. */
static int get(struct stream_reader *reader, void *buffer, size_t size, size_t *got,
               struct chaos_error *err)
{
    ssize_t part;

    for (*got = 0; *got < size; *got += (size_t)part) {
        part = reader->read(reader->opaque, (char *)buffer + *got, size - *got);
        if (part < 0)
            return chaos_error_set(err, (int)part, CHAOS_EXIT_FAILURE, "cannot read byte %llu: %s",
                                   (unsigned long long)(reader->offset + *got),
                                   strerror((int)-part));
        if (part == 0)
            break;
    }
    return 0;
}

static int check_header(const struct stream_header *header, size_t got, struct chaos_error *err)
{
    const size_t magic = got < sizeof(header->magic) ? got : sizeof(header->magic);

    if (magic == 0)
        return stream_flaw(err, 0, "it is empty");
    if (memcmp(header->magic, STREAM_MAGIC, magic) != 0)
        return stream_flaw(err, 0, "this is no checkpoint of chaos");
    if (got < sizeof(*header))
        return stream_flaw(err, got, "the header is cut off");
    if (header->checksum != xxh64(header, offsetof(struct stream_header, checksum)))
        return stream_flaw(err, 0, "the header is damaged: its checksum is wrong");
    if (header->version != STREAM_VERSION)
        return stream_flaw(err, offsetof(struct stream_header, version),
                           "its format has version %u, this chaos reads version %u",
                           header->version, STREAM_VERSION);
    if (header->size != sizeof(*header) || header->reserved != 0)
        return stream_flaw(err, 0, "the header is not as version %u has it", STREAM_VERSION);
    if (header->flags & ~STREAM_FEATURES)
        return stream_flaw(err, offsetof(struct stream_header, flags),
                           "it needs features that this chaos does not have (0x%x)",
                           header->flags & ~STREAM_FEATURES);
    return 0;
}

int stream_open(struct stream_reader *reader, stream_read *read, void *opaque,
                struct chaos_error *err)
{
    struct stream_header header;
    size_t got;
    int rc;

    *reader = (struct stream_reader){.read = read, .opaque = opaque};
    xxh64_begin(&reader->all);
    rc = get(reader, &header, sizeof(header), &got, err);
    if (rc == 0)
        rc = check_header(&header, got, err);
    reader->features = rc == 0 ? header.flags : 0;
    reader->offset = sizeof(header);
    return rc;
}

void stream_release(struct stream_reader *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
    reader->room = 0;
}

static int check_record(const struct stream_reader *reader,
                        const struct stream_record_header *header, size_t got,
                        struct chaos_error *err)
{
    if (got == 0)
        return stream_flaw(err, reader->offset, "it ends without an end record: it is cut off");
    if (got < sizeof(*header))
        return stream_flaw(err, reader->offset, "the header of record %u is cut off",
                           reader->sequence);
    if (header->header_checksum !=
        xxh64(header, offsetof(struct stream_record_header, header_checksum)))
        return stream_flaw(err, reader->offset,
                           "the header of record %u is damaged: its checksum is wrong",
                           reader->sequence);
    if (header->sequence != reader->sequence)
        return stream_flaw(err, reader->offset, "record %u stands where record %u should",
                           header->sequence, reader->sequence);
    if (header->flags & ~STREAM_OPTIONAL || header->reserved != 0)
        return stream_flaw(err, reader->offset, "record %u has flags that are not known",
                           reader->sequence);
    if (header->length > STREAM_PAYLOAD_MAX)
        return stream_flaw(err, reader->offset, "record %u has %u bytes: more than any may have",
                           reader->sequence, header->length);
    return 0;
}

static int make_room(struct stream_reader *reader, size_t length, struct chaos_error *err)
{
    uint8_t *grown;

    if (length <= reader->room)
        return 0;
    /* Not realloc: what was in there is not needed any more. */
    free(reader->buffer);
    reader->room = 0;
    reader->buffer = grown = malloc(length);
    if (!grown)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    reader->room = length;
    return 0;
}

int stream_next(struct stream_reader *reader, struct stream_record *out, struct chaos_error *err)
{
    struct stream_record_header header;
    size_t got;
    int rc = get(reader, &header, sizeof(header), &got, err);

    if (rc == 0)
        rc = check_record(reader, &header, got, err);
    if (rc == 0)
        rc = make_room(reader, header.length, err);
    if (rc == 0)
        rc = get(reader, reader->buffer, header.length, &got, err);
    if (rc < 0)
        return rc;
    if (got < header.length)
        return stream_flaw(err, reader->offset + sizeof(header) + got,
                           "record %u is cut off: %u of its %u bytes are missing", header.sequence,
                           header.length - (uint32_t)got, header.length);
    if (!reader->checked && xxh64(reader->buffer, header.length) != header.payload_checksum)
        return stream_flaw(err, reader->offset, "record %u is damaged: its checksum is wrong",
                           header.sequence);
    if (reader->sequence > 0)
        xxh64_add(&reader->all, &reader->last_checksum, sizeof(reader->last_checksum));
    reader->last_checksum = header.header_checksum;
    *out = (struct stream_record){.type = header.type,
                                  .flags = header.flags,
                                  .length = header.length,
                                  .sequence = header.sequence,
                                  .payload = reader->buffer,
                                  .offset = reader->offset};
    reader->offset += sizeof(header) + header.length;
    reader->sequence++;
    return 0;
}

int stream_at_end(struct stream_reader *reader, struct chaos_error *err)
{
    uint8_t byte;
    size_t got;
    int rc = get(reader, &byte, 1, &got, err);

    if (rc == 0 && got > 0)
        return stream_flaw(err, reader->offset, "bytes follow the end record");
    return rc;
}
