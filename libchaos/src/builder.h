/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts a PV guest's kernel, boot data and page tables into its memory, and readies its vcpu 0. */
#ifndef CHAOS_BUILDER_H
#define CHAOS_BUILDER_H

#include <stdint.h>

#include <chaos/error.h>

#include "hv.h"
#include "image.h"
#include "layout.h"
#include "memory.h"

/* A kernel and its ramdisk, open and found to be sound. */
struct boot_files {
    struct image_file kernel, ramdisk; /* ramdisk.fd -1: none */
    const char *kernel_path, *ramdisk_path;
    struct image image;
};

#define BOOT_FILES_NONE                                                                            \
    {                                                                                              \
        .kernel = {.fd = -1}, .ramdisk = {.fd = -1 }                                               \
    }

/* The paths are kept, not copied. */
int boot_files_open(struct boot_files *files, const char *kernel, const char *ramdisk,
                    struct chaos_error *err);
void boot_files_close(struct boot_files *files);

struct build {
    uint32_t domid;
    const struct memory *memory;
    struct boot_files *files;
    struct layout layout; /* by layout_compute */
    const char *cmdline;
    uint32_t console_port, store_port; /* store_port: if the layout has a page for its ring */
    uint64_t console_frame;            /* out */
    uint64_t store_frame;              /* out; 0: none */
};

/* Writes the guest's memory: one mapping for all that has contents. */
int build_memory(struct hv *hv, struct build *build, struct chaos_error *err);
/* Pins its page tables, fills its hypercall page, sets its first vcpu. */
int build_vcpu(struct hv *hv, struct build *build, struct chaos_error *err);

#endif
