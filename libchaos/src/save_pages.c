// SPDX-License-Identifier: BSD-3-Clause
/* The memory of a guest: what is zero or doubled is not stored, page tables have its own numbers.
 */
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>

#include "cleanup.h"

#define ENTRIES    512u
#define SAME_SLOTS 2048u /* of pages by a few of their words; a power of 2 */
#define XEN_FIRST  256u  /* entries of a level 4 table that are Xen's own */
#define XEN_LAST   271u

#define DATA_SIZE  (CHECKPOINT_DATA_PAGES * HV_PAGE_SIZE)

/* It is looked at twice, in small pieces: copies of all of it would cost more than the looks. */
struct window {
    struct save *save;
    struct checkpoint_pages head;
    struct checkpoint_run run[CHECKPOINT_WINDOW];
    uint16_t stored[CHECKPOINT_WINDOW]; /* pages with contents */
    uint32_t nr_stored;
    uint16_t same[SAME_SLOTS];               /* 1 + page; 0: none */
    uint32_t in_data[CHECKPOINT_DATA_PAGES]; /* which pages are in `data` now */
    uint32_t nr_in_data, at_data;            /* at_data: the one that is looked at */
    _Alignas(uint64_t) uint8_t data[DATA_SIZE];
    _Alignas(uint64_t) uint8_t other[HV_PAGE_SIZE]; /* one that may have the same contents */
    /* If it is to be compressed: what of it is, and what lz4 needs meanwhile. */
    char *packed;
    void *lz4;
};

/* Copies pages of the window to `to`. */
static int read_pages(struct window *window, const uint32_t *at, uint32_t nr, uint8_t *to,
                      struct chaos_error *err)
{
    const struct guest_frames *frames = &window->save->frames;
    struct hv *hv = window->save->hv;
    uint64_t frame[CHECKPOINT_DATA_PAGES];
    uint32_t i;
    int rc;

    for (i = 0; i < nr; i++)
        frame[i] = frames->frame[window->head.first + at[i]];
    rc = hv->ops->read_pages(hv, window->save->info.domid, frame, nr, to);
    return rc < 0 ? hv_error(err, rc, "read its memory") : 0;
}

static bool is_wanted(const struct save *save, uint64_t pfn)
{
    return !save->wanted || save->wanted[pfn / 64] >> pfn % 64 & 1;
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

/* A page that is used, and no page table; SAME where one before it has the same contents. */
static int compare(struct window *window, uint32_t at, const uint8_t *page,
                   struct checkpoint_run *run, struct chaos_error *err)
{
    uint16_t *slot = &window->same[sample(page)];
    uint32_t other;
    int rc;

    if (*slot == 0) {
        *slot = (uint16_t)(1 + at);
        return 0;
    }
    other = *slot - 1u;
    rc = read_pages(window, &other, 1, window->other, err);
    if (rc == 0 && memcmp(page, window->other, HV_PAGE_SIZE) == 0) {
        run->kind = CHECKPOINT_KIND_SAME;
        run->same = (uint16_t)other;
    }
    return rc;
}

/* The contents of page `at`, with those of the used ones behind it. */
static int look_at(struct window *window, uint32_t at, const uint8_t **page,
                   struct chaos_error *err)
{
    const uint64_t first = window->head.first;
    const uint8_t *type = window->save->frames.type + first;
    int rc = 0;

    if (window->at_data == window->nr_in_data) {
        uint32_t next = at;

        window->at_data = window->nr_in_data = 0;
        for (; next < window->head.nr && window->nr_in_data < CHECKPOINT_DATA_PAGES; next++)
            if (!(type[next] & GUEST_PAGE_UNUSED) && is_wanted(window->save, first + next))
                window->in_data[window->nr_in_data++] = next;
        rc = read_pages(window, window->in_data, window->nr_in_data, window->data, err);
    }
    *page = window->data + window->at_data++ * HV_PAGE_SIZE;
    return rc;
}

static int classify(struct window *window, uint32_t at, struct checkpoint_run *run,
                    struct chaos_error *err)
{
    const uint64_t pfn = window->head.first + at;
    const struct guest_frames *frames = &window->save->frames;
    const unsigned int level = guest_frames_level(frames, pfn);
    const uint8_t *page;
    int rc;

    *run = (struct checkpoint_run){.nr = 1, .kind = CHECKPOINT_KIND_DATA};
    if (!is_wanted(window->save, pfn)) {
        run->kind = CHECKPOINT_KIND_ELSEWHERE;
        return 0;
    }
    if (frames->type[pfn] & GUEST_PAGE_UNUSED) {
        run->kind = CHECKPOINT_KIND_UNUSED;
        return 0;
    }
    rc = look_at(window, at, &page, err);
    if (rc < 0)
        return rc;
    if (level > 0) {
        run->kind = (uint8_t)(CHECKPOINT_KIND_TABLE1 + level - 1);
        run->flags = frames->type[pfn] & HV_PAGE_PINNED ? CHECKPOINT_PINNED : 0;
    } else if (is_zero(page) || own_entries(frames, pfn) == ENTRIES) {
        run->kind = CHECKPOINT_KIND_ZERO;
    } else if (own_entries(frames, pfn) == 0 && !window->save->running) {
        rc = compare(window, at, page, run, err);
    }
    return rc;
}

static bool is_stored(const struct checkpoint_run *run)
{
    return run->kind == CHECKPOINT_KIND_DATA ||
           (run->kind >= CHECKPOINT_KIND_TABLE1 && run->kind <= CHECKPOINT_KIND_TABLE4);
}

static int plan(struct window *window, struct chaos_error *err)
{
    struct checkpoint_run *last = NULL, next;
    uint32_t at;
    int rc;

    window->head.nr_runs = window->nr_stored = 0;
    window->nr_in_data = window->at_data = 0;
    memset(window->same, 0, sizeof(window->same));
    for (at = 0; at < window->head.nr; at++) {
        rc = classify(window, at, &next, err);
        if (rc < 0)
            return rc;
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
    return 0;
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

/* What is left of a page when its frame numbers are the guest's own. */
static int convert(struct window *window, uint32_t at, uint8_t *page, struct chaos_error *err)
{
    const uint64_t pfn = window->head.first + at;
    const struct guest_frames *frames = &window->save->frames;
    const unsigned int level = guest_frames_level(frames, pfn);

    if (level > 0)
        return make_canonical(frames, pfn, level, (uint64_t *)page, err);
    memset(page, 0, own_entries(frames, pfn) * sizeof(uint64_t));
    return 0;
}

/* How long `data` is compressed; 0: with what says so it would not be shorter. */
static size_t pack(struct window *window, size_t size)
{
    const size_t most = size - 1 - sizeof(struct checkpoint_lz4);

    if (!window->lz4)
        return 0;
    return (size_t)LZ4_compress_fast_extState(window->lz4, (const char *)window->data,
                                              window->packed, (int)size, (int)most, 1);
}

static int put_contents(struct window *window, uint32_t nr, struct chaos_error *err)
{
    const struct checkpoint_lz4 head = {.nr = nr};
    const size_t size = nr * HV_PAGE_SIZE, packed = pack(window, size);
    const struct iovec data[] = {{window->data, size}};
    const struct iovec lz4[] = {{(void *)&head, sizeof(head)}, {window->packed, packed}};

    if (packed == 0)
        return stream_put(window->save->writer, CHECKPOINT_DATA, 0, data, 1, err);
    return stream_put(window->save->writer, CHECKPOINT_DATA_LZ4, 0, lz4, 2, err);
}

static int put_data(struct window *window, uint32_t first, uint32_t nr, struct chaos_error *err)
{
    uint32_t at[CHECKPOINT_DATA_PAGES], i;
    int rc;

    for (i = 0; i < nr; i++)
        at[i] = window->stored[first + i];
    rc = read_pages(window, at, nr, window->data, err);
    for (i = 0; rc == 0 && i < nr; i++)
        rc = convert(window, at[i], window->data + i * HV_PAGE_SIZE, err);
    return rc < 0 ? rc : put_contents(window, nr, err);
}

static int put_window(struct window *window, struct chaos_error *err)
{
    struct iovec parts[] = {{&window->head, sizeof(window->head)}, {window->run, 0}};
    uint32_t i, nr;
    int rc = plan(window, err);

    if (rc < 0)
        return rc;
    parts[1].iov_len = window->head.nr_runs * sizeof(window->run[0]);
    rc = stream_put(window->save->writer, CHECKPOINT_PAGES, 0, parts, 2, err);
    for (i = 0; rc == 0 && i < window->nr_stored; i += nr) {
        nr = window->nr_stored - i;
        if (nr > CHECKPOINT_DATA_PAGES)
            nr = CHECKPOINT_DATA_PAGES;
        rc = put_data(window, i, nr, err);
    }
    window->save->stored_pages += window->nr_stored;
    return rc;
}

static bool any_wanted(const struct save *save, const struct checkpoint_pages *head)
{
    uint32_t at = 0;

    while (at < head->nr && !is_wanted(save, head->first + at))
        at++;
    return at < head->nr;
}

int save_pages(struct save *save, struct chaos_error *err)
{
    cleanup_free struct window *window = malloc(sizeof(*window));
    cleanup_free char *packed =
        save->compress ? malloc(DATA_SIZE + (size_t)LZ4_sizeofState()) : NULL;
    const uint64_t pages = save->frames.pages;
    uint64_t first;
    int rc = 0;

    if (!window || (save->compress && !packed))
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    window->save = save;
    window->packed = packed;
    window->lz4 = packed ? packed + DATA_SIZE : NULL;
    for (first = 0; rc == 0 && first < pages; first += window->head.nr) {
        window->head.first = first;
        window->head.nr =
            pages - first < CHECKPOINT_WINDOW ? (uint32_t)(pages - first) : CHECKPOINT_WINDOW;
        if (any_wanted(save, &window->head))
            rc = put_window(window, err);
    }
    return rc;
}
