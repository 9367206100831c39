/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of a migration over a peer: each a header and a payload. */
#ifndef CHAOS_MIGRATE_LINK_H
#define CHAOS_MIGRATE_LINK_H

#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#include "migrate.h"
#include "peer.h"

#define MIGRATE_MAGIC       0x47494d43u /* "CMIG" */
#define MIGRATE_PAYLOAD_MAX (128u << 10)

/* Numbers are little-endian. */
struct migrate_header {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint32_t length; /* of the payload */
    uint32_t reserved;
};
_Static_assert(sizeof(struct migrate_header) == 16, "as specified");

enum migrate_type {
    MIGRATE_HELLO = 1, /* struct migrate_hello, configuration */
    MIGRATE_READY,     /* struct migrate_ready; nothing: of before there were features */
    MIGRATE_REFUSE,    /* struct migrate_refusal, text */
    MIGRATE_DATA,      /* bytes of the checkpoint stream */
    MIGRATE_DATA_END,
    MIGRATE_DONE_LOADING, /* "LOADED" */
    MIGRATE_GO,
    MIGRATE_IS_RUNNING, /* "RUNNING" */
    MIGRATE_DONE,       /* the guest is gone here; the target answers the same: so is the note */
    MIGRATE_ABORT,      /* answered with DONE, if there was a whole copy */
    MIGRATE_ASK,        /* token: what became of it? */
    MIGRATE_STATE,      /* struct migrate_state */
    MIGRATE_PACKED,     /* DATA without its zeros (migrate_pack.h); comes out as DATA */
    MIGRATE_TYPES
};

struct migrate_hello {
    uint8_t token[MIGRATE_TOKEN];
    uint8_t uuid[16];
    uint16_t xen_major, xen_minor;
    uint32_t hw_caps[8];
    uint32_t silence_ms;
    char name[CHAOS_NAME_MAX + 1];
};
_Static_assert(sizeof(struct migrate_hello) == 72 + CHAOS_NAME_MAX + 1, "as specified");

/* Readers pass over what is behind it. */
struct migrate_ready {
    uint32_t features; /* of checkpoint streams, that this target reads */
};

struct migrate_refusal {
    uint32_t code; /* positive errno */
    uint32_t exit; /* enum chaos_exit */
};

enum migrate_where {
    MIGRATE_WHERE_UNKNOWN, /* this target has no such guest (any more), and will not have it */
    MIGRATE_WHERE_BUSY,    /* somebody works on it: ask again */
    MIGRATE_WHERE_LOADED,
    MIGRATE_WHERE_RUNNING
};

struct migrate_link {
    struct peer *peer;
    uint16_t type; /* of the message received last */
    uint32_t length;
    uint8_t *payload; /* MIGRATE_PAYLOAD_MAX + 1 bytes, a NUL behind the payload */
    uint8_t *other;   /* the same: what is packed, or unpacked */
    uint32_t taken;   /* of a DATA message, by migrate_link_read */
    struct chaos_error
        why; /* of migrate_link_write and _read: code 0, or why the last one failed */
};

int migrate_link_open(struct migrate_link *link, struct peer *peer, struct chaos_error *err);
void migrate_link_close(struct migrate_link *link); /* not the peer */

int migrate_link_send(struct migrate_link *link, enum migrate_type type, const void *payload,
                      size_t length, struct chaos_error *err);
/* Of two pieces. */
int migrate_link_send2(struct migrate_link *link, enum migrate_type type, const void *first,
                       size_t first_length, const void *second, size_t second_length,
                       struct chaos_error *err);
/* The next message. */
int migrate_link_receive(struct migrate_link *link, struct chaos_error *err);
/* The next message, which must have this type; a refusal becomes the error that it tells of. */
int migrate_link_expect(struct migrate_link *link, enum migrate_type type, struct chaos_error *err);
/* Tells the other side why not. It is no failure if it cannot be told. */
void migrate_link_refuse(struct migrate_link *link, const struct chaos_error *why);

/* stream_write and stream_read with a link as opaque. */
int migrate_link_write(void *link, const struct iovec *parts, int nr);
ssize_t migrate_link_read(void *link, void *buffer, size_t size);
/* After a stream failed: if that was for the link's sake, err is what befell the link. Its code. */
int migrate_link_explain(const struct migrate_link *link, struct chaos_error *err);

#endif
