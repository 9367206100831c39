/* SPDX-License-Identifier: BSD-3-Clause */
/* A small checkpoint in memory: every kind of record and of page, and the same bytes every time. */
#ifndef CHECKPOINT_MAKER_H
#define CHECKPOINT_MAKER_H

#include <stddef.h>
#include <stdint.h>

#include "stream.h"

struct maker_bytes {
    uint8_t bytes[256u << 10];
    size_t length;
    size_t read; /* by maker_read */
};

int maker_write(void *opaque, const struct iovec *parts, int nr);
ssize_t maker_read(void *opaque, void *buffer, size_t size);

#define MAKER_PAGES 256u /* of the guest */

void maker_make(struct maker_bytes *out);

/* Gives every record the checksums and the number that it should have. */
void maker_sign(struct maker_bytes *bytes);

#endif
