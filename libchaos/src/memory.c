// SPDX-License-Identifier: BSD-3-Clause
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_MAX 9 /* 2 MiB */
#define BATCH     64

static int add_extents(struct memory *memory, uint64_t pfn, unsigned int order,
                       const uint64_t *frames, size_t nr)
{
    struct memory_extent *grown;
    size_t i;

    if (memory->room - memory->nr < nr) {
        memory->room = memory->nr + nr;
        grown = realloc(memory->extent, memory->room * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        memory->extent = grown;
    }
    for (i = 0; i < nr; i++)
        memory->extent[memory->nr++] = (struct memory_extent){
            .pfn = pfn + ((uint64_t)i << order), .frame = frames[i], .order = order};
    return 0;
}

static int no_memory(struct hv *hv, uint64_t pages, struct chaos_error *err)
{
    struct hv_host host;

    if (hv->ops->host(hv, &host) < 0)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE,
                               "not enough free memory for %llu MiB",
                               (unsigned long long)pages >> 8);
    return chaos_error_set(
        err, -ENOMEM, CHAOS_EXIT_RESOURCE,
        "not enough free memory: the guest needs %llu MiB, the host has %llu MiB",
        (unsigned long long)pages >> 8, (unsigned long long)host.free_pages >> 8);
}

static unsigned int largest_order(uint64_t pages, unsigned int most)
{
    unsigned int order = 63 - (unsigned int)__builtin_clzll(pages);

    return order < most ? order : most;
}

static int populate(struct hv *hv, uint32_t domid, struct memory *memory, struct chaos_error *err)
{
    uint64_t frames[BATCH], done = 0, left;
    unsigned int order, most = ORDER_MAX, nr;
    int given, rc;

    while (done < memory->pages) {
        left = memory->pages - done;
        order = largest_order(left, most);
        nr = left >> order < BATCH ? (unsigned int)(left >> order) : BATCH;
        given = hv->ops->populate(hv, domid, done, order, nr, frames);
        if (given < 0)
            return hv_error(err, given, "give it memory");
        rc = add_extents(memory, done, order, frames, (size_t)given);
        if (rc < 0)
            return chaos_error_set(err, rc, CHAOS_EXIT_RESOURCE, "out of memory");
        done += (uint64_t)given << order;
        if ((unsigned int)given == nr)
            continue;
        if (order == 0)
            return no_memory(hv, memory->pages, err);
        most = order - 1; /* no block of this size is left: go on with smaller ones */
    }
    return 0;
}

int memory_populate(struct hv *hv, uint32_t domid, uint64_t pages, struct memory *out,
                    struct chaos_error *err)
{
    int rc;

    *out = (struct memory){.pages = pages};
    rc = hv->ops->set_max_mem(hv, domid, pages << (HV_PAGE_SHIFT - 10));
    if (rc < 0)
        return hv_error(err, rc, "set its memory limit");
    rc = populate(hv, domid, out, err);
    if (rc < 0)
        memory_release(out);
    return rc;
}

void memory_release(struct memory *memory)
{
    free(memory->extent);
    *memory = (struct memory){0};
}

struct memory_run memory_run(const struct memory *memory, uint64_t pfn)
{
    size_t low = 0, high = memory->nr;
    const struct memory_extent *extent;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (memory->extent[middle].pfn <= pfn)
            low = middle;
        else
            high = middle;
    }
    extent = &memory->extent[low];
    return (struct memory_run){.frame = extent->frame + (pfn - extent->pfn),
                               .nr = (1ull << extent->order) - (pfn - extent->pfn)};
}
