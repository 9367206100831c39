// SPDX-License-Identifier: BSD-3-Clause
#include "shell_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include "cleanup.h"

static int map_pages(struct hv *hv, uint32_t domid, const struct memory *memory, uint64_t pfn,
                     size_t nr, uint64_t last_pfn, char **out, struct chaos_error *err)
{
    const size_t all = nr + (last_pfn != 0);
    cleanup_free uint64_t *frames = malloc(all * sizeof(*frames));
    void *address;
    size_t i;
    int rc;

    if (!frames)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    for (i = 0; i < nr; i++)
        frames[i] = memory_frame(memory, pfn + i);
    if (last_pfn)
        frames[nr] = memory_frame(memory, last_pfn);
    rc = hv->ops->map(hv, domid, frames, all, true, &address);
    if (rc < 0)
        return hv_error(err, rc, "map its memory");
    *out = address;
    return 0;
}

int shell_window_map(struct shell_window *window, struct hv *hv, uint32_t domid,
                     const struct memory *memory, struct chaos_error *err)
{
    return map_pages(hv, domid, memory, 0, window->kernel_pages, window->start_info_pfn,
                     &window->base, err);
}

void shell_window_unmap(struct shell_window *window, struct hv *hv)
{
    if (window->base)
        hv->ops->unmap(hv, window->base, window->kernel_pages + 1);
    if (window->rest)
        hv->ops->unmap(hv, window->rest, window->rest_pages);
    window->base = window->rest = NULL;
}

/* Bytes of the file that lie in [offset, offset + length) of the guest's kernel room. */
static int copy(const struct image_source *source, const struct image_segment *segment,
                uint64_t virt_base, char *to, uint64_t room_start, uint64_t room_end)
{
    uint64_t start = segment->address - virt_base, end = start + segment->file_size;

    if (start < room_start)
        start = room_start;
    if (end > room_end)
        end = room_end;
    if (start >= end)
        return 0;
    return source->read(source->opaque, segment->offset + (start + virt_base - segment->address),
                        to + (start - room_start), end - start);
}

static uint64_t contents_end(const struct image *image)
{
    uint64_t end = image->virt_base;
    unsigned int i;

    for (i = 0; i < image->nr_segments; i++)
        if (image->segment[i].file_size > 0)
            end = image->segment[i].address + image->segment[i].file_size;
    return end - image->virt_base;
}

static int load_failed(struct chaos_error *err, int rc, const char *path)
{
    return chaos_error_set(
        err, rc == -ENODATA ? -ENOEXEC : rc, CHAOS_EXIT_CONFIG, "kernel \"%s\": %s", path,
        rc == -ENODATA ? "the file became shorter while it was read" : strerror(-rc));
}

int shell_window_load(struct shell_window *window, struct hv *hv, uint32_t domid,
                      const struct memory *memory, const struct boot_files *files,
                      struct chaos_error *err)
{
    const struct image_source *source = &files->kernel.source;
    const struct image *image = &files->image;
    const uint64_t split = window->kernel_pages * HV_PAGE_SIZE, end = contents_end(image);
    unsigned int i;
    int rc = 0;

    if (end > split) {
        window->rest_pages = (end - split + HV_PAGE_SIZE - 1) >> HV_PAGE_SHIFT;
        rc = map_pages(hv, domid, memory, window->kernel_pages, window->rest_pages, 0,
                       &window->rest, err);
        if (rc < 0)
            return rc;
    }
    for (i = 0; i < image->nr_segments && rc == 0; i++) {
        rc = copy(source, &image->segment[i], image->virt_base, window->base, 0, split);
        if (rc == 0 && window->rest)
            rc = copy(source, &image->segment[i], image->virt_base, window->rest, split, end);
    }
    return rc < 0 ? load_failed(err, rc, files->kernel.path) : 0;
}

void shell_window_set_cmdline(struct shell_window *window, const char *cmdline)
{
    struct start_info *info =
        (struct start_info *)(window->base + window->kernel_pages * HV_PAGE_SIZE);

    strcpy((char *)info->cmd_line, cmdline);
}
