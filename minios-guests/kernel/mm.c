/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages: the first free run that is long enough, else the next that were never used. Memory beyond
 * what the builder mapped is mapped when it is first reached, so that boot costs the same with any
 * size.
 */
#include "kernel/kernel.h"

#define REGION (512 * PAGE_SIZE) /* what one level 1 table maps */

/* Neighbouring free pages, told in the first of them. */
struct run {
    struct run *next;
    size_t pages;
};

static struct run *runs; /* in order of address, never adjacent */
static size_t nr_in_runs;
static uintptr_t next, end; /* never used yet: next .. end - 1 */
static uintptr_t keep[2];   /* pages that the builder put somewhere for the console and the store */

static uintptr_t page_up(uintptr_t va)
{
    return (va + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static void starts_after(uintptr_t va)
{
    if (va > next && va <= end)
        next = page_up(va);
}

static uintptr_t lowest(uintptr_t a, uintptr_t b)
{
    return b && b < a ? b : a;
}

/* A builder that did not know us yet left room for a larger kernel: mapped, like all before its
 * data. */
static void take_room(const struct start_info *si, uint64_t boot_sp)
{
    uintptr_t first = page_up((uintptr_t)_image_end), last = boot_sp - PAGE_SIZE;

    last = lowest(last, si->mfn_list);
    last = lowest(last, (uintptr_t)si);
    last = lowest(last, si->pt_base);
    last = lowest(last, si->mod_len ? si->mod_start : 0);
    last = lowest(last, keep[0]);
    last = lowest(last, keep[1]) & ~(PAGE_SIZE - 1);
    if (first < last)
        pages_free((void *)first, (last - first) >> PAGE_SHIFT);
}

void mm_init(uint64_t boot_sp)
{
    const struct start_info *si = start_info;

    next = (uintptr_t)_image_end;
    end = (uintptr_t)_image_start + (si->nr_pages << PAGE_SHIFT);
    starts_after(si->mfn_list + si->nr_pages * sizeof(uint64_t));
    starts_after((uintptr_t)si + PAGE_SIZE);
    starts_after(si->pt_base + (si->nr_pt_frames << PAGE_SHIFT));
    starts_after(boot_sp);
    if (si->mod_len)
        starts_after(si->mod_start + si->mod_len);
    if (!(si->flags & SIF_INITDOMAIN)) {
        keep[0] = si->console.domU.mfn ? (uintptr_t)mfn_to_virt(si->console.domU.mfn) : 0;
        keep[1] = si->store_mfn ? (uintptr_t)mfn_to_virt(si->store_mfn) : 0;
    }
    take_room(si, boot_sp);
}

static bool kept(uintptr_t va)
{
    return va == keep[0] || va == keep[1];
}

/* The builder may have mapped no more than the guest needs to start. */
static bool make_present(uintptr_t va)
{
    const uint64_t *pte = pt_entry(va);

    return pte && (*pte & 1 || !map_own((void *)va));
}

/* At the last pages of a mapped region: builds the tables of the next one out of them. */
static void grow(uintptr_t boundary)
{
    unsigned left = (unsigned)((boundary - next) >> PAGE_SHIFT);
    int used = -1;

    if (make_present(boundary - PAGE_SIZE) && !kept(next) && !kept(boundary - PAGE_SIZE))
        used = pt_add_region(boundary, (uint64_t *)next, left);
    if (used < 0) {
        end = boundary;
        return;
    }
    pages_free((void *)(next + (unsigned)used * PAGE_SIZE), left - (unsigned)used);
    next = boundary;
}

/* Takes the page at `next`. Null: there is none left, or it had to be passed over. */
static void *take_next(void)
{
    uintptr_t va = next;
    uintptr_t boundary = (va + REGION) & ~(REGION - 1);

    if (kept(va)) {
        next += PAGE_SIZE;
        return NULL;
    }
    if (!make_present(va)) {
        end = va;
        return NULL;
    }
    if (boundary - va <= 2 * PAGE_SIZE && boundary < end && !pt_entry(boundary)) {
        grow(boundary);
        return NULL;
    }
    next += PAGE_SIZE;
    return (void *)va;
}

static struct run *after(struct run *r)
{
    return (struct run *)((char *)r + r->pages * PAGE_SIZE);
}

/* A page that was clear is so again: then a checkpoint need not store it. */
static void forget(struct run *r)
{
    *r = (struct run){NULL, 0};
}

void pages_free(void *first, size_t nr)
{
    struct run *r = first, *before = NULL, *next_run = runs;

    if (!nr)
        return;
    for (; next_run && next_run < r; next_run = next_run->next)
        before = next_run;
    r->next = next_run;
    r->pages = nr;
    nr_in_runs += nr;
    if (next_run && after(r) == next_run) {
        r->pages += next_run->pages;
        r->next = next_run->next;
        forget(next_run);
    }
    if (!before) {
        runs = r;
    } else if (after(before) == r) {
        before->pages += r->pages;
        before->next = r->next;
        forget(r);
    } else {
        before->next = r;
    }
}

/* Off the end of the first run that has so many. */
static void *take_from_runs(size_t nr)
{
    for (struct run **p = &runs; *p; p = &(*p)->next) {
        struct run *r = *p;

        if (r->pages < nr)
            continue;
        r->pages -= nr;
        nr_in_runs -= nr;
        if (r->pages)
            return after(r);
        *p = r->next;
        forget(r);
        return r;
    }
    return NULL;
}

static void *take_unused(size_t nr)
{
    uintptr_t first = next;
    size_t have = 0;

    while (have < nr && next < end) {
        if (take_next()) {
            have++;
            continue;
        }
        pages_free((void *)first, have);
        first = next;
        have = 0;
    }
    if (have == nr)
        return (void *)first;
    pages_free((void *)first, have);
    return NULL;
}

void *pages_alloc(size_t nr)
{
    void *p = take_from_runs(nr);

    return p ? p : take_unused(nr);
}

void *page_alloc(void)
{
    return pages_alloc(1);
}

void *page_zalloc(void)
{
    void *p = page_alloc();

    if (p)
        memset(p, 0, PAGE_SIZE);
    return p;
}

void page_free(void *page)
{
    pages_free(page, 1);
}

void mm_tell_unused(struct noxs_unused *out, const void *first, size_t nr)
{
    unused_add(out, (uint32_t)(((uintptr_t)first - (uintptr_t)_image_start) >> PAGE_SHIFT),
               (uint32_t)nr);
}

/* All of a run but the page that tells of it, and what was never used, which comes first: there may
 * be more runs than can be told. */
void mm_tell_free(struct noxs_unused *out)
{
    uintptr_t last = (uintptr_t)_image_start + (start_info->nr_pages << PAGE_SHIFT), stop;

    for (uintptr_t first = next; first < last; first = stop + PAGE_SIZE) {
        for (stop = first; stop < last && !kept(stop); stop += PAGE_SIZE)
            ;
        mm_tell_unused(out, (void *)first, (stop - first) >> PAGE_SHIFT);
    }
    for (struct run *r = runs; r; r = r->next)
        mm_tell_unused(out, (char *)r + PAGE_SIZE, r->pages - 1);
}

size_t pages_left(void)
{
    return nr_in_runs + ((end - next) >> PAGE_SHIFT);
}
