// SPDX-License-Identifier: BSD-3-Clause
#include "image_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 3

struct image_cache {
    pthread_mutex_t lock; /* of all below, and what is in the files but for their bytes */
    struct image_cached *files;
    uint64_t bytes, uses;
};

struct image_cache *image_cache_new(void)
{
    struct image_cache *cache = calloc(1, sizeof(*cache));

    if (cache)
        pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void remove_file(struct image_cache *cache, struct image_cached **at)
{
    struct image_cached *file = *at;

    *at = file->next;
    cache->bytes -= file->id.size;
    free(file);
}

void image_cache_free(struct image_cache *cache)
{
    if (!cache)
        return;
    while (cache->files)
        remove_file(cache, &cache->files);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Frees the file that was used longest ago; false: all are in use. */
static bool evict(struct image_cache *cache)
{
    struct image_cached **at, **oldest = NULL;

    for (at = &cache->files; *at; at = &(*at)->next)
        if ((*at)->users == 0 && (!oldest || (*at)->last_use < (*oldest)->last_use))
            oldest = at;
    if (oldest)
        remove_file(cache, oldest);
    return oldest;
}

/* -EAGAIN: it changed while it was read. */
static int read_once(const char *what, const char *path, struct image_cached **out,
                     struct chaos_error *err)
{
    struct image_file file;
    struct image_source source;
    struct image_cached *cached;
    struct image_id after;
    int rc = image_file_open(&file, what, path, err);

    if (rc < 0)
        return rc;
    cached = file.id.size > IMAGE_CACHE_BYTES ? NULL : malloc(sizeof(*cached) + file.id.size);
    if (!cached) {
        image_file_close(&file);
        return -EFBIG;
    }
    *cached = (struct image_cached){.id = file.id, .settled = image_id_settled(&file.id)};
    source = image_file_source(&file);
    rc = source.read(source.opaque, 0, cached->bytes, file.id.size);
    image_file_close(&file);
    if (rc == 0 && image_file_id(what, path, &after, err) == 0 &&
        image_id_equal(&cached->id, &after)) {
        *out = cached;
        return 0;
    }
    free(cached);
    return chaos_error_set(
        err, rc < 0 && rc != -ENODATA ? rc : -EAGAIN, CHAOS_EXIT_CONFIG, "%s \"%s\": %s", what,
        path, rc < 0 && rc != -ENODATA ? strerror(-rc) : "the file changes while it is read");
}

static int read_file(const char *what, const char *path, struct image_cached **out,
                     struct chaos_error *err)
{
    int tries = 0, rc;

    do
        rc = read_once(what, path, out, err);
    while (rc == -EAGAIN && ++tries < TRIES);
    return rc;
}

/* Under the lock, as evict and insert. */
static struct image_cached *find(struct image_cache *cache, const struct image_id *id)
{
    struct image_cached **at;

    for (at = &cache->files; *at; at = &(*at)->next) {
        if (!image_id_equal(&(*at)->id, id))
            continue;
        if ((*at)->settled)
            return *at;
        if ((*at)->users == 0)
            remove_file(cache, at);
        return NULL;
    }
    return NULL;
}

static void insert(struct image_cache *cache, struct image_cached *file)
{
    while (cache->bytes + file->id.size > IMAGE_CACHE_BYTES && evict(cache))
        ;
    cache->bytes += file->id.size;
    file->cache = cache;
    file->next = cache->files;
    cache->files = file;
}

/* The file that is kept by that id, or else `read` from now on (NULL: none was read). */
static struct image_cached *use(struct image_cache *cache, const struct image_id *id,
                                struct image_cached *read)
{
    struct image_cached *file;

    pthread_mutex_lock(&cache->lock);
    file = find(cache, id);
    if (file)
        free(read);
    else if (read)
        insert(cache, file = read);
    if (file) {
        file->users++;
        file->last_use = ++cache->uses;
    }
    pthread_mutex_unlock(&cache->lock);
    return file;
}

int image_cache_get(struct image_cache *cache, const char *what, const char *path,
                    struct image_cached **out, struct chaos_error *err)
{
    struct image_cached *read = NULL;
    struct image_id id;
    int rc = image_file_id(what, path, &id, err);

    if (rc < 0)
        return rc;
    *out = use(cache, &id, NULL);
    if (*out)
        return 0;
    rc = read_file(what, path, &read, err);
    if (rc == 0)
        *out = use(cache, &read->id, read);
    return rc;
}

void image_cache_put(struct image_cached *file)
{
    if (!file)
        return;
    pthread_mutex_lock(&file->cache->lock);
    file->users--;
    pthread_mutex_unlock(&file->cache->lock);
}

static int read_bytes(void *opaque, uint64_t offset, void *buffer, size_t length)
{
    const struct image_cached *file = opaque;

    if (offset > file->id.size || length > file->id.size - offset)
        return -ENODATA;
    memcpy(buffer, file->bytes + offset, length);
    return 0;
}

struct image_source image_cached_source(struct image_cached *file)
{
    return (struct image_source){.read = read_bytes, .opaque = file, .size = file->id.size};
}

int image_cached_parse(struct image_cached *file, struct chaos_error *err)
{
    struct image_source source = image_cached_source(file);
    int rc;

    pthread_mutex_lock(&file->cache->lock);
    rc = file->parsed ? 0 : image_elf_parse(&source, &file->image, err);
    file->parsed = rc == 0;
    pthread_mutex_unlock(&file->cache->lock);
    return rc;
}
