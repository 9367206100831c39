/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes without their zeros: most words of a guest's memory are 0, and what is not sent need not be
 * encrypted either. A length of 8 bytes (little-endian), a bit for each word of 8 bytes (64 at a
 * time, little-endian), and the words whose bit is set. The last word is filled up with zeros.
 */
#ifndef CHAOS_MIGRATE_PACK_H
#define CHAOS_MIGRATE_PACK_H

#include <stddef.h>
#include <stdint.h>

/* Room for so many bytes packed, whatever they are. */
#define MIGRATE_PACKED_MAX(length) (8 + ((length) + 511) / 512 * (8 + 512))

/* Returns the length of what is in out, which has room for it. */
size_t migrate_pack(const uint8_t *bytes, size_t length, uint8_t *out);
/* The length of what is in out then, at most `size`; -1: it is damaged, or does not fit. */
ptrdiff_t migrate_unpack(const uint8_t *packed, size_t length, uint8_t *out, size_t size);

#endif
