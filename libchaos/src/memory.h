/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's memory: extents of contiguous machine frames, the largest that the host has. */
#ifndef CHAOS_MEMORY_H
#define CHAOS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#include "hv.h"

struct memory_extent {
    uint64_t pfn, frame;
    unsigned int order;
};

struct memory {
    uint64_t pages;
    size_t nr, room;
    struct memory_extent *extent; /* ascending pfn, no gaps */
};

struct memory_run {
    uint64_t frame; /* machine frame of the pfn asked for */
    uint64_t nr;    /* frames that follow each other from there on */
};

/* Gives the domain its pages. What was given on failure goes with the domain. */
int memory_populate(struct hv *hv, uint32_t domid, uint64_t pages, struct memory *out,
                    struct chaos_error *err);
void memory_release(struct memory *memory);

/* pfn < pages */
struct memory_run memory_run(const struct memory *memory, uint64_t pfn);

static inline uint64_t memory_frame(const struct memory *memory, uint64_t pfn)
{
    return memory_run(memory, pfn).frame;
}

#endif
