// SPDX-License-Identifier: BSD-3-Clause
/* The memory of a restored guest: what has contents gets them, what is zero is cleared. */
#include "restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 512u

static const struct memory *memory_of(const struct restore *restore)
{
    return &restore->creation.shell->memory;
}

/* The frame of a page of the window. */
static uint64_t frame_at(const struct restore *restore, uint32_t index)
{
    return memory_frame(memory_of(restore), restore->reader->window.first + index);
}

static int write_pages(const struct restore *restore, const uint64_t *frames, size_t nr,
                       const void *from, struct chaos_error *err)
{
    struct hv *hv = restore->creation.chaos->hv;
    int rc = hv->ops->write_pages(hv, restore->creation.shell->record.domid, frames, nr, from);

    return rc < 0 ? hv_error(err, rc, "write its memory") : 0;
}

void restore_pages_release(struct restore *restore)
{
    free(restore->pins);
    restore->pins = NULL;
}

/* ---------------------------------------------------------------- PAGES */

static int add_pins(struct restore *restore, const struct checkpoint_run *run, uint64_t pfn)
{
    struct hv_mmu_op *grown;
    uint32_t i;

    if (restore->room_pins - restore->nr_pins < run->nr) {
        restore->room_pins = (restore->nr_pins + run->nr) * 2;
        grown = realloc(restore->pins, restore->room_pins * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        restore->pins = grown;
    }
    for (i = 0; i < run->nr; i++)
        restore->pins[restore->nr_pins++] = (struct hv_mmu_op){
            .cmd = (enum hv_mmu_cmd)(HV_MMU_PIN_L1 + run->kind - CHECKPOINT_KIND_TABLE1),
            .frame = memory_frame(memory_of(restore), pfn + i)};
    return 0;
}

_Static_assert(HV_MMU_PIN_L1 + 3 == HV_MMU_PIN, "pins are in the order of their levels");

/* Few at a time: a page more of our own memory costs more than a hypercall. */
struct clearing {
    struct hv_mmu_op ops[128];
    size_t nr;
};

static int flush(const struct restore *restore, struct clearing *clearing)
{
    struct hv *hv = restore->creation.chaos->hv;
    const size_t nr = clearing->nr;

    clearing->nr = 0;
    return nr == 0 ? 0 : hv->ops->mmu(hv, restore->creation.shell->record.domid, clearing->ops, nr);
}

static int clear(const struct restore *restore, struct clearing *clearing, uint64_t frame)
{
    clearing->ops[clearing->nr++] = (struct hv_mmu_op){.cmd = HV_MMU_CLEAR, .frame = frame};
    return clearing->nr == sizeof(clearing->ops) / sizeof(clearing->ops[0])
               ? flush(restore, clearing)
               : 0;
}

static bool is_cleared(const struct restore *restore, const struct checkpoint_run *run)
{
    return run->kind == CHECKPOINT_KIND_ZERO ||
           (run->kind == CHECKPOINT_KIND_UNUSED && restore->clear_unused);
}

static bool is_table(const struct checkpoint_run *run)
{
    return run->kind >= CHECKPOINT_KIND_TABLE1 && run->kind <= CHECKPOINT_KIND_TABLE4;
}

/* What of a shell is mapped still, and will be a page table. */
static bool in_shell_window(const struct shell_window *window, uint64_t first, uint32_t nr)
{
    return window->base && (first < window->kernel_pages || (window->start_info_pfn >= first &&
                                                             window->start_info_pfn < first + nr));
}

static void note_run(struct restore *restore, const struct checkpoint_run *run, uint64_t pfn)
{
    struct shell_window *window = &restore->creation.shell->window;

    if (run->kind == CHECKPOINT_KIND_UNUSED)
        restore->told_unused = true;
    if (is_table(run) && in_shell_window(window, pfn, run->nr))
        shell_window_unmap(window, restore->creation.chaos->hv);
}

int restore_window(struct restore *restore, struct chaos_error *err)
{
    const struct checkpoint_reader *reader = restore->reader;
    struct clearing clearing = {.nr = 0};
    uint32_t i, n, at = 0;
    int rc = 0;

    for (i = 0; rc == 0 && i < reader->window.nr_runs; at += reader->run[i++].nr) {
        const struct checkpoint_run *run = &reader->run[i];

        note_run(restore, run, reader->window.first + at);
        for (n = 0; rc == 0 && n < run->nr && is_cleared(restore, run); n++)
            rc = clear(restore, &clearing, frame_at(restore, at + n));
        if (rc == 0 && run->flags & CHECKPOINT_PINNED)
            rc = add_pins(restore, run, reader->window.first + at);
    }
    if (rc == 0)
        rc = flush(restore, &clearing);
    return rc < 0 ? hv_error(err, rc, "clear its memory") : 0;
}

/* ---------------------------------------------------------------- DATA */

/* Pages of the guest become machine frames. The reader has checked that they are its own. */
static void load_table(const struct memory *memory, uint64_t *to, const uint64_t *from)
{
    struct memory_run run = {0};
    uint64_t pfn, first = 0;
    unsigned int i;

    for (i = 0; i < ENTRIES; i++) {
        if (!(from[i] & PTE_PRESENT)) {
            to[i] = from[i];
            continue;
        }
        pfn = (from[i] & PTE_FRAME) >> PTE_FRAME_SHIFT;
        if (pfn - first >= run.nr) {
            run = memory_run(memory, pfn);
            first = pfn;
        }
        to[i] = (from[i] & ~PTE_FRAME) | (run.frame + (pfn - first)) << PTE_FRAME_SHIFT;
    }
}

static int write_table(const struct restore *restore, uint32_t index, const uint8_t *from,
                       struct chaos_error *err)
{
    const uint64_t frame = frame_at(restore, index);
    uint64_t table[ENTRIES];

    load_table(memory_of(restore), table, (const uint64_t *)from);
    return write_pages(restore, &frame, 1, table, err);
}

/* Pages that are the same as another, once that one has its contents. */
static int fill_same(const struct restore *restore, struct chaos_error *err)
{
    const struct checkpoint_reader *reader = restore->reader;
    struct hv *hv = restore->creation.chaos->hv;
    _Alignas(uint64_t) uint8_t page[HV_PAGE_SIZE];
    uint32_t i, n, at = 0;
    uint64_t frame;
    int rc = 0;

    for (i = 0; rc == 0 && i < reader->window.nr_runs; at += reader->run[i++].nr) {
        if (reader->run[i].kind != CHECKPOINT_KIND_SAME)
            continue;
        frame = frame_at(restore, reader->run[i].same);
        rc = hv->ops->read_pages(hv, restore->creation.shell->record.domid, &frame, 1, page);
        if (rc < 0)
            return hv_error(err, rc, "read its memory");
        for (n = 0; rc == 0 && n < reader->run[i].nr; n++) {
            frame = frame_at(restore, at + n);
            rc = write_pages(restore, &frame, 1, page, err);
        }
    }
    return rc;
}

int restore_data(struct restore *restore, const struct checkpoint_item *item,
                 struct chaos_error *err)
{
    const struct checkpoint_reader *reader = restore->reader;
    const struct checkpoint_stored *stored = &reader->stored[item->data.from];
    const uint8_t *from = item->data.bytes;
    uint64_t frame[CHECKPOINT_DATA_PAGES];
    uint32_t i = 0, nr;
    int rc = 0;

    while (rc == 0 && i < item->data.nr) {
        for (nr = 0; i + nr < item->data.nr && stored[i + nr].kind == CHECKPOINT_KIND_DATA; nr++)
            frame[nr] = frame_at(restore, stored[i + nr].index);
        if (nr > 0)
            rc = write_pages(restore, frame, nr, from + i * HV_PAGE_SIZE, err);
        else
            rc = write_table(restore, stored[i].index, from + i * HV_PAGE_SIZE, err);
        i += nr > 0 ? nr : 1;
    }
    if (rc == 0 && item->data.from + item->data.nr == reader->nr_stored)
        rc = fill_same(restore, err);
    return rc;
}

int restore_pin(struct restore *restore, struct chaos_error *err)
{
    struct hv *hv = restore->creation.chaos->hv;
    int rc = 0;

    if (restore->nr_pins > 0)
        rc = hv->ops->mmu(hv, restore->creation.shell->record.domid, restore->pins,
                          restore->nr_pins);
    return rc < 0 ? hv_error(err, rc, "pin its page tables") : 0;
}
