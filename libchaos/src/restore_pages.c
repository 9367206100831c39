// SPDX-License-Identifier: BSD-3-Clause
/* The memory of a restored guest: one mapping for each window's pages that have contents. */
#include "restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 512u

static const struct memory *memory_of(const struct restore *restore)
{
    return &restore->creation.shell->memory;
}

static char *page_at(const struct restore *restore, uint32_t index)
{
    return restore->mapped + restore->slot[index] * HV_PAGE_SIZE;
}

void restore_unmap(struct restore *restore)
{
    struct hv *hv;

    if (!restore->mapped)
        return;
    hv = restore->creation.chaos->hv;
    hv->ops->unmap(hv, restore->mapped, restore->nr_mapped);
    restore->mapped = NULL;
}

void restore_pages_release(struct restore *restore)
{
    restore_unmap(restore);
    free(restore->pins);
    restore->pins = NULL;
}

/* Pages that are the same as another, once that one has its contents. */
static void fill_same(struct restore *restore)
{
    const struct checkpoint_reader *reader = restore->reader;
    uint32_t i, n, at = 0;

    for (i = 0; i < reader->window.nr_runs; at += reader->run[i++].nr)
        if (reader->run[i].kind == CHECKPOINT_KIND_SAME)
            for (n = 0; n < reader->run[i].nr; n++)
                memcpy(page_at(restore, at + n), page_at(restore, reader->run[i].same),
                       HV_PAGE_SIZE);
}

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

/* Clears the window's zero pages, and notes which frames the others are. */
static int plan_window(struct restore *restore, struct chaos_error *err)
{
    const struct checkpoint_reader *reader = restore->reader;
    struct clearing clearing = {.nr = 0};
    struct memory_run memory = {0};
    uint32_t i, n, at = 0;
    int rc = 0;

    for (i = 0; rc == 0 && i < reader->window.nr_runs; i++) {
        const struct checkpoint_run *run = &reader->run[i];

        for (n = 0; rc == 0 && n < run->nr; n++, at++) {
            if (memory.nr == 0)
                memory = memory_run(memory_of(restore), reader->window.first + at);
            restore->slot[at] = (uint16_t)restore->nr_mapped;
            if (is_cleared(restore, run))
                rc = clear(restore, &clearing, memory.frame);
            else if (run->kind != CHECKPOINT_KIND_UNUSED)
                restore->frame[restore->nr_mapped++] = memory.frame;
            memory.frame++;
            memory.nr--;
        }
        if (rc == 0 && run->flags & CHECKPOINT_PINNED)
            rc = add_pins(restore, run, reader->window.first + at - run->nr);
    }
    if (rc == 0)
        rc = flush(restore, &clearing);
    return rc < 0 ? hv_error(err, rc, "clear its memory") : 0;
}

int restore_window(struct restore *restore, struct chaos_error *err)
{
    const uint32_t domid = restore->creation.shell->record.domid;
    struct hv *hv = restore->creation.chaos->hv;
    void *address;
    int rc;

    restore_unmap(restore);
    restore->nr_mapped = 0;
    rc = plan_window(restore, err);
    if (rc < 0 || restore->nr_mapped == 0)
        return rc;
    rc = hv->ops->map(hv, domid, restore->frame, restore->nr_mapped, true, &address);
    if (rc < 0)
        return hv_error(err, rc, "map its memory");
    restore->mapped = address;
    return 0;
}

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

int restore_data(struct restore *restore, const struct checkpoint_item *item,
                 struct chaos_error *err)
{
    const struct checkpoint_reader *reader = restore->reader;
    const uint8_t *from = item->data.bytes;
    uint32_t i;

    (void)err;
    for (i = 0; i < item->data.nr; i++, from += HV_PAGE_SIZE) {
        const struct checkpoint_stored *stored = &reader->stored[item->data.from + i];
        char *to = page_at(restore, stored->index);

        if (stored->kind == CHECKPOINT_KIND_DATA)
            memcpy(to, from, HV_PAGE_SIZE);
        else
            load_table(memory_of(restore), (uint64_t *)to, (const uint64_t *)from);
    }
    if (item->data.from + item->data.nr == reader->nr_stored)
        fill_same(restore);
    return 0;
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
