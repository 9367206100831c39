// SPDX-License-Identifier: BSD-3-Clause
/* The memory of a guest: what is zero or doubled is not stored, page tables have its own numbers.
 */
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define ENTRIES    512u
#define SAME_SLOTS 2048u /* of pages by a few of their words; a power of 2 */
#define XEN_FIRST  256u  /* entries of a level 4 table that are Xen's own */
#define XEN_LAST   271u

struct window {
    struct save *save;
    const uint8_t *base; /* the guest's pages, mapped, but for those that are not used */
    size_t nr_mapped;
    uint16_t slot[CHECKPOINT_WINDOW];  /* of each page, in `base` */
    uint64_t frame[CHECKPOINT_WINDOW]; /* of each slot */
    struct checkpoint_pages head;
    struct checkpoint_run run[CHECKPOINT_WINDOW];
    uint16_t stored[CHECKPOINT_WINDOW]; /* pages with contents */
    uint32_t nr_stored;
    uint16_t same[SAME_SLOTS]; /* 1 + page; 0: none */
    _Alignas(uint64_t) uint8_t data[CHECKPOINT_DATA_PAGES * HV_PAGE_SIZE];
};

static const uint8_t *page_at(const struct window *window, uint32_t at)
{
    return window->base + window->slot[at] * HV_PAGE_SIZE;
}

static bool is_zero(const uint8_t *page)
{
    const uint64_t *word = (const uint64_t *)page, *end = word + ENTRIES;

    for (; word < end; word += 8)
        if (word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7])
            return false;
    return true;
}

static unsigned int sample(const uint8_t *page)
{
    const uint64_t *word = (const uint64_t *)page;
    uint64_t mixed = 0;
    unsigned int i;

    for (i = 0; i < ENTRIES; i += 31)
        mixed = (mixed ^ word[i]) * 0x9e3779b97f4a7c15ull;
    return (unsigned int)(mixed >> 32) & (SAME_SLOTS - 1);
}

/* How many entries of the guest's table of frames a page begins with: restore fills them in. */
static uint32_t own_entries(const struct guest_frames *frames, uint64_t pfn)
{
    const uint64_t covered = (frames->pages + ENTRIES - 1) / ENTRIES;
    uint64_t i, left;

    if (!(frames->type[pfn] & GUEST_PAGE_P2M))
        return 0;
    for (i = 0; i < covered && i < frames->nr_p2m; i++)
        if (frames->p2m[i] == pfn) {
            left = frames->pages - i * ENTRIES;
            return left < ENTRIES ? (uint32_t)left : ENTRIES;
        }
    return 0;
}

static struct checkpoint_run classify(struct window *window, uint32_t at)
{
    const uint64_t pfn = window->head.first + at;
    const struct guest_frames *frames = &window->save->frames;
    const uint8_t *page = page_at(window, at);
    const unsigned int level = guest_frames_level(frames, pfn);
    struct checkpoint_run run = {.nr = 1, .kind = CHECKPOINT_KIND_DATA};
    uint16_t *slot;

    if (frames->type[pfn] & GUEST_PAGE_UNUSED) {
        run.kind = CHECKPOINT_KIND_UNUSED;
    } else if (level > 0) {
        run.kind = (uint8_t)(CHECKPOINT_KIND_TABLE1 + level - 1);
        run.flags = frames->type[pfn] & HV_PAGE_PINNED ? CHECKPOINT_PINNED : 0;
    } else if (is_zero(page) || own_entries(frames, pfn) == ENTRIES) {
        run.kind = CHECKPOINT_KIND_ZERO;
    } else if (own_entries(frames, pfn) == 0) {
        slot = &window->same[sample(page)];
        if (*slot == 0) {
            *slot = (uint16_t)(1 + at);
        } else if (memcmp(page, page_at(window, *slot - 1u), HV_PAGE_SIZE) == 0) {
            run.kind = CHECKPOINT_KIND_SAME;
            run.same = (uint16_t)(*slot - 1);
        }
    }
    return run;
}

static bool is_stored(const struct checkpoint_run *run)
{
    return run->kind == CHECKPOINT_KIND_DATA || run->kind >= CHECKPOINT_KIND_TABLE1;
}

static void plan(struct window *window)
{
    struct checkpoint_run *last = NULL, next;
    uint32_t at;

    window->head.nr_runs = window->nr_stored = 0;
    memset(window->same, 0, sizeof(window->same));
    for (at = 0; at < window->head.nr; at++) {
        next = classify(window, at);
        if (is_stored(&next))
            window->stored[window->nr_stored++] = (uint16_t)at;
        if (last && last->kind == next.kind && last->flags == next.flags &&
            last->same == next.same) {
            last->nr++;
            continue;
        }
        last = &window->run[window->head.nr_runs++];
        *last = next;
    }
}

static int foreign_frame(uint64_t pfn, uint64_t frame, struct chaos_error *err)
{
    return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                           "its page table (page %llu) has frame 0x%llx mapped, which is not its "
                           "memory: it did not let go of all before it suspended itself",
                           (unsigned long long)pfn, (unsigned long long)frame);
}

/* Machine frames become pages of the guest. */
static int make_canonical(const struct guest_frames *frames, uint64_t pfn, unsigned int level,
                          uint64_t *entry, struct chaos_error *err)
{
    uint64_t frame, to, distance = 0;
    unsigned int i;

    for (i = 0; i < ENTRIES; i++) {
        if (level == 4 && i >= XEN_FIRST && i <= XEN_LAST)
            entry[i] = 0;
        if (!(entry[i] & PTE_PRESENT))
            continue;
        frame = (entry[i] & PTE_FRAME) >> PTE_FRAME_SHIFT;
        /* Most often as far away as the one before. */
        to = frame - distance;
        if (to >= frames->pages || frames->frame[to] != frame)
            to = guest_frames_pfn(frames, frame);
        if (to == NO_PFN)
            return foreign_frame(pfn, frame, err);
        distance = frame - to;
        entry[i] = (entry[i] & ~PTE_FRAME) | to << PTE_FRAME_SHIFT;
    }
    return 0;
}

static int take_page(struct window *window, uint32_t at, uint8_t *to, struct chaos_error *err)
{
    const uint64_t pfn = window->head.first + at;
    const struct guest_frames *frames = &window->save->frames;
    const unsigned int level = guest_frames_level(frames, pfn);

    memcpy(to, page_at(window, at), HV_PAGE_SIZE);
    if (level > 0)
        return make_canonical(frames, pfn, level, (uint64_t *)to, err);
    memset(to, 0, own_entries(frames, pfn) * sizeof(uint64_t));
    return 0;
}

static int put_window(struct window *window, struct chaos_error *err)
{
    struct iovec parts[] = {{&window->head, sizeof(window->head)}, {window->run, 0}};
    struct stream_writer *writer = window->save->writer;
    uint32_t i, n = 0;
    int rc;

    plan(window);
    parts[1].iov_len = window->head.nr_runs * sizeof(window->run[0]);
    rc = stream_put(writer, CHECKPOINT_PAGES, 0, parts, 2, err);
    for (i = 0; rc == 0 && i < window->nr_stored; i++) {
        rc = take_page(window, window->stored[i], window->data + n++ * HV_PAGE_SIZE, err);
        if (rc == 0 && (n == CHECKPOINT_DATA_PAGES || i + 1 == window->nr_stored)) {
            const struct iovec data = {window->data, n * HV_PAGE_SIZE};

            rc = stream_put(writer, CHECKPOINT_DATA, 0, &data, 1, err);
            n = 0;
        }
    }
    window->save->stored_pages += window->nr_stored;
    return rc;
}

static int map_window(struct window *window, struct chaos_error *err)
{
    const struct guest_frames *frames = &window->save->frames;
    struct hv *hv = window->save->hv;
    void *address;
    uint32_t at;
    int rc;

    window->nr_mapped = 0;
    for (at = 0; at < window->head.nr; at++) {
        const uint64_t pfn = window->head.first + at;

        window->slot[at] = (uint16_t)window->nr_mapped;
        if (!(frames->type[pfn] & GUEST_PAGE_UNUSED))
            window->frame[window->nr_mapped++] = frames->frame[pfn];
    }
    if (window->nr_mapped == 0)
        return 0;
    rc = hv->ops->map(hv, window->save->info.domid, window->frame, window->nr_mapped, false,
                      &address);
    if (rc < 0)
        return hv_error(err, rc, "map its memory");
    window->base = address;
    return 0;
}

static void unmap_window(struct window *window)
{
    struct hv *hv = window->save->hv;

    if (window->nr_mapped > 0)
        hv->ops->unmap(hv, (void *)window->base, window->nr_mapped);
}

int save_pages(struct save *save, struct chaos_error *err)
{
    cleanup_free struct window *window = malloc(sizeof(*window));
    const struct guest_frames *frames = &save->frames;
    uint64_t first, left;
    int rc = 0;

    if (!window)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    window->save = save;
    for (first = 0; rc == 0 && first < frames->pages; first += window->head.nr) {
        left = frames->pages - first;
        window->head.first = first;
        window->head.nr = left < CHECKPOINT_WINDOW ? (uint32_t)left : CHECKPOINT_WINDOW;
        rc = map_window(window, err);
        if (rc < 0)
            break;
        rc = put_window(window, err);
        unmap_window(window);
    }
    return rc;
}
