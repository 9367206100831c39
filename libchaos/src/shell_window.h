/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages of a shell that dom0 has mapped since it was prepared: what execute writes to. */
#ifndef CHAOS_SHELL_WINDOW_H
#define CHAOS_SHELL_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#include "boot_files.h"
#include "hv.h"
#include "layout.h"
#include "memory.h"

struct shell_window {
    uint64_t start_info_pfn;
    size_t kernel_pages; /* from pfn 0 on; 0: the kernel is there already */
    char *base;          /* these, then the start info; NULL: not mapped */
    char *rest;          /* more of the kernel, mapped for one that is larger */
    size_t rest_pages;
};

/* start_info_pfn and kernel_pages are set. */
int shell_window_map(struct shell_window *window, struct hv *hv, uint32_t domid,
                     const struct memory *memory, struct chaos_error *err);
void shell_window_unmap(struct shell_window *window, struct hv *hv);

/* Copies a kernel that fits the template into pages that are still clear. */
int shell_window_load(struct shell_window *window, struct hv *hv, uint32_t domid,
                      const struct memory *memory, const struct boot_files *files,
                      struct chaos_error *err);
void shell_window_set_cmdline(struct shell_window *window, const char *cmdline);

#endif
