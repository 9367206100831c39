// SPDX-License-Identifier: BSD-3-Clause
/* Writing records, and what both directions share. */
#include "stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are written as they are");

int stream_flaw(struct chaos_error *err, uint64_t offset, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_CONFIG, "byte %llu: %s",
                           (unsigned long long)offset, text);
}

int stream_write_fd(void *opaque, const struct iovec *parts, int nr)
{
    struct iovec rest[1 + STREAM_PARTS_MAX];
    struct iovec *at = rest;
    ssize_t done;

    memcpy(rest, parts, (size_t)nr * sizeof(*parts));
    while (nr > 0) {
        done = writev(*(int *)opaque, at, nr);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        for (; nr > 0 && (size_t)done >= at->iov_len; nr--, at++)
            done -= (ssize_t)at->iov_len;
        if (nr > 0) {
            at->iov_base = (char *)at->iov_base + done;
            at->iov_len -= (size_t)done;
        }
    }
    return 0;
}

ssize_t stream_read_fd(void *opaque, void *buffer, size_t size)
{
    ssize_t done;

    do {
        done = read(*(int *)opaque, buffer, size);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done;
}

static int put_parts(struct stream_writer *writer, const struct iovec *parts, int nr,
                     struct chaos_error *err)
{
    int i, rc = writer->write(writer->opaque, parts, nr);

    if (rc < 0)
        return chaos_error_set(
            err, rc, rc == -ENOSPC || rc == -EDQUOT ? CHAOS_EXIT_RESOURCE : CHAOS_EXIT_FAILURE,
            "cannot write: %s", strerror(-rc));
    for (i = 0; i < nr; i++)
        writer->offset += parts[i].iov_len;
    return 0;
}

int stream_begin(struct stream_writer *writer, stream_write *write, void *opaque, uint32_t features,
                 struct chaos_error *err)
{
    struct stream_header header = {
        .version = STREAM_VERSION, .size = sizeof(header), .flags = features};
    const struct iovec part = {&header, sizeof(header)};

    *writer = (struct stream_writer){.write = write, .opaque = opaque};
    xxh64_begin(&writer->all);
    memcpy(header.magic, STREAM_MAGIC, sizeof(header.magic));
    header.checksum = xxh64(&header, offsetof(struct stream_header, checksum));
    return put_parts(writer, &part, 1, err);
}

int stream_put(struct stream_writer *writer, uint16_t type, uint16_t flags,
               const struct iovec *parts, int nr, struct chaos_error *err)
{
    struct stream_record_header header = {
        .type = type, .flags = flags, .sequence = writer->sequence};
    struct iovec all[1 + STREAM_PARTS_MAX] = {{&header, sizeof(header)}};
    struct xxh64 payload;
    size_t length = 0;
    int i, rc;

    xxh64_begin(&payload);
    for (i = 0; i < nr; i++) {
        xxh64_add(&payload, parts[i].iov_base, parts[i].iov_len);
        length += parts[i].iov_len;
        all[1 + i] = parts[i];
    }
    if (length > STREAM_PAYLOAD_MAX)
        return chaos_error_set(err, -E2BIG, CHAOS_EXIT_FAILURE, "a record would be too long");
    header.length = (uint32_t)length;
    header.payload_checksum = xxh64_end(&payload);
    header.header_checksum = xxh64(&header, offsetof(struct stream_record_header, header_checksum));
    rc = put_parts(writer, all, 1 + nr, err);
    if (rc < 0)
        return rc;
    writer->sequence++;
    xxh64_add(&writer->all, &header.header_checksum, sizeof(header.header_checksum));
    return 0;
}
