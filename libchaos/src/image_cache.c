// SPDX-License-Identifier: BSD-3-Clause
#include "image_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 3

struct image_cache {
    struct image_cached *files;
    uint64_t bytes, uses;
};

struct image_cache *image_cache_new(void)
{
    return calloc(1, sizeof(struct image_cache));
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

static int read_file(struct image_cache *cache, const char *what, const char *path,
                     struct image_cached **out, struct chaos_error *err)
{
    int tries = 0, rc;

    do
        rc = read_once(what, path, out, err);
    while (rc == -EAGAIN && ++tries < TRIES);
    if (rc < 0)
        return rc;
    while (cache->bytes + (*out)->id.size > IMAGE_CACHE_BYTES && evict(cache))
        ;
    cache->bytes += (*out)->id.size;
    (*out)->next = cache->files;
    cache->files = *out;
    return 0;
}

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

int image_cache_get(struct image_cache *cache, const char *what, const char *path,
                    struct image_cached **out, struct chaos_error *err)
{
    struct image_cached *file;
    struct image_id id;
    int rc = image_file_id(what, path, &id, err);

    if (rc < 0)
        return rc;
    file = find(cache, &id);
    if (!file)
        rc = read_file(cache, what, path, &file, err);
    if (rc < 0)
        return rc;
    file->users++;
    file->last_use = ++cache->uses;
    *out = file;
    return 0;
}

void image_cache_put(struct image_cached *file)
{
    if (file)
        file->users--;
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
    int rc = file->parsed ? 0 : image_elf_parse(&source, &file->image, err);

    file->parsed = rc == 0;
    return rc;
}
