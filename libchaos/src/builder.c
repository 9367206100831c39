// SPDX-License-Identifier: BSD-3-Clause
#include "builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include "cleanup.h"
#include "pagetables.h"

#define UNMAPPED UINT32_MAX

/*
 * What is being written: a list of frames, mapped in this order. Kernel pages without
 * file contents are not among them: Xen clears those, which is cheaper than to map them.
 */
struct window {
    uint64_t *frames;
    size_t nr, kept;       /* frames; so many of them stay mapped: Linux unmaps all or nothing */
    char *base, *rest;     /* of the kept ones, of the others */
    uint32_t *kernel_slot; /* of each kernel page; UNMAPPED */
    size_t ramdisk, p2m, start_info, tables, shared_info; /* slots */
    struct hv_mmu_op *ops;                                /* pages to clear */
    size_t nr_ops;
};

static size_t add_frames(struct window *window, const struct memory *memory, uint64_t pfn,
                         uint64_t nr)
{
    size_t slot = window->nr;

    while (nr > 0) {
        struct memory_run run = memory_run(memory, pfn);

        for (; run.nr > 0 && nr > 0; run.nr--, nr--, pfn++)
            window->frames[window->nr++] = run.frame++;
    }
    return slot;
}

static void add_clear(struct window *window, uint64_t frame)
{
    window->ops[window->nr_ops++] = (struct hv_mmu_op){.cmd = HV_MMU_CLEAR, .frame = frame};
}

/* Kernel pages with bytes from the file are mapped, the others only cleared. */
static void add_kernel(struct window *window, const struct build *build)
{
    const struct image *image = &build->files->image;
    const struct layout *layout = &build->layout;
    const uint64_t base = layout_address(layout, layout->kernel_pfn);
    uint64_t page, first, last;
    unsigned int i;

    for (i = 0; i < image->nr_segments; i++) {
        const struct image_segment *segment = &image->segment[i];

        if (segment->file_size == 0)
            continue;
        first = (segment->address - base) >> HV_PAGE_SHIFT;
        last = (segment->address + segment->file_size - 1 - base) >> HV_PAGE_SHIFT;
        for (page = first; page <= last; page++)
            if (window->kernel_slot[page] == UNMAPPED)
                window->kernel_slot[page] =
                    (uint32_t)add_frames(window, build->memory, layout->kernel_pfn + page, 1);
    }
    for (page = 0; page < layout->kernel_pages; page++)
        if (window->kernel_slot[page] == UNMAPPED)
            add_clear(window, memory_frame(build->memory, layout->kernel_pfn + page));
}

static void release_window(struct window *window)
{
    free(window->frames);
    free(window->kernel_slot);
    free(window->ops);
}

static int plan_window(struct window *window, const struct build *build, uint64_t shared_info)
{
    const struct layout *layout = &build->layout;
    const struct memory *memory = build->memory;
    size_t page, most = layout->kernel_pages + layout->ramdisk_pages + layout->p2m_pages +
                        layout->nr_tables + 2;

    window->frames = malloc(most * sizeof(*window->frames));
    window->kernel_slot = malloc(layout->kernel_pages * sizeof(*window->kernel_slot));
    window->ops = malloc((layout->kernel_pages + 2) * sizeof(*window->ops));
    if (!window->frames || !window->kernel_slot || !window->ops)
        return -ENOMEM;
    memset(window->kernel_slot, 0xff, layout->kernel_pages * sizeof(*window->kernel_slot));
    for (page = 0; build->keep && page < build->keep_pages; page++)
        window->kernel_slot[page] =
            (uint32_t)add_frames(window, memory, layout->kernel_pfn + page, 1);
    window->start_info = add_frames(window, memory, layout->start_info_pfn, 1);
    window->kept = build->keep ? window->nr : 0;
    add_kernel(window, build);
    window->ramdisk = add_frames(window, memory, layout->ramdisk_pfn, layout->ramdisk_pages);
    window->p2m = add_frames(window, memory, layout->p2m_pfn, layout->p2m_pages);
    window->tables = add_frames(window, memory, layout->tables_pfn, layout->nr_tables);
    window->shared_info = window->nr;
    window->frames[window->nr++] = shared_info;
    add_clear(window, build->console_frame);
    if (build->store_frame)
        add_clear(window, build->store_frame);
    return 0;
}

static char *slot_address(const struct window *window, size_t slot)
{
    return slot < window->kept ? window->base + slot * HV_PAGE_SIZE
                               : window->rest + (slot - window->kept) * HV_PAGE_SIZE;
}

/* Clears what the segment's file contents leave over in their first and last page. */
static void clear_edges(const struct window *window, const struct build *build,
                        const struct image_segment *segment)
{
    const uint64_t base = layout_address(&build->layout, build->layout.kernel_pfn);
    const uint64_t end = segment->address + segment->file_size;
    const uint64_t first = (segment->address - base) >> HV_PAGE_SHIFT;
    const uint64_t last = (end - 1 - base) >> HV_PAGE_SHIFT;

    if (segment->address % HV_PAGE_SIZE != 0)
        memset(slot_address(window, window->kernel_slot[first]), 0, HV_PAGE_SIZE);
    if (end % HV_PAGE_SIZE != 0)
        memset(slot_address(window, window->kernel_slot[last]), 0, HV_PAGE_SIZE);
}

static int load_segment(const struct window *window, const struct build *build,
                        const struct image_source *source, const struct image_segment *segment)
{
    const uint64_t base = layout_address(&build->layout, build->layout.kernel_pfn);
    uint64_t done = 0, part, address;
    int rc;

    /* Pages of one segment need not follow each other in the window: it may begin in a page
     * that the one before it brought in. */
    while (done < segment->file_size) {
        uint64_t page;
        uint32_t slot, next;

        address = segment->address + done - base;
        page = address >> HV_PAGE_SHIFT;
        slot = next = window->kernel_slot[page];
        part = HV_PAGE_SIZE - address % HV_PAGE_SIZE;
        while (part < segment->file_size - done && window->kernel_slot[++page] == ++next)
            part += HV_PAGE_SIZE;
        if (part > segment->file_size - done)
            part = segment->file_size - done;
        rc = source->read(source->opaque, segment->offset + done,
                          slot_address(window, slot) + address % HV_PAGE_SIZE, part);
        if (rc < 0)
            return rc;
        done += part;
    }
    return 0;
}

static int file_changed(struct chaos_error *err, int rc, const char *what, const char *path)
{
    if (rc == -ENODATA)
        return chaos_error_set(err, -ENOEXEC, CHAOS_EXIT_CONFIG,
                               "%s \"%s\": the file became shorter while it was read", what, path);
    return chaos_error_set(err, rc, CHAOS_EXIT_CONFIG, "%s \"%s\": cannot read it: %s", what, path,
                           strerror(-rc));
}

static int load_files(const struct window *window, const struct build *build,
                      struct chaos_error *err)
{
    struct boot_files *files = build->files;
    const uint64_t size = build->layout.ramdisk_size;
    unsigned int i;
    char *to;
    int rc;

    for (i = 0; i < files->image.nr_segments; i++)
        if (files->image.segment[i].file_size > 0)
            clear_edges(window, build, &files->image.segment[i]);
    for (i = 0; i < files->image.nr_segments; i++) {
        rc = load_segment(window, build, &files->kernel.source, &files->image.segment[i]);
        if (rc < 0)
            return file_changed(err, rc, "kernel", files->kernel.path);
    }
    if (size == 0)
        return 0;
    to = slot_address(window, window->ramdisk);
    rc = files->ramdisk.source.read(files->ramdisk.source.opaque, 0, to, size);
    if (rc < 0)
        return file_changed(err, rc, "ramdisk", files->ramdisk.path);
    memset(to + size, 0, build->layout.ramdisk_pages * HV_PAGE_SIZE - size);
    return 0;
}

static void write_p2m(const struct window *window, const struct build *build)
{
    uint64_t *p2m = (uint64_t *)slot_address(window, window->p2m);
    const uint64_t *end = p2m + build->layout.p2m_pages * (HV_PAGE_SIZE / sizeof(*p2m));
    uint64_t pfn = 0;

    while (pfn < build->layout.pages) {
        struct memory_run run = memory_run(build->memory, pfn);

        for (pfn += run.nr; run.nr > 0; run.nr--)
            *p2m++ = run.frame++;
    }
    while (p2m < end)
        *p2m++ = 0;
}

static void write_start_info(const struct window *window, const struct build *build)
{
    const struct layout *layout = &build->layout;
    struct start_info *info = (struct start_info *)slot_address(window, window->start_info);
    static const char magic[] = "xen-3.0-x86_64";
    size_t length = strlen(build->cmdline);

    memset(info, 0, HV_PAGE_SIZE);
    memcpy(info->magic, magic, sizeof(magic));
    info->nr_pages = layout->pages;
    info->shared_info = window->frames[window->shared_info] << HV_PAGE_SHIFT;
    info->console.domU.mfn = build->console_frame;
    info->console.domU.evtchn = build->console_port;
    if (build->store_frame) {
        info->store_mfn = build->store_frame;
        info->store_evtchn = build->store_port;
    }
    info->pt_base = layout_address(layout, layout->tables_pfn);
    info->nr_pt_frames = layout->nr_tables;
    info->mfn_list = layout_address(layout, layout->p2m_pfn);
    if (layout->ramdisk_size > 0) {
        info->mod_start = layout_address(layout, layout->ramdisk_pfn);
        info->mod_len = layout->ramdisk_size;
    }
    if (length >= sizeof(info->cmd_line))
        length = sizeof(info->cmd_line) - 1;
    memcpy(info->cmd_line, build->cmdline, length);
}

/* Xen cleared this page; only upcalls are to be masked until the guest wants them. */
static void write_shared_info(const struct window *window)
{
    struct shared_info *shared = (struct shared_info *)slot_address(window, window->shared_info);
    size_t i;

    for (i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        shared->vcpu_info[i].evtchn_upcall_mask = 1;
}

static int write_window(struct window *window, const struct build *build, struct chaos_error *err)
{
    int rc = load_files(window, build, err);

    if (rc < 0)
        return rc;
    if (build->keep)
        memset(window->base, 0, build->keep_pages * HV_PAGE_SIZE);
    write_p2m(window, build);
    write_start_info(window, build);
    write_shared_info(window);
    pagetables_fill(&build->layout, build->memory,
                    (uint64_t *)slot_address(window, window->tables));
    return 0;
}

static void unmap_window(struct hv *hv, struct window *window, bool keep)
{
    if (window->rest)
        hv->ops->unmap(hv, window->rest, window->nr - window->kept);
    if (keep || !window->base)
        return;
    hv->ops->unmap(hv, window->base, window->kept);
    window->base = NULL;
}

static int map_window(struct hv *hv, struct window *window, uint32_t domid)
{
    const size_t kept = window->kept;
    void *address;
    int rc;

    if (kept > 0) {
        rc = hv->ops->map(hv, domid, window->frames, kept, true, &address);
        if (rc < 0)
            return rc;
        window->base = address;
    }
    rc = hv->ops->map(hv, domid, window->frames + kept, window->nr - kept, true, &address);
    if (rc < 0)
        unmap_window(hv, window, false);
    else
        window->rest = address;
    return rc;
}

int build_memory(struct hv *hv, struct build *build, struct chaos_error *err)
{
    cleanup(release_window) struct window window = {0};
    struct hv_info info;
    int rc;

    build->console_frame = memory_frame(build->memory, build->layout.console_pfn);
    if (build->layout.store_pfn)
        build->store_frame = memory_frame(build->memory, build->layout.store_pfn);
    rc = hv->ops->info(hv, build->domid, &info);
    if (rc < 0)
        return hv_error(err, rc, "ask Xen about it");
    rc = plan_window(&window, build, info.shared_info_frame);
    if (rc < 0)
        return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = hv->ops->mmu(hv, build->domid, window.ops, window.nr_ops);
    if (rc < 0)
        return hv_error(err, rc, "clear its memory");
    rc = map_window(hv, &window, build->domid);
    if (rc < 0)
        return hv_error(err, rc, "map its memory");
    rc = write_window(&window, build, err);
    unmap_window(hv, &window, rc == 0);
    build->kept = window.base;
    return rc;
}

int build_hypercall_page(struct hv *hv, const struct build *build, struct chaos_error *err)
{
    const struct image *image = &build->files->image;
    uint64_t pfn;
    int rc;

    if (!image->has_hypercall_page)
        return 0;
    pfn = (image->hypercall_page - build->layout.virt_base) >> HV_PAGE_SHIFT;
    rc = hv->ops->hypercall_page(hv, build->domid, memory_frame(build->memory, pfn));
    return rc < 0 ? hv_error(err, rc, "fill its hypercall page") : 0;
}

int build_entry(struct hv *hv, const struct build *build, struct chaos_error *err)
{
    const struct layout *layout = &build->layout;
    const struct hv_vcpu vcpu = {
        .entry = build->files->image.entry,
        .stack = layout_address(layout, layout->stack_pfn + 1),
        .start_info = layout_address(layout, layout->start_info_pfn),
        .root_frame = memory_frame(build->memory, layout->tables_pfn),
    };
    int rc = hv->ops->set_vcpu(hv, build->domid, &vcpu);

    return rc < 0 ? hv_error(err, rc, "set its first vcpu") : 0;
}

static int pin(struct hv *hv, uint32_t domid, uint64_t root_frame, enum hv_mmu_cmd cmd)
{
    const struct hv_mmu_op op = {.cmd = cmd, .frame = root_frame};

    return hv->ops->mmu(hv, domid, &op, 1);
}

int build_vcpu(struct hv *hv, struct build *build, struct chaos_error *err)
{
    const uint64_t root_frame = memory_frame(build->memory, build->layout.tables_pfn);
    int rc = pin(hv, build->domid, root_frame, HV_MMU_PIN);

    if (rc < 0)
        return hv_error(err, rc, "pin its page tables");
    rc = build_hypercall_page(hv, build, err);
    return rc < 0 ? rc : build_entry(hv, build, err);
}

int build_undo_vcpu(struct hv *hv, uint32_t domid, uint64_t root_frame, struct chaos_error *err)
{
    int rc = hv->ops->reset_vcpu(hv, domid);

    if (rc < 0)
        return hv_error(err, rc, "reset its first vcpu");
    rc = pin(hv, domid, root_frame, HV_MMU_UNPIN);
    return rc < 0 ? hv_error(err, rc, "unpin its page tables") : 0;
}
