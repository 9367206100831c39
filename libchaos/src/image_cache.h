/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernels and ramdisks in memory of our own, parsed once. A file that changed (image_id) is read
 * anew. For any thread: two that want a file at the same time may both read it, and one's is kept.
 */
#ifndef CHAOS_IMAGE_CACHE_H
#define CHAOS_IMAGE_CACHE_H

#include "image.h"

#define IMAGE_CACHE_BYTES (64ull << 20) /* a larger file is not kept */

struct image_cache;

/* One file; valid until it is put back. */
struct image_cached {
    struct image_cache *cache;
    struct image_cached *next;
    struct image_id id;
    bool parsed;
    bool settled; /* a later change must have another id */
    unsigned int users;
    uint64_t last_use;
    struct image image; /* if parsed */
    char bytes[];
};

struct image_cache *image_cache_new(void); /* NULL: out of memory */
/* Nothing of it is in use. */
void image_cache_free(struct image_cache *cache);

/* May block, as the file may. -EFBIG without an error text: it is too large to be kept. */
int image_cache_get(struct image_cache *cache, const char *what, const char *path,
                    struct image_cached **out, struct chaos_error *err);
void image_cache_put(struct image_cached *file); /* NULL: nothing */

/* Parses it as a kernel if that was not done yet. The texts say what is wrong, not with which file.
 */
int image_cached_parse(struct image_cached *file, struct chaos_error *err);
struct image_source image_cached_source(struct image_cached *file);

#endif
