/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest kernel or ramdisk: a file of somebody else's, so every byte of it is suspect. Only
 * headers and notes are read into our memory; segments go from the file to the guest unread.
 */
#ifndef CHAOS_IMAGE_H
#define CHAOS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#define IMAGE_SEGMENTS_MAX     16
#define IMAGE_FILE_MAX         (1ull << 30)
#define IMAGE_MEMORY_MAX       (1ull << 30) /* from the first to the last byte of a kernel */

/* Note of our own in a kernel: owner "chaos". Its value is how many bytes from VIRT_BASE on the
 * kernel wants mapped at the start, at most its memory; boot data is always mapped. */
#define IMAGE_NOTE_BOOT_WINDOW 1

struct image_source {
    /* Reads exactly length bytes; 0 or a negative errno (-ENODATA: the file ends before). */
    int (*read)(void *opaque, uint64_t offset, void *buffer, size_t length);
    void *opaque;
    uint64_t size;
};

struct image_segment {
    uint64_t address; /* virtual */
    uint64_t memory_size;
    uint64_t offset; /* in the file */
    uint64_t file_size;
};

struct image {
    uint64_t virt_base;
    uint64_t start, end; /* virtual addresses, end not included */
    uint64_t entry;
    uint64_t hypercall_page; /* if has_hypercall_page: a newer Linux makes its own */
    uint64_t boot_window;    /* bytes, if has_boot_window */
    bool has_hypercall_page, has_boot_window;
    unsigned int nr_segments; /* ascending, not overlapping */
    struct image_segment segment[IMAGE_SEGMENTS_MAX];
};

/* A 64-bit x86 PV kernel. The texts say what is wrong, not with which file. */
int image_elf_parse(const struct image_source *source, struct image *out, struct chaos_error *err);

/* Which contents a file has: two equal ones are of the same. */
struct image_id {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns;
};

struct image_file {
    int fd;
    struct image_id id;
};

/* A regular, not empty file of at most IMAGE_FILE_MAX; `what` names it in errors ("kernel"). */
int image_file_open(struct image_file *file, const char *what, const char *path,
                    struct chaos_error *err);
/* Without opening it. */
int image_file_id(const char *what, const char *path, struct image_id *out,
                  struct chaos_error *err);
/* -EINVAL: it is no file that an image could be. */
int image_descriptor_id(int fd, struct image_id *out);
bool image_id_equal(const struct image_id *a, const struct image_id *b);
/* False: a change of the file in this very moment might leave it the same. */
bool image_id_settled(const struct image_id *id);
void image_file_close(struct image_file *file);
struct image_source image_file_source(struct image_file *file);

#endif
