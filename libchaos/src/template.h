/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of a shell that takes any kernel: boot data and page tables as if for a kernel at the
 * address where our guests are, with room below them. A kernel that fits needs to be copied and
 * no more; any other is built anew.
 */
#ifndef CHAOS_TEMPLATE_H
#define CHAOS_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "layout.h"

#define TEMPLATE_BASE         0x400000ull
#define TEMPLATE_WINDOW_PAGES 16u /* of the room for the kernel, kept mapped in dom0 */

/* A kernel without contents, for layout_compute and build_memory. */
void template_image(uint64_t pages, struct image *out);
/* template: layout_compute's of template_image. */
bool template_fits(const struct layout *template, const struct image *image, uint64_t ramdisk_size);

#endif
