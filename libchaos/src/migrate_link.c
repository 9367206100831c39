// SPDX-License-Identifier: BSD-3-Clause
#include "migrate_link.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "migrate_pack.h"

#define PIECE (56u << 10) /* of the stream in one message: with its packed form it fits in one */

_Static_assert(PIECE + MIGRATE_PACKED_MAX(PIECE) <= MIGRATE_PAYLOAD_MAX, "buffer");

int migrate_link_open(struct migrate_link *link, struct peer *peer, struct chaos_error *err)
{
    memset(link, 0, sizeof(*link));
    link->peer = peer;
    link->payload = malloc(MIGRATE_PAYLOAD_MAX + 1);
    link->other = malloc(MIGRATE_PAYLOAD_MAX + 1);
    if (!link->payload || !link->other)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return 0;
}

void migrate_link_close(struct migrate_link *link)
{
    free(link->payload);
    free(link->other);
    link->payload = link->other = NULL;
}

static int broken(struct chaos_error *err, int rc)
{
    if (rc == -ETIMEDOUT)
        return chaos_error_set(err, rc, CHAOS_EXIT_TIMEOUT, "the other host fell silent");
    if (rc == -ECONNRESET || rc == -EPIPE)
        return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "the connection was cut");
    return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "the connection failed: %s", strerror(-rc));
}

static void fill_header(struct migrate_header *header, enum migrate_type type, size_t length)
{
    header->magic = htole32(MIGRATE_MAGIC);
    header->version = htole16(MIGRATE_VERSION);
    header->type = htole16((uint16_t)type);
    header->length = htole32((uint32_t)length);
    header->reserved = 0;
}

int migrate_link_send2(struct migrate_link *link, enum migrate_type type, const void *first,
                       size_t first_length, const void *second, size_t second_length,
                       struct chaos_error *err)
{
    struct migrate_header header;
    const struct iovec parts[] = {
        {&header, sizeof(header)}, {(void *)first, first_length}, {(void *)second, second_length}};
    int rc;

    if (first_length + second_length > MIGRATE_PAYLOAD_MAX)
        return chaos_error_set(err, -E2BIG, CHAOS_EXIT_FAILURE,
                               "a message of %zu bytes is longer than a migration may send",
                               first_length + second_length);
    fill_header(&header, type, first_length + second_length);
    rc = link->peer->ops->write(link->peer, parts, 3);
    return rc < 0 ? broken(err, rc) : 0;
}

int migrate_link_send(struct migrate_link *link, enum migrate_type type, const void *payload,
                      size_t length, struct chaos_error *err)
{
    return migrate_link_send2(link, type, payload, length, NULL, 0, err);
}

static int read_all(struct peer *peer, void *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = peer->ops->read(peer, (char *)buffer + done, size - done);

        if (got <= 0)
            return got < 0 ? (int)got : -ECONNRESET;
        done += (size_t)got;
    }
    return 0;
}

static int check_header(struct migrate_header *header, struct chaos_error *err)
{
    header->magic = le32toh(header->magic);
    header->version = le16toh(header->version);
    header->type = le16toh(header->type);
    header->length = le32toh(header->length);
    if (header->magic != MIGRATE_MAGIC)
        return chaos_error_set(
            err, -EBADMSG, CHAOS_EXIT_FAILURE,
            "what came from the other host is no migration: does a chaosd listen "
            "there?");
    if (header->version != MIGRATE_VERSION)
        return chaos_error_set(
            err, -EPROTONOSUPPORT, CHAOS_EXIT_FAILURE,
            "the other host speaks version %u of the migration protocol, this one "
            "%u: bring both to one version of chaos",
            header->version, MIGRATE_VERSION);
    if (header->type == 0 || header->type >= MIGRATE_TYPES ||
        header->length > MIGRATE_PAYLOAD_MAX || header->reserved != 0)
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE,
                               "the other host sent a damaged message");
    return 0;
}

/* A message of DATA, as if it had come so. */
static int unpack(struct migrate_link *link, struct chaos_error *err)
{
    uint8_t *const packed = link->payload;
    const ptrdiff_t length = migrate_unpack(packed, link->length, link->other, MIGRATE_PAYLOAD_MAX);

    if (length < 0)
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE,
                               "the other host sent a damaged message");
    link->payload = link->other;
    link->other = packed;
    link->payload[length] = '\0';
    link->type = MIGRATE_DATA;
    link->length = (uint32_t)length;
    return 0;
}

int migrate_link_receive(struct migrate_link *link, struct chaos_error *err)
{
    struct migrate_header header;
    int rc = read_all(link->peer, &header, sizeof(header));

    if (rc < 0)
        return broken(err, rc);
    rc = check_header(&header, err);
    if (rc < 0)
        return rc;
    rc = read_all(link->peer, link->payload, header.length);
    if (rc < 0)
        return broken(err, rc);
    link->payload[header.length] = '\0';
    link->type = header.type;
    link->length = header.length;
    link->taken = 0;
    return link->type == MIGRATE_PACKED ? unpack(link, err) : 0;
}

/* What the other host calls its reason must not mean anything else here. */
static int code_of(uint32_t code)
{
    const bool is_ours = code == EINPROGRESS || code == EAGAIN || code == ECONNABORTED ||
                         code == ESRCH || code == ETIMEDOUT;

    return code > 0 && code < 4096 && !is_ours ? -(int)code : -EREMOTEIO;
}

static int refused(const struct migrate_link *link, struct chaos_error *err)
{
    struct migrate_refusal refusal;
    const char *text = (const char *)link->payload + sizeof(refusal);
    char shown[CHAOS_ERROR_TEXT];
    size_t i;

    if (link->length < sizeof(refusal))
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE,
                               "the other host sent a damaged message");
    memcpy(&refusal, link->payload, sizeof(refusal));
    refusal.code = le32toh(refusal.code);
    refusal.exit = le32toh(refusal.exit);
    for (i = 0; i < sizeof(shown) - 1 && text[i] != '\0'; i++)
        shown[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    shown[i] = '\0';
    return chaos_error_set(err, code_of(refusal.code),
                           refusal.exit > 0 && refusal.exit <= CHAOS_EXIT_CONFIG
                               ? (enum chaos_exit)refusal.exit
                               : CHAOS_EXIT_FAILURE,
                           "the other host refuses: %s", shown);
}

int migrate_link_expect(struct migrate_link *link, enum migrate_type type, struct chaos_error *err)
{
    int rc = migrate_link_receive(link, err);

    if (rc < 0)
        return rc;
    if (link->type == MIGRATE_REFUSE)
        return refused(link, err);
    if (link->type != type)
        return chaos_error_set(err, -EPROTO, CHAOS_EXIT_FAILURE,
                               "the other host sent message %u where %u is due", link->type, type);
    return 0;
}

void migrate_link_refuse(struct migrate_link *link, const struct chaos_error *why)
{
    const struct migrate_refusal refusal = {
        .code = htole32((uint32_t)-why->code),
        .exit = htole32((uint32_t)why->exit),
    };
    struct chaos_error ignored;

    migrate_link_send2(link, MIGRATE_REFUSE, &refusal, sizeof(refusal), why->text,
                       strlen(why->text), &ignored);
}

/* The stream's next bytes, which are in link->other, as what is shorter. */
static int send_piece(struct migrate_link *link, size_t length)
{
    uint8_t *const packed = link->other + PIECE;
    const size_t size = migrate_pack(link->other, length, packed);
    const bool is_shorter = size < length;
    struct migrate_header header;
    const struct iovec parts[] = {
        {&header, sizeof(header)},
        {is_shorter ? packed : link->other, is_shorter ? size : length},
    };

    fill_header(&header, is_shorter ? MIGRATE_PACKED : MIGRATE_DATA, parts[1].iov_len);
    return link->peer->ops->write(link->peer, parts, 2);
}

static int write_pieces(struct migrate_link *link, const struct iovec *parts, int nr)
{
    size_t done, length, used = 0;
    int i, rc = 0;

    for (i = 0; i < nr && rc == 0; i++)
        for (done = 0; done < parts[i].iov_len && rc == 0; done += length) {
            length = parts[i].iov_len - done;
            if (length > PIECE - used)
                length = PIECE - used;
            memcpy(link->other + used, (const char *)parts[i].iov_base + done, length);
            used += length;
            if (used == PIECE) {
                rc = send_piece(link, used);
                used = 0;
            }
        }
    return rc == 0 && used > 0 ? send_piece(link, used) : rc;
}

int migrate_link_write(void *opaque, const struct iovec *parts, int nr)
{
    struct migrate_link *link = opaque;
    int rc = write_pieces(link, parts, nr);

    return rc < 0 ? broken(&link->why, rc) : 0;
}

ssize_t migrate_link_read(void *opaque, void *buffer, size_t size)
{
    struct migrate_link *link = opaque;
    size_t left;
    int rc;

    while (link->type != MIGRATE_DATA || link->taken == link->length) {
        if (link->type == MIGRATE_DATA_END)
            return 0;
        rc = migrate_link_receive(link, &link->why);
        if (rc < 0)
            return rc;
        if (link->type == MIGRATE_ABORT)
            return chaos_error_set(&link->why, -ECANCELED, CHAOS_EXIT_FAILURE,
                                   "the other host gave up");
        if (link->type != MIGRATE_DATA && link->type != MIGRATE_DATA_END)
            return chaos_error_set(&link->why, -EPROTO, CHAOS_EXIT_FAILURE,
                                   "the other host sent message %u in the midst of the guest",
                                   link->type);
    }
    left = link->length - link->taken;
    if (size > left)
        size = left;
    memcpy(buffer, link->payload + link->taken, size);
    link->taken += (uint32_t)size;
    return (ssize_t)size;
}

int migrate_link_explain(const struct migrate_link *link, struct chaos_error *err)
{
    if (link->why.code != 0)
        *err = link->why;
    return err->code;
}
