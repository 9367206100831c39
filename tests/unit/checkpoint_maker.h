/* SPDX-License-Identifier: BSD-3-Clause */
/* A small checkpoint in memory: every kind of record and of page, and the same bytes every time. */
#ifndef CHECKPOINT_MAKER_H
#define CHECKPOINT_MAKER_H

#include <stddef.h>
#include <stdint.h>

#include "checkpoint_format.h"
#include "stream.h"

struct maker_bytes {
    uint8_t bytes[2u << 20];
    size_t length;
    size_t read; /* by maker_read */
};

int maker_write(void *opaque, const struct iovec *parts, int nr);
ssize_t maker_read(void *opaque, void *buffer, size_t size);

#define MAKER_PAGES 256u /* of the guest */

void maker_make(struct maker_bytes *out);
void maker_make_lz4(struct maker_bytes *out); /* the same, with its contents compressed */
/* The same guest with its contents compressed. */
void maker_make_lz4(struct maker_bytes *out);

/* A stream of a guest that ran meanwhile: windows of MAKER_PAGES, and one record more. */
struct maker_window {
    uint64_t first;
    uint32_t nr, nr_runs;
    struct checkpoint_run run[4];
};
void maker_make_live(struct maker_bytes *out, uint32_t features, const struct maker_window *windows,
                     size_t nr);
extern const struct maker_window maker_live[3]; /* a good one */

/* Gives every record the checksums and the number that it should have. */
void maker_sign(struct maker_bytes *bytes);

#endif
