// SPDX-License-Identifier: BSD-3-Clause
#include "guest_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include "checkpoint_format.h"
#include "cleanup.h"
#include "noxs_suspend.h"

_Static_assert(HV_PAGE_TABLE1 == 1 && HV_PAGE_TABLE4 == 4, "types of tables are their levels");

#define ENTRIES    (HV_PAGE_SIZE / sizeof(uint64_t))
#define PTE_LARGE  0x80ull
/* A guest record has to hold them. */
#define LEAVES_MAX 130000u

/* What the guest says in the page that it shares with Xen, copied once. */
struct told {
    uint64_t max_pfn, cr3, address;
    uint32_t upcall_mask;
    struct noxs_unused unused;
};

static int no_memory(struct chaos_error *err)
{
    return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
}

/* One page of the guest's, copied. */
union page {
    uint8_t bytes[HV_PAGE_SIZE];
    uint64_t entry[ENTRIES];
    struct shared_info shared;
};

static int read_told(struct hv *hv, const struct hv_info *info, union page *page, struct told *out,
                     struct chaos_error *err)
{
    unsigned int i;
    int rc = hv->ops->read_pages(hv, info->domid, &info->shared_info_frame, 1, page);

    if (rc < 0)
        return hv_error(err, rc, "read its shared info");
    *out = (struct told){.max_pfn = page->shared.arch.max_pfn,
                         .cr3 = page->shared.arch.p2m_cr3,
                         .address = page->shared.arch.p2m_vaddr};
    for (i = 0; i < info->vcpus && i < XEN_LEGACY_MAX_VCPUS; i++)
        if (page->shared.vcpu_info[i].evtchn_upcall_mask)
            out->upcall_mask |= 1u << i;
    memcpy(&out->unused, page->bytes + NOXS_UNUSED_OFFSET, sizeof(out->unused));
    if (out->cr3 == 0 || out->address == 0 || out->max_pfn == 0)
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                               "its kernel does not tell where its table of frames is");
    return 0;
}

/* ---------------------------------------------------------------- its page tables */

/* The level 1 table behind a virtual address. */
static int read_level1(struct hv *hv, uint32_t domid, uint64_t root, uint64_t address,
                       union page *table)
{
    uint64_t frame = root, entry;
    unsigned int level;
    int rc;

    for (level = 4; level > 1; level--) {
        rc = hv->ops->read_pages(hv, domid, &frame, 1, table);
        if (rc < 0)
            return rc;
        entry = table->entry[address >> (3 + 9 * level) & (ENTRIES - 1)];
        if (!(entry & PTE_PRESENT) || entry & PTE_LARGE)
            return -EFAULT;
        frame = (entry & PTE_FRAME) >> PTE_FRAME_SHIFT;
    }
    return hv->ops->read_pages(hv, domid, &frame, 1, table);
}

/* The frames of the pages that its table lies in: as many at once as one level 1 table tells. */
static int walk(struct hv *hv, uint32_t domid, const struct told *told, union page *table,
                uint64_t *leaf, size_t nr)
{
    uint64_t address = told->address;
    size_t i = 0, at;
    int rc;

    while (i < nr) {
        rc = read_level1(hv, domid, xen_cr3_to_pfn(told->cr3), address, table);
        if (rc < 0)
            return rc;
        at = address >> HV_PAGE_SHIFT & (ENTRIES - 1);
        for (; i < nr && at < ENTRIES; i++, at++, address += HV_PAGE_SIZE) {
            if (!(table->entry[at] & PTE_PRESENT))
                return -EFAULT;
            leaf[i] = (table->entry[at] & PTE_FRAME) >> PTE_FRAME_SHIFT;
        }
    }
    return 0;
}

static int find_leaves(struct hv *hv, uint32_t domid, const struct told *told, union page *table,
                       uint64_t *leaf, size_t nr, struct chaos_error *err)
{
    int rc = walk(hv, domid, told, table, leaf, nr);

    if (rc < 0)
        return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE,
                               "its table of frames is not where its kernel says (0x%llx)",
                               (unsigned long long)told->address);
    return 0;
}

/* ---------------------------------------------------------------- the table */

/* No more than a hint: it is read as far as it makes sense. */
static void mark_unused(struct guest_frames *frames, const struct noxs_unused *unused)
{
    uint64_t pfn, end = 0;
    uint32_t i;

    if (unused->magic != NOXS_UNUSED_MAGIC)
        return;
    for (i = 0; i < unused->nr && i < NOXS_UNUSED_RANGES; i++) {
        pfn = unused->range[i].first;
        if (pfn < end || pfn + unused->range[i].nr > frames->pages)
            return;
        for (end = pfn + unused->range[i].nr; pfn < end; pfn++)
            frames->type[pfn] = GUEST_PAGE_UNUSED;
    }
}

/* Xen is asked about pages that are used only, in runs. */
static int read_types(struct hv *hv, uint32_t domid, struct guest_frames *frames)
{
    uint64_t first, end = 0;
    int rc = 0;

    while (rc == 0 && end < frames->pages) {
        for (first = end; first < frames->pages && frames->type[first]; first++)
            ;
        for (end = first; end < frames->pages && !frames->type[end]; end++)
            ;
        if (first < end)
            rc = hv->ops->page_types(hv, domid, frames->frame + first, end - first,
                                     frames->type + first);
    }
    return rc;
}

static int read_table(struct hv *hv, uint32_t domid, const uint64_t *leaf, size_t nr_leaves,
                      struct guest_frames *frames, struct chaos_error *err)
{
    int rc = hv->ops->read_pages(hv, domid, leaf, nr_leaves, frames->frame);

    if (rc < 0)
        return hv_error(err, rc, "read its table of frames");
    rc = read_types(hv, domid, frames);
    return rc < 0 ? hv_error(err, rc, "ask what its pages are") : 0;
}

static int by_frame(const void *a, const void *b)
{
    const struct frame_run *one = a, *other = b;

    return one->frame < other->frame ? -1 : one->frame > other->frame;
}

/* Every page has a frame of the domain's, and none has another's. */
static int invert(struct guest_frames *frames, struct chaos_error *err)
{
    uint64_t pfn;
    size_t i, nr = 1;

    for (pfn = 1; pfn < frames->pages; pfn++)
        nr += frames->frame[pfn] != frames->frame[pfn - 1] + 1;
    frames->run = malloc(nr * sizeof(*frames->run));
    if (!frames->run)
        return no_memory(err);
    frames->nr_runs = 0;
    for (pfn = 0; pfn < frames->pages; pfn++) {
        if (frames->type[pfn] == HV_PAGE_NONE)
            return chaos_error_set(err, -EFAULT, CHAOS_EXIT_FAILURE,
                                   "page %llu has no memory: a guest that gave some back cannot "
                                   "be saved",
                                   (unsigned long long)pfn);
        if (pfn == 0 || frames->frame[pfn] != frames->frame[pfn - 1] + 1)
            frames->run[frames->nr_runs++] =
                (struct frame_run){.frame = frames->frame[pfn], .pfn = pfn};
        frames->run[frames->nr_runs - 1].nr++;
    }
    qsort(frames->run, frames->nr_runs, sizeof(*frames->run), by_frame);
    for (i = 1; i < frames->nr_runs; i++)
        if (frames->run[i].frame - frames->run[i - 1].frame < frames->run[i - 1].nr)
            return chaos_error_set(err, -EFAULT, CHAOS_EXIT_FAILURE,
                                   "its table of frames has frame 0x%llx twice",
                                   (unsigned long long)frames->run[i].frame);
    return 0;
}

uint64_t guest_frames_pfn(const struct guest_frames *frames, uint64_t frame)
{
    size_t low = 0, high = frames->nr_runs, middle;
    const struct frame_run *run;

    while (high - low > 1) {
        middle = low + (high - low) / 2;
        if (frames->run[middle].frame <= frame)
            low = middle;
        else
            high = middle;
    }
    run = &frames->run[low];
    return frame - run->frame < run->nr ? run->pfn + (frame - run->frame) : NO_PFN;
}

static int find_p2m_pages(struct guest_frames *frames, struct chaos_error *err)
{
    size_t i;

    for (i = 0; i < frames->nr_p2m; i++) {
        frames->p2m[i] = guest_frames_pfn(frames, frames->p2m[i]);
        if (frames->p2m[i] == NO_PFN)
            return chaos_error_set(err, -EFAULT, CHAOS_EXIT_FAILURE,
                                   "its table of frames does not name itself");
        frames->type[frames->p2m[i]] &= (uint8_t)~GUEST_PAGE_UNUSED;
        frames->type[frames->p2m[i]] |= GUEST_PAGE_P2M;
    }
    return 0;
}

static int read_frames(struct hv *hv, uint32_t domid, const struct told *told, union page *page,
                       struct guest_frames *out, struct chaos_error *err)
{
    const size_t leaves = (size_t)((out->pages + ENTRIES - 1) / ENTRIES);
    int rc;

    out->upcall_mask = told->upcall_mask;
    out->nr_p2m = (size_t)((told->max_pfn + ENTRIES - 1) / ENTRIES);
    out->p2m = malloc(out->nr_p2m * sizeof(*out->p2m));
    out->frame = malloc(leaves * HV_PAGE_SIZE);
    out->type = calloc(out->pages, sizeof(*out->type)); /* HV_PAGE_NORMAL */
    if (!out->p2m || !out->frame || !out->type)
        return no_memory(err);
    mark_unused(out, &told->unused);
    rc = find_leaves(hv, domid, told, page, out->p2m, out->nr_p2m, err);
    if (rc == 0)
        rc = read_table(hv, domid, out->p2m, leaves, out, err);
    if (rc == 0)
        rc = invert(out, err);
    return rc < 0 ? rc : find_p2m_pages(out, err);
}

int guest_frames_read(struct hv *hv, const struct hv_info *info, struct guest_frames *out,
                      struct chaos_error *err)
{
    cleanup_free union page *page = malloc(sizeof(*page));
    struct told told = {0};
    int rc;

    *out = (struct guest_frames){.pages = info->pages};
    if (!page)
        return no_memory(err);
    rc = read_told(hv, info, page, &told, err);
    if (rc < 0)
        return rc;
    if (told.max_pfn < info->pages || told.max_pfn > LEAVES_MAX * ENTRIES)
        return chaos_error_set(err, -EFAULT, CHAOS_EXIT_FAILURE,
                               "its table of frames has %llu entries, the domain %llu pages",
                               (unsigned long long)told.max_pfn, (unsigned long long)info->pages);
    return read_frames(hv, info->domid, &told, page, out, err);
}

void guest_frames_release(struct guest_frames *frames)
{
    free(frames->frame);
    free(frames->type);
    free(frames->run);
    free(frames->p2m);
    *frames = (struct guest_frames){0};
}
