// SPDX-License-Identifier: BSD-3-Clause
#include "template.h"

#include <string.h>

#include "hv.h"

/* A page more costs 2 us in prepare; a guest gets back what its kernel leaves. */
#define ROOM_MIN 32u
#define ROOM_MAX 256u

static uint64_t room(uint64_t pages)
{
    const uint64_t part = pages / 12;

    return part < ROOM_MIN ? ROOM_MIN : part > ROOM_MAX ? ROOM_MAX : part;
}

void template_image(uint64_t pages, struct image *out)
{
    memset(out, 0, sizeof(*out));
    out->virt_base = out->start = out->entry = TEMPLATE_BASE;
    out->end = TEMPLATE_BASE + room(pages) * HV_PAGE_SIZE;
    out->has_boot_window = true;
}

bool template_fits(const struct layout *template, const struct image *image, uint64_t ramdisk_size)
{
    const uint64_t mapped = template->mapped_pages << HV_PAGE_SHIFT;

    return ramdisk_size == 0 && image->virt_base == template->virt_base &&
           image->start >= image->virt_base && image->has_boot_window &&
           image->boot_window <= mapped &&
           image->end - image->virt_base <= template->kernel_pages << HV_PAGE_SHIFT;
}
