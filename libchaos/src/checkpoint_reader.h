/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads a checkpoint item by item. Whatever comes out of it is consistent: order, ranges, totals,
 * and every frame number in page tables and registers are checked here, once for all readers.
 */
#ifndef CHAOS_CHECKPOINT_READER_H
#define CHAOS_CHECKPOINT_READER_H

#include <stddef.h>
#include <stdint.h>

#include <chaos/checkpoint.h>

#include "checkpoint_format.h"
#include "stream.h"

/* A page of the current window whose contents come in DATA records. */
struct checkpoint_stored {
    uint16_t index; /* in the window */
    uint8_t kind;
};

struct checkpoint_reader {
    struct stream_reader stream;
    struct checkpoint_domain domain;
    char *config; /* text, closed with a NUL */
    size_t config_length;

    /* The current window: the last PAGES record. */
    struct checkpoint_pages window;
    struct checkpoint_run run[CHECKPOINT_WINDOW];
    struct checkpoint_stored stored[CHECKPOINT_WINDOW];
    uint32_t nr_stored, nr_data; /* pages of it that are stored; of these already read */
    uint8_t *plain; /* STREAM_LZ4: what a DATA_LZ4 record holds; CHECKPOINT_DATA_PAGES pages */

    uint64_t told_pages, stored_pages; /* told: those that windows came for */
    /* STREAM_LIVE: which came, and which as page tables (bit n: page n); of all windows, with
     * what they leave out: how many pages. */
    uint64_t *told, *tables, window_pages;
    bool guest_seen;
    uint32_t next_vcpu; /* (vcpu, state) as one number: states come in order */
    uint32_t contexts;  /* bit n: registers of vcpu n came */
};

struct checkpoint_item {
    enum checkpoint_type type; /* PAGES, DATA (also of DATA_LZ4), GUEST, VCPU or END */
    union {
        /* DATA: contents of reader->stored[from], ... */
        struct {
            const uint8_t *bytes;
            uint32_t from, nr;
        } data;
        struct {
            const struct checkpoint_guest *guest;
            const uint64_t *p2m;
        } guest;
        struct {
            uint32_t vcpu, state;
            const void *bytes;
            size_t length;
        } vcpu;
    };
};

/* Reads as far as the domain's description. checkpoint_release in any case. */
int checkpoint_open(struct checkpoint_reader *reader, stream_read *read, void *opaque,
                    struct chaos_error *err);
void checkpoint_release(struct checkpoint_reader *reader);

/* The next item, valid until the one after it is read. After END there is none. */
int checkpoint_next(struct checkpoint_reader *reader, struct checkpoint_item *item,
                    struct chaos_error *err);

/* All of it, and that nothing follows. */
int checkpoint_check(struct checkpoint_reader *reader, struct chaos_error *err);

/* After END: what it held. */
int checkpoint_summary(const struct checkpoint_reader *reader, struct chaos_checkpoint *out,
                       struct chaos_error *err);

#endif
