// SPDX-License-Identifier: BSD-3-Clause
/* How far a shell of a flavour is made ready before its guest is known. */
#include "shell_record.h"

static void template_layout(struct shell *shell)
{
    const uint64_t pages = (uint64_t)shell->flavour.memory_mib << 8;
    struct chaos_error err;
    struct image image;

    template_image(pages, &image);
    /* A guest on XenStore is introduced with the ring's frame, which then cannot change: bare. */
    if (shell->flavour.bus != CHAOS_BUS_NOXS ||
        layout_compute(&image, 0, pages, false, &shell->layout, &err) < 0)
        return;
    shell->kind = SHELL_TEMPLATE;
    shell->window.kernel_pages = TEMPLATE_WINDOW_PAGES;
    shell->window.start_info_pfn = shell->layout.start_info_pfn;
}

void shell_set_kind(struct shell *shell)
{
    shell->kind = SHELL_BARE;
    if (shell->flavour.kernel[0])
        shell->kind = SHELL_WARM;
    else
        template_layout(shell);
}
