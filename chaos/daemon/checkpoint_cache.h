/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checkpoints in memory of our own, found to be whole once: those that are asked for again. A file
 * that changed is read anew. For any thread.
 */
#ifndef CHAOSD_CHECKPOINT_CACHE_H
#define CHAOSD_CHECKPOINT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKPOINT_CACHE_FILES 64 /* that are known, whether or not they are kept */

struct checkpoint_cache;
struct checkpoint_cached;

/* Of so many bytes at the most, a file of a quarter of that. NULL: out of memory. */
struct checkpoint_cache *checkpoint_cache_new(uint64_t most);
/* Nothing of it is in use. */
void checkpoint_cache_free(struct checkpoint_cache *cache);

/*
 * The file that is open as fd, if it was asked for before, or is to be read often, and is whole;
 * until it is put back. NULL: it has to be read from fd. May block, as fd may.
 */
struct checkpoint_cached *checkpoint_cache_get(struct checkpoint_cache *cache, int fd, bool often);
void checkpoint_cache_put(struct checkpoint_cache *cache, struct checkpoint_cached *cached);
const uint8_t *checkpoint_cached_bytes(const struct checkpoint_cached *cached, size_t *size);

#endif
