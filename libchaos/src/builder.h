/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts a PV guest's kernel, boot data and page tables into its memory, and readies its vcpu 0. */
#ifndef CHAOS_BUILDER_H
#define CHAOS_BUILDER_H

#include <stdint.h>

#include <chaos/error.h>

#include "boot_files.h"
#include "hv.h"
#include "layout.h"
#include "memory.h"

struct build {
    uint32_t domid;
    const struct memory *memory;
    struct boot_files *files;
    struct layout layout; /* by layout_compute */
    const char *cmdline;
    uint32_t console_port, store_port; /* store_port: if the layout has a page for its ring */
    uint64_t console_frame;            /* out */
    uint64_t store_frame;              /* out; 0: none */
    /* To leave some of it mapped: so many pages of a kernel without contents, then the start info.
     */
    bool keep;
    size_t keep_pages;
    char *kept; /* out: where; the caller unmaps it */
};

/* Writes the guest's memory: one mapping for all that has contents. */
int build_memory(struct hv *hv, struct build *build, struct chaos_error *err);
/* Pins its page tables, fills its hypercall page, sets its first vcpu. */
int build_vcpu(struct hv *hv, struct build *build, struct chaos_error *err);
/* The second and the third of these alone. */
int build_hypercall_page(struct hv *hv, const struct build *build, struct chaos_error *err);
int build_entry(struct hv *hv, const struct build *build, struct chaos_error *err);
/* Undoes build_vcpu, given the frame of the level 4 table: the memory can be written anew. */
int build_undo_vcpu(struct hv *hv, uint32_t domid, uint64_t root_frame, struct chaos_error *err);

#endif
