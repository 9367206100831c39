/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel and its ramdisk, open and found to be sound. */
#ifndef CHAOS_BOOT_FILES_H
#define CHAOS_BOOT_FILES_H

#include "image.h"
#include "image_cache.h"

struct boot_file {
    const char *path;
    struct image_id id; /* size 0: there is no such file */
    struct image_source source;
    struct image_file file;
    struct image_cached *cached; /* NULL: it is read from `file` */
};

struct boot_files {
    struct boot_file kernel, ramdisk;
    struct image image;
};

#define BOOT_FILES_NONE                                                                            \
    {                                                                                              \
        .kernel.file.fd = -1, .ramdisk.file.fd = -1                                                \
    }

/* cache may be NULL, ramdisk too. The paths are kept, not copied; files must not move. */
int boot_files_open(struct boot_files *files, struct image_cache *cache, const char *kernel,
                    const char *ramdisk, struct chaos_error *err);
void boot_files_close(struct boot_files *files);

#endif
