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

static int read_told(struct hv *hv, const struct hv_info *info, struct told *out,
                     struct chaos_error *err)
{
    const uint64_t frame = info->shared_info_frame;
    const volatile struct shared_info *shared;
    void *address;
    unsigned int i;
    int rc = hv->ops->map(hv, info->domid, &frame, 1, false, &address);

    if (rc < 0)
        return hv_error(err, rc, "map its shared info");
    shared = address;
    *out = (struct told){.max_pfn = shared->arch.max_pfn,
                         .cr3 = shared->arch.p2m_cr3,
                         .address = shared->arch.p2m_vaddr};
    for (i = 0; i < info->vcpus && i < XEN_LEGACY_MAX_VCPUS; i++)
        if (shared->vcpu_info[i].evtchn_upcall_mask)
            out->upcall_mask |= 1u << i;
    memcpy(&out->unused, (const char *)address + NOXS_UNUSED_OFFSET, sizeof(out->unused));
    hv->ops->unmap(hv, address, 1);
    if (out->cr3 == 0 || out->address == 0 || out->max_pfn == 0)
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                               "its kernel does not tell where its table of frames is");
    return 0;
}

/* ---------------------------------------------------------------- its page tables */

/* The table of each level that was looked at last stays mapped. */
struct walk {
    struct hv *hv;
    uint32_t domid;
    struct {
        uint64_t frame;
        const volatile uint64_t *table;
    } level[5];
};

static void end_walk(struct walk *walk)
{
    unsigned int i;

    for (i = 1; i <= 4; i++)
        if (walk->level[i].table)
            walk->hv->ops->unmap(walk->hv, (void *)walk->level[i].table, 1);
}

static int look_at(struct walk *walk, unsigned int level, uint64_t frame)
{
    void *address;
    int rc;

    if (walk->level[level].table && walk->level[level].frame == frame)
        return 0;
    if (walk->level[level].table)
        walk->hv->ops->unmap(walk->hv, (void *)walk->level[level].table, 1);
    walk->level[level].table = NULL;
    rc = walk->hv->ops->map(walk->hv, walk->domid, &frame, 1, false, &address);
    if (rc < 0)
        return rc;
    walk->level[level].table = address;
    walk->level[level].frame = frame;
    return 0;
}

/* The frame behind a virtual address. */
static int resolve(struct walk *walk, uint64_t root, uint64_t address, uint64_t *frame)
{
    unsigned int level;
    uint64_t entry;
    int rc;

    *frame = root;
    for (level = 4; level >= 1; level--) {
        rc = look_at(walk, level, *frame);
        if (rc < 0)
            return rc;
        entry = walk->level[level].table[address >> (3 + 9 * level) & (ENTRIES - 1)];
        if (!(entry & PTE_PRESENT) || (level > 1 && entry & PTE_LARGE))
            return -EFAULT;
        *frame = (entry & PTE_FRAME) >> PTE_FRAME_SHIFT;
    }
    return 0;
}

/* The frames of the pages that its table lies in. */
static int find_leaves(struct hv *hv, uint32_t domid, const struct told *told, uint64_t *leaf,
                       size_t nr, struct chaos_error *err)
{
    cleanup(end_walk) struct walk walk = {.hv = hv, .domid = domid};
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < nr; i++)
        rc = resolve(&walk, xen_cr3_to_pfn(told->cr3), told->address + i * HV_PAGE_SIZE, &leaf[i]);
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
    void *address;
    int rc = hv->ops->map(hv, domid, leaf, nr_leaves, false, &address);

    if (rc < 0)
        return hv_error(err, rc, "map its table of frames");
    memcpy(frames->frame, address, frames->pages * sizeof(*frames->frame));
    hv->ops->unmap(hv, address, nr_leaves);
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

int guest_frames_read(struct hv *hv, const struct hv_info *info, struct guest_frames *out,
                      struct chaos_error *err)
{
    struct told told = {0};
    int rc;

    *out = (struct guest_frames){.pages = info->pages};
    rc = read_told(hv, info, &told, err);
    if (rc < 0)
        return rc;
    if (told.max_pfn < info->pages || told.max_pfn > LEAVES_MAX * ENTRIES)
        return chaos_error_set(err, -EFAULT, CHAOS_EXIT_FAILURE,
                               "its table of frames has %llu entries, the domain %llu pages",
                               (unsigned long long)told.max_pfn, (unsigned long long)info->pages);
    out->upcall_mask = told.upcall_mask;
    out->nr_p2m = (size_t)((told.max_pfn + ENTRIES - 1) / ENTRIES);
    out->p2m = malloc(out->nr_p2m * sizeof(*out->p2m));
    out->frame = malloc(out->pages * sizeof(*out->frame));
    out->type = calloc(out->pages, sizeof(*out->type)); /* HV_PAGE_NORMAL */
    if (!out->p2m || !out->frame || !out->type)
        return no_memory(err);
    mark_unused(out, &told.unused);
    rc = find_leaves(hv, info->domid, &told, out->p2m, out->nr_p2m, err);
    if (rc == 0)
        rc = read_table(hv, info->domid, out->p2m, (size_t)((out->pages + ENTRIES - 1) / ENTRIES),
                        out, err);
    if (rc == 0)
        rc = invert(out, err);
    return rc < 0 ? rc : find_p2m_pages(out, err);
}

void guest_frames_release(struct guest_frames *frames)
{
    free(frames->frame);
    free(frames->type);
    free(frames->run);
    free(frames->p2m);
    *frames = (struct guest_frames){0};
}
