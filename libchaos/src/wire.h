/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages between chaosd and its clients (docs/daemon-protocol.md): one message a packet, a
 * header and then fields, all little-endian and without padding. A field is {tag, kind, length,
 * value}; a group's value is fields again. What is received is checked once, as a whole, by
 * wire_parse; after that walking through it cannot fail.
 */
#ifndef CHAOS_WIRE_H
#define CHAOS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC       0x44534843u /* "CHSD" */
#define WIRE_VERSION     1
#define WIRE_HEADER      20
#define WIRE_MESSAGE_MAX (64u << 10)
#define WIRE_VALUE_MAX   0xf000u /* bytes of one field */
#define WIRE_DEPTH_MAX   4       /* groups in groups */

#define WIRE_SOCKET_NAME "chaosd.sock" /* in the state directory */
#define WIRE_SOCKET      "/run/chaos/" WIRE_SOCKET_NAME

/* What is asked; the reply has the same type and sequence number, and WIRE_REPLY. */
enum wire_type {
    WIRE_PING = 1,
    WIRE_STATUS,
    WIRE_CREATE,
    WIRE_DESTROY,
    WIRE_LIST,
    WIRE_POOL_LIST,
    WIRE_POOL_SET,
    WIRE_POOL_DRAIN,
    WIRE_STATS,
    WIRE_SUBSCRIBE, /* replies without end: one WIRE_MORE a happening */
    WIRE_LOGS,      /* the same */
    WIRE_CONSOLE,   /* the same */
    WIRE_CONSOLE_INPUT,
    WIRE_GUEST,
    WIRE_MIGRATE,
    WIRE_MIGRATIONS,
    WIRE_MIGRATE_FINISH,
    WIRE_MIGRATE_DISCARD,
    WIRE_RESTORE, /* with the descriptor of the file */
    WIRE_TYPES
};

enum wire_flag {
    WIRE_REPLY = 1,
    WIRE_MORE = 2,  /* further packets of this reply follow */
    WIRE_ERROR = 4, /* the reply is WIRE_ERROR_* fields */
};

enum wire_kind { WIRE_U32 = 1, WIRE_U64, WIRE_STRING, WIRE_BYTES, WIRE_GROUP };

/* Tags. A reader skips those that it does not know. */
enum wire_tag {
    WIRE_ERROR_CODE = 1, /* u32: errno, positive */
    WIRE_ERROR_EXIT,     /* u32: enum chaos_exit */
    WIRE_ERROR_TEXT,
    WIRE_PROTOCOL,        /* u32: version that the daemon speaks */
    WIRE_PROGRAM_VERSION, /* string */
    WIRE_PID,
    WIRE_UPTIME_MS, /* u64 */
    WIRE_DEGRADED,  /* string: why; absent: all is well */

    WIRE_CONFIG,    /* bytes: text of a configuration */
    WIRE_SOURCE,    /* string: what to call it in messages */
    WIRE_DIRECTORY, /* string: what relative paths are relative to */
    WIRE_OVERRIDE,  /* string, any number: "key=value" */
    WIRE_OPTIONS,   /* u32: enum wire_option */
    WIRE_COUNT,     /* u32: so many, each with a number of its own */
    WIRE_INDEX,     /* u32: which of them, from 0 */
    WIRE_WARNING,   /* string, any number */

    WIRE_WHICH,  /* string: a domain, as for chaos_domain_find */
    WIRE_DOMAIN, /* group: one domain */
    WIRE_DOMID,
    WIRE_UUID, /* bytes: 16 */
    WIRE_NAME,
    WIRE_STATE,  /* u32: enum wire_state */
    WIRE_REASON, /* u32: enum chaos_shutdown */
    WIRE_MEMORY_KIB,
    WIRE_MAX_MEMORY_KIB,
    WIRE_CPU_NS,
    WIRE_VCPUS,
    WIRE_WARM, /* u32: 1: it came from a pool */

    WIRE_POOL, /* group: one pool */
    WIRE_MEMORY_MIB,
    WIRE_BUS,    /* u32: enum chaos_bus */
    WIRE_BRIDGE, /* string, one a vif */
    WIRE_KERNEL,
    WIRE_RAMDISK,
    WIRE_LOW,
    WIRE_HIGH,
    WIRE_TARGET,
    WIRE_LEVEL,
    WIRE_HITS,
    WIRE_MISSES,
    WIRE_REFILLS,
    WIRE_FAILURES,
    WIRE_ADAPTIVE, /* u32: 1: made by what was asked for, not by the configuration */

    WIRE_METRIC, /* group: one row of the statistics */
    WIRE_VALUE,  /* u64 */
    WIRE_P50_NS,
    WIRE_P99_NS,
    WIRE_MAX_NS,

    WIRE_EVENT,   /* group: something happened to a domain */
    WIRE_KIND,    /* string */
    WIRE_TIME_NS, /* u64: CLOCK_REALTIME */
    WIRE_DETAIL,  /* string */
    WIRE_DATA,    /* bytes */
    WIRE_TAIL,    /* u32 */
    WIRE_FOLLOW,  /* u32: 1 */
    WIRE_LOST,    /* u64: so many bytes or events are missing here */

    WIRE_MIGRATION,  /* group: one that has not ended */
    WIRE_HOST,       /* string: the other one */
    WIRE_TIMEOUT_MS, /* u32 */
    WIRE_ROLE,       /* string: "source" or "target" */
    WIRE_PHASE,      /* string: as in the journal */
};

enum wire_option {
    WIRE_OPTION_PAUSED = 1,
    WIRE_OPTION_STRICT = 2,
    WIRE_OPTION_FORCE = 4,
    WIRE_OPTION_COLD = 8,      /* not from a pool */
    WIRE_OPTION_TIMING = 16,   /* tell where the time went */
    WIRE_OPTION_LIVE = 32,     /* send memory while the guest runs */
    WIRE_OPTION_COMPRESS = 64, /* send memory in fewer bytes */
};

enum wire_state {
    WIRE_STATE_RUNNING = 1,
    WIRE_STATE_BLOCKED = 2,
    WIRE_STATE_PAUSED = 4,
    WIRE_STATE_SHUTDOWN = 8,
    WIRE_STATE_DYING = 16,
    WIRE_STATE_HVM = 32,
};

struct wire_header {
    uint16_t version, type, flags;
    uint32_t sequence;
};

struct wire_reader {
    const uint8_t *at, *end;
};

struct wire_field {
    uint8_t tag, kind;
    uint16_t length;
    const uint8_t *value;
};

/*
 * Checks a packet. -EBADMSG: it is none of ours, or damaged. -EPROTONOSUPPORT: of another version;
 * *header is filled in all the same.
 */
int wire_parse(const void *packet, size_t length, struct wire_header *header,
               struct wire_reader *fields);

/* The next field; false: that was all. */
bool wire_next(struct wire_reader *reader, struct wire_field *field);
/* The first field with this tag and kind; false: there is none. */
bool wire_find(const struct wire_reader *fields, uint8_t tag, uint8_t kind,
               struct wire_field *field);
/* The values of such a field, or the default. A number may have been sent as u32 or u64. */
uint64_t wire_find_number(const struct wire_reader *fields, uint8_t tag, uint64_t otherwise);
const char *wire_find_string(const struct wire_reader *fields, uint8_t tag, const char *otherwise);

uint64_t wire_number(const struct wire_field *field);          /* 0 if it is none */
const char *wire_text(const struct wire_field *field);         /* "" if it is no string */
struct wire_reader wire_group(const struct wire_field *field); /* empty if it is none */

/* A message under construction in the caller's buffer. What does not fit makes wire_end fail. */
struct wire_writer {
    uint8_t *bytes;
    size_t used, size;
    bool overflow;
};

void wire_begin(struct wire_writer *writer, void *buffer, size_t size, uint16_t type,
                uint16_t flags, uint32_t sequence);
void wire_put_u32(struct wire_writer *writer, uint8_t tag, uint32_t value);
void wire_put_u64(struct wire_writer *writer, uint8_t tag, uint64_t value);
void wire_put_string(struct wire_writer *writer, uint8_t tag, const char *text);
void wire_put_bytes(struct wire_writer *writer, uint8_t tag, const void *bytes, size_t length);
/* What is put between the two is in the group. */
size_t wire_put_group(struct wire_writer *writer, uint8_t tag);
void wire_end_group(struct wire_writer *writer, size_t group);
/* Forgets what was put since `mark` (a former writer->used), and that it did not fit. */
void wire_rewind(struct wire_writer *writer, size_t mark);
/* The length of the whole message; 0: it did not fit. */
size_t wire_end(struct wire_writer *writer);

#endif
