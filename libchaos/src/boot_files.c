// SPDX-License-Identifier: BSD-3-Clause
/* A kernel and its ramdisk, from their files or from the cache. */
#include "boot_files.h"

#include <errno.h>

static int open_file(struct boot_file *file, struct image_cache *cache, const char *what,
                     struct chaos_error *err)
{
    int rc = -EFBIG;

    if (cache)
        rc = image_cache_get(cache, what, file->path, &file->cached, err);
    if (rc == 0) {
        file->source = image_cached_source(file->cached);
        file->id = file->cached->id;
        return 0;
    }
    if (rc != -EFBIG)
        return rc;
    rc = image_file_open(&file->file, what, file->path, err);
    if (rc < 0)
        return rc;
    file->source = image_file_source(&file->file);
    file->id = file->file.id;
    return 0;
}

static void close_file(struct boot_file *file)
{
    image_file_close(&file->file);
    image_cache_put(file->cached);
    file->cached = NULL;
}

static int parse(struct boot_files *files, struct chaos_error *err)
{
    struct image_cached *cached = files->kernel.cached;
    int rc;

    if (!cached)
        return image_elf_parse(&files->kernel.source, &files->image, err);
    rc = image_cached_parse(cached, err);
    if (rc == 0)
        files->image = cached->image;
    return rc;
}

int boot_files_open(struct boot_files *files, struct image_cache *cache, const char *kernel,
                    const char *ramdisk, struct chaos_error *err)
{
    int rc;

    files->kernel.path = kernel;
    files->ramdisk.path = ramdisk;
    rc = open_file(&files->kernel, cache, "kernel", err);
    if (rc < 0)
        return rc;
    rc = parse(files, err);
    if (rc < 0)
        chaos_error_wrap(err, "kernel \"%s\"", kernel);
    else if (ramdisk)
        rc = open_file(&files->ramdisk, cache, "ramdisk", err);
    if (rc < 0)
        boot_files_close(files);
    return rc;
}

void boot_files_close(struct boot_files *files)
{
    close_file(&files->kernel);
    close_file(&files->ramdisk);
}
