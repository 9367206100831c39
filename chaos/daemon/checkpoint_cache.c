// SPDX-License-Identifier: BSD-3-Clause
#include "checkpoint_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_reader.h"
#include "image.h"

struct checkpoint_cached {
    struct checkpoint_cached *next;
    struct image_id id;
    unsigned int users;
    uint64_t last_use;
    uint8_t *bytes; /* NULL: it was asked for once */
};

struct checkpoint_cache {
    pthread_mutex_t lock; /* of all below, but not of bytes that are in use */
    struct checkpoint_cached *files;
    unsigned int nr;
    uint64_t bytes, uses, most;
};

struct checkpoint_cache *checkpoint_cache_new(uint64_t most)
{
    struct checkpoint_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->most = most;
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void remove_file(struct checkpoint_cache *cache, struct checkpoint_cached **at)
{
    struct checkpoint_cached *file = *at;

    *at = file->next;
    cache->nr--;
    if (file->bytes)
        cache->bytes -= file->id.size;
    free(file->bytes);
    free(file);
}

void checkpoint_cache_free(struct checkpoint_cache *cache)
{
    if (!cache)
        return;
    while (cache->files)
        remove_file(cache, &cache->files);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Forgets the file that was used longest ago; false: all are in use. */
static bool evict(struct checkpoint_cache *cache)
{
    struct checkpoint_cached **at, **oldest = NULL;

    for (at = &cache->files; *at; at = &(*at)->next)
        if ((*at)->users == 0 && (!oldest || (*at)->last_use < (*oldest)->last_use))
            oldest = at;
    if (oldest)
        remove_file(cache, oldest);
    return oldest;
}

/* ---------------------------------------------------------------- files */

struct copy {
    const uint8_t *bytes;
    size_t size, at;
};

static ssize_t read_copy(void *opaque, void *buffer, size_t size)
{
    struct copy *copy = opaque;

    if (size > copy->size - copy->at)
        size = copy->size - copy->at;
    memcpy(buffer, copy->bytes + copy->at, size);
    copy->at += size;
    return (ssize_t)size;
}

static bool is_whole(const uint8_t *bytes, size_t size)
{
    struct checkpoint_reader *reader = calloc(1, sizeof(*reader));
    struct copy copy = {bytes, size, 0};
    struct chaos_error ignored;
    bool whole = reader && checkpoint_open(reader, read_copy, &copy, &ignored) == 0 &&
                 checkpoint_check(reader, &ignored) == 0;

    if (reader)
        checkpoint_release(reader);
    free(reader);
    return whole;
}

/* NULL: it cannot be read, or is no good, as one is that changes meanwhile. */
static uint8_t *load(int fd, const struct image_id *id)
{
    struct image_file file = {.fd = fd, .id = *id};
    struct image_source source = image_file_source(&file);
    uint8_t *bytes = malloc(id->size);

    if (bytes && source.read(source.opaque, 0, bytes, id->size) == 0 && is_whole(bytes, id->size))
        return bytes;
    free(bytes);
    return NULL;
}

/* ---------------------------------------------------------------- under the lock */

static struct checkpoint_cached *find(struct checkpoint_cache *cache, const struct image_id *id)
{
    struct checkpoint_cached *file;

    for (file = cache->files; file; file = file->next)
        if (image_id_equal(&file->id, id))
            break;
    if (file)
        file->last_use = ++cache->uses;
    return file;
}

/* In use if it is kept; *load: it is to be read. */
static struct checkpoint_cached *look_up(struct checkpoint_cache *cache, const struct image_id *id,
                                         bool often, bool *load)
{
    struct checkpoint_cached *file = find(cache, id);

    *load = often || file;
    if (file && file->bytes) {
        file->users++;
        return file;
    }
    if (file || (cache->nr == CHECKPOINT_CACHE_FILES && !evict(cache)))
        return NULL;
    file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    file->id = *id;
    file->last_use = ++cache->uses;
    file->next = cache->files;
    cache->files = file;
    cache->nr++;
    return NULL;
}

/* Takes the bytes over, if there is room, and nobody was faster. */
static struct checkpoint_cached *keep(struct checkpoint_cache *cache, const struct image_id *id,
                                      uint8_t *bytes)
{
    struct checkpoint_cached *file = find(cache, id);

    if (file)
        file->users++; /* stays while others go */
    while (file && !file->bytes && cache->bytes + id->size > cache->most)
        if (!evict(cache)) {
            file->users--;
            file = NULL;
        }
    if (file && !file->bytes) {
        file->bytes = bytes;
        cache->bytes += id->size;
        bytes = NULL;
    }
    free(bytes);
    return file;
}

/* ---------------------------------------------------------------- from any thread */

struct checkpoint_cached *checkpoint_cache_get(struct checkpoint_cache *cache, int fd, bool often)
{
    struct checkpoint_cached *file;
    struct image_id id;
    uint8_t *bytes;
    bool wanted;

    if (image_descriptor_id(fd, &id) < 0 || id.size > cache->most / 4 || !image_id_settled(&id))
        return NULL;
    pthread_mutex_lock(&cache->lock);
    file = look_up(cache, &id, often, &wanted);
    pthread_mutex_unlock(&cache->lock);
    if (file || !wanted)
        return file;
    bytes = load(fd, &id);
    if (!bytes)
        return NULL;
    pthread_mutex_lock(&cache->lock);
    file = keep(cache, &id, bytes);
    pthread_mutex_unlock(&cache->lock);
    return file;
}

void checkpoint_cache_put(struct checkpoint_cache *cache, struct checkpoint_cached *cached)
{
    pthread_mutex_lock(&cache->lock);
    cached->users--;
    pthread_mutex_unlock(&cache->lock);
}

const uint8_t *checkpoint_cached_bytes(const struct checkpoint_cached *cached, size_t *size)
{
    *size = (size_t)cached->id.size;
    return cached->bytes;
}
