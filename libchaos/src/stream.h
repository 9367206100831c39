/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records on a stream of bytes: a file, a connection, a test's memory. Lengths, types, order and
 * checksums are dealt with here; what records say is checkpoint.h's. docs/checkpoint-format.md is
 * the specification of both.
 */
#ifndef CHAOS_STREAM_H
#define CHAOS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <chaos/error.h>

#include "xxh64.h"

#define STREAM_VERSION 1
#define STREAM_MAGIC                                                                               \
    "\x89"                                                                                         \
    "CKPT\r\n\x1a" /* 8 bytes */

/* Little-endian, as every number in the stream. */
struct stream_header {
    uint8_t magic[8];
    uint16_t version;
    uint16_t size;  /* of this header */
    uint32_t flags; /* mandatory features: STREAM_LIVE, STREAM_LZ4 */
    uint64_t reserved;
    uint64_t checksum; /* XXH64 of the bytes before it */
};
_Static_assert(sizeof(struct stream_header) == 32, "as specified");

struct stream_record_header {
    uint32_t length; /* of the payload that follows */
    uint16_t type;
    uint16_t flags;
    uint32_t sequence; /* 0, 1, ... */
    uint32_t reserved;
    uint64_t payload_checksum;
    uint64_t header_checksum; /* XXH64 of the bytes before it */
};
_Static_assert(sizeof(struct stream_record_header) == 32, "as specified");

#define STREAM_LIVE        (1u << 0) /* pages come again: the guest ran while they were sent */
#define STREAM_LZ4         (1u << 1) /* some contents are compressed */
#define STREAM_FEATURES    (STREAM_LIVE | STREAM_LZ4) /* that this version reads */

#define STREAM_OPTIONAL    (1u << 0) /* a reader that does not know the type passes over it */
#define STREAM_PAYLOAD_MAX (1u << 20)

/* All of it: 0, or a negative errno. */
typedef int stream_write(void *opaque, const struct iovec *parts, int nr);
/* Some bytes, at least one; 0: the end; or a negative errno. */
typedef ssize_t stream_read(void *opaque, void *buffer, size_t size);

/* The same on a descriptor, which *opaque is. */
int stream_write_fd(void *opaque, const struct iovec *parts, int nr);
ssize_t stream_read_fd(void *opaque, void *buffer, size_t size);

struct stream_writer {
    stream_write *write;
    void *opaque;
    uint64_t offset;   /* bytes written */
    uint32_t sequence; /* of the next record */
    struct xxh64 all;  /* of the header checksums of the records put */
};

/* features: of STREAM_FEATURES. */
int stream_begin(struct stream_writer *writer, stream_write *write, void *opaque, uint32_t features,
                 struct chaos_error *err);

#define STREAM_PARTS_MAX 3

/* A record whose payload is these parts in a row, STREAM_PARTS_MAX at the most. */
int stream_put(struct stream_writer *writer, uint16_t type, uint16_t flags,
               const struct iovec *parts, int nr, struct chaos_error *err);

struct stream_reader {
    stream_read *read;
    void *opaque;
    uint32_t features; /* of STREAM_FEATURES */
    uint64_t offset;   /* of the next byte */
    uint32_t sequence;
    struct xxh64 all; /* of the header checksums of the records before the last one */
    uint64_t last_checksum;
    bool checked; /* set after stream_open: its payloads are those that were checked before */
    uint8_t *buffer;
    size_t room;
};

struct stream_record {
    uint16_t type, flags;
    uint32_t length, sequence;
    const uint8_t *payload; /* until the next one is read; 8-byte aligned */
    uint64_t offset;        /* of its header */
};

/* Reads the header. stream_release in any case. */
int stream_open(struct stream_reader *reader, stream_read *read, void *opaque,
                struct chaos_error *err);
void stream_release(struct stream_reader *reader);
/* The next record, found to be whole. The stream's end is an error: a record says where it is. */
int stream_next(struct stream_reader *reader, struct stream_record *out, struct chaos_error *err);
/* Fails unless no byte follows. */
int stream_at_end(struct stream_reader *reader, struct chaos_error *err);

/* Fills err with "byte OFFSET: ..." and returns -EBADMSG. */
int stream_flaw(struct chaos_error *err, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
