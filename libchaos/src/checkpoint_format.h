/* SPDX-License-Identifier: BSD-3-Clause */
/* What the records of a checkpoint are made of; docs/checkpoint-format.md explains it. */
#ifndef CHAOS_CHECKPOINT_FORMAT_H
#define CHAOS_CHECKPOINT_FORMAT_H

#include <stdint.h>

/* In this order: CONFIG, DOMAIN; then PAGES with their DATA, GUEST, VCPU in any; END. */
enum checkpoint_type {
    CHECKPOINT_END = 0,
    CHECKPOINT_CONFIG = 1,
    CHECKPOINT_DOMAIN = 2,
    CHECKPOINT_PAGES = 3,
    CHECKPOINT_DATA = 4,
    CHECKPOINT_GUEST = 5,
    CHECKPOINT_VCPU = 6,
    CHECKPOINT_DATA_LZ4 = 7 /* in the place of a DATA; in streams with STREAM_LZ4 */
};

#define CHECKPOINT_CONFIG_MAX (64u << 10)
#define CHECKPOINT_WINDOW     1024u        /* pages of one PAGES record */
#define CHECKPOINT_DATA_PAGES 8u           /* of one DATA or DATA_LZ4 record */
#define CHECKPOINT_PAGES_MAX  (1ull << 26) /* of a guest: 256 GiB */
#define CHECKPOINT_VCPUS_MAX  32u          /* that have a place in Xen's shared info */
#define CHECKPOINT_VCPU_MAX   (64u << 10)
#define CHECKPOINT_TIMES_MAX  16u /* that a page comes in a STREAM_LIVE, on average */

struct checkpoint_domain {
    uint8_t uuid[16];
    uint64_t pages; /* numbered 0 .. pages - 1 */
    uint32_t vcpus;
    uint16_t xen_major, xen_minor;
    uint32_t hw_caps[8]; /* what the processor had; the guest may have seen them */
    uint32_t reserved[2];
};
_Static_assert(sizeof(struct checkpoint_domain) == 72, "as specified");

enum checkpoint_kind {
    CHECKPOINT_KIND_ZERO = 0,
    CHECKPOINT_KIND_DATA = 1,
    CHECKPOINT_KIND_SAME = 2,   /* each as page `same` of this record, which is of kind DATA */
    CHECKPOINT_KIND_UNUSED = 3, /* nobody wants what is in it */
    CHECKPOINT_KIND_TABLE1 = 4, /* page tables: frame numbers are the guest's own */
    CHECKPOINT_KIND_TABLE2 = 5,
    CHECKPOINT_KIND_TABLE3 = 6,
    CHECKPOINT_KIND_TABLE4 = 7,
    CHECKPOINT_KIND_ELSEWHERE = 8 /* in STREAM_LIVE: not told here, but in another window */
};

#define CHECKPOINT_PINNED  (1u << 0)
#define CHECKPOINT_NO_PAGE UINT64_MAX

struct checkpoint_run {
    uint32_t nr;
    uint8_t kind, flags;
    uint16_t same;
};
_Static_assert(sizeof(struct checkpoint_run) == 8, "as specified");

/* Followed by nr_runs runs, which are pages first, first + 1, ... */
struct checkpoint_pages {
    uint64_t first;
    uint32_t nr, nr_runs;
};
_Static_assert(sizeof(struct checkpoint_pages) == 16, "as specified");

/* Followed by one block of lz4, which are the contents of nr pages. */
struct checkpoint_lz4 {
    uint32_t nr, reserved;
};
_Static_assert(sizeof(struct checkpoint_lz4) == 8, "as specified");

/* Followed by nr_p2m page numbers (64 bits): the guest's own table of its frames. */
struct checkpoint_guest {
    uint64_t start_info; /* page numbers */
    uint64_t console;
    uint64_t store;       /* the ring to XenStore; CHECKPOINT_NO_PAGE: on another bus */
    uint32_t upcall_mask; /* bit n: vcpu n has its events masked */
    uint32_t nr_p2m;
};
_Static_assert(sizeof(struct checkpoint_guest) == 32, "as specified");

/* Followed by the state, as Xen gives it; frame numbers are the guest's own. */
struct checkpoint_vcpu {
    uint32_t vcpu, state; /* enum hv_vcpu_state */
};
_Static_assert(sizeof(struct checkpoint_vcpu) == 8, "as specified");

struct checkpoint_end {
    uint64_t pages, stored_pages;
    uint64_t bytes; /* before this record */
    uint64_t sum;   /* XXH64 of the header checksums of all records before this one */
};
_Static_assert(sizeof(struct checkpoint_end) == 32, "as specified");

/* An entry of a page table. */
#define PTE_PRESENT     0x001ull
#define PTE_FRAME       0x000ffffffffff000ull
#define PTE_FRAME_SHIFT 12

#endif
