/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of a PV guest that has suspended itself: which machine frame each of its pages is, and
 * what each is to Xen. The guest tells the first, in its own memory; all of it is checked.
 */
#ifndef CHAOS_GUEST_FRAMES_H
#define CHAOS_GUEST_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#include "hv.h"

struct frame_run {
    uint64_t frame, pfn, nr;
};

struct guest_frames {
    uint64_t pages;
    uint64_t *frame;       /* of each page */
    uint8_t *type;         /* enum hv_page_type of each page, GUEST_PAGE_* */
    struct frame_run *run; /* by frame */
    size_t nr_runs;
    uint64_t *p2m; /* the pages that the guest keeps its table of frames in */
    size_t nr_p2m;
    uint32_t upcall_mask; /* bit n: vcpu n has its events masked */
};

#define NO_PFN            UINT64_MAX
#define GUEST_PAGE_P2M    (1u << 5) /* part of the guest's table of frames */
#define GUEST_PAGE_UNUSED (1u << 6) /* the guest wants none of what is in it */

/* 1 to 4 for a page table, else 0. */
static inline unsigned int guest_frames_level(const struct guest_frames *frames, uint64_t pfn)
{
    return frames->type[pfn] & 7u;
}

/* Of a domain that has exactly this many pages. guest_frames_release in any case. */
int guest_frames_read(struct hv *hv, const struct hv_info *info, struct guest_frames *out,
                      struct chaos_error *err);
void guest_frames_release(struct guest_frames *frames);

/* Which page a machine frame is; NO_PFN: none of this guest. */
uint64_t guest_frames_pfn(const struct guest_frames *frames, uint64_t frame);

#endif
