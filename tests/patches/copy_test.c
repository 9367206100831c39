// SPDX-License-Identifier: BSD-3-Clause
/* Runs in dom0 of a host with the patched Xen: pages of domains are copied, and nothing else is. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "dom0.h"

#define PAGES     (NOXS_COPY_PAGES + 2u)
#define PAGE      4096u
#define NO_MEMORY ((void *)0x10000)

static uint64_t frames[PAGES];
static uint8_t *memory; /* of ours, PAGES pages */

/* *done: how many pages Xen says were copied. */
static int copy(uint32_t domid, bool write, const uint64_t *list, uint16_t nr, void *buffer,
                uint16_t *done)
{
    struct noxs_op_copy op = {.domid = (uint16_t)domid,
                              .nr = nr,
                              .length = PAGE,
                              .flags = write ? NOXS_COPY_WRITE : 0,
                              .buffer = (uintptr_t)buffer};
    int rc;

    for (uint16_t i = 0; i < nr && i < NOXS_COPY_PAGES; i++)
        op.frame[i] = list[i];
    rc = noxs_op(NOXS_OP_COPY, &op, sizeof(op));
    if (done)
        *done = op.nr;
    return rc;
}

static void fill(uint8_t seed, unsigned int nr)
{
    for (unsigned int i = 0; i < nr * PAGE; i++)
        memory[i] = (uint8_t)(i * 7u + i / PAGE + seed);
}

static bool filled(uint8_t seed, unsigned int nr)
{
    for (unsigned int i = 0; i < nr * PAGE; i++)
        if (memory[i] != (uint8_t)(i * 7u + i / PAGE + seed))
            return false;
    return true;
}

static uint32_t make_domain_with_memory(void)
{
    uint32_t domid = make_domain(false);
    xen_pfn_t list[PAGES];

    for (unsigned int i = 0; i < PAGES; i++)
        list[i] = i;
    need(xc_domain_setmaxmem(ctrl, domid, PAGES * 4) == 0 &&
             xc_domain_populate_physmap_exact(ctrl, domid, PAGES, 0, 0, list) == 0,
         "give it memory");
    for (unsigned int i = 0; i < PAGES; i++)
        frames[i] = list[i];
    return domid;
}

static void test_contents(uint32_t domid)
{
    uint64_t backwards[NOXS_COPY_PAGES];
    uint16_t done;

    for (unsigned int i = 0; i < NOXS_COPY_PAGES; i++)
        backwards[i] = frames[NOXS_COPY_PAGES - 1 - i];
    fill(1, NOXS_COPY_PAGES);
    CHECK(copy(domid, true, frames, NOXS_COPY_PAGES, memory, &done) == 0 &&
          done == NOXS_COPY_PAGES);
    memset(memory, 0, PAGES * PAGE);
    CHECK_RC(copy(domid, false, frames, NOXS_COPY_PAGES, memory, NULL), 0);
    CHECK(filled(1, NOXS_COPY_PAGES) && memory[NOXS_COPY_PAGES * PAGE] == 0);
    CHECK_RC(copy(domid, true, backwards, NOXS_COPY_PAGES, memory, NULL), 0);
    CHECK_RC(copy(domid, false, frames + NOXS_COPY_PAGES - 1, 1, memory, NULL), 0);
    CHECK(filled(1, 1));
    /* Addresses need not be those of pages. */
    CHECK_RC(copy(domid, false, frames + NOXS_COPY_PAGES - 1, 1, memory + 100, NULL), 0);
    CHECK(memcmp(memory, memory + 100, 100) == 0);
}

/* The same few bytes of several pages, and nothing beside them. */
static void test_part(uint32_t domid)
{
    static const char text[3][4] = {"abc", "def", "ghi"};
    struct noxs_op_copy op = {.domid = (uint16_t)domid,
                              .nr = 3,
                              .offset = PAGE - 4,
                              .length = 4,
                              .flags = NOXS_COPY_WRITE,
                              .buffer = (uintptr_t)text,
                              .frame = {frames[0], frames[1], frames[2]}};

    fill(5, 3);
    CHECK_RC(copy(domid, true, frames, 3, memory, NULL), 0);
    CHECK_RC(noxs_op(NOXS_OP_COPY, &op, sizeof(op)), 0);
    memset(memory, 0, 3 * PAGE);
    CHECK_RC(copy(domid, false, frames, 3, memory, NULL), 0);
    for (unsigned int i = 0; i < 3; i++) {
        CHECK(memcmp(memory + (i + 1) * PAGE - 4, text[i], 4) == 0);
        for (unsigned int j = 4; j > 0; j--)
            memory[(i + 1) * PAGE - j] = (uint8_t)(((i + 1) * PAGE - j) * 7u + i + 5);
    }
    CHECK(filled(5, 3));
    op.flags = 0;
    op.buffer = (uintptr_t)memory;
    CHECK_RC(noxs_op(NOXS_OP_COPY, &op, sizeof(op)), 0);
    CHECK(memcmp(memory, text, sizeof(text)) == 0);
}

static void test_refused(uint32_t domid)
{
    struct noxs_op_query q;
    uint64_t list[] = {frames[0], frames[1], 0, frames[2]};
    static const uint64_t nothing[] = {UINT64_MAX, 1ull << 52, 1ull << 40, 0x7fffffffu};
    struct noxs_op_copy good = {.domid = (uint16_t)domid,
                                .nr = 1,
                                .length = PAGE,
                                .buffer = (uintptr_t)memory,
                                .frame = {frames[0]}};
    struct noxs_op_copy op = good;
    uint16_t done;

    CHECK_RC(copy(domid, false, frames, 0, memory, NULL), -EINVAL);
    CHECK_RC(copy(domid, false, frames, NOXS_COPY_PAGES + 1, memory, NULL), -EINVAL);
    CHECK_RC(copy(domid, false, frames, UINT16_MAX, memory, NULL), -EINVAL);
    CHECK_RC(copy(32000, false, frames, 1, memory, NULL), -ESRCH);
    CHECK_RC(noxs_op(NOXS_OP_COPY, &op, sizeof(op)), 0);
    for (unsigned int i = 0; i < 6; i++) {
        op = good;
        op.flags = i == 0 ? 2 : 0;
        op.reserved = i == 1;
        op.length = i == 2 ? 0 : i == 3 ? PAGE + 1 : PAGE;
        op.offset = i == 4 ? 1 : i == 5 ? UINT16_MAX : 0;
        CHECK_RC(noxs_op(NOXS_OP_COPY, &op, sizeof(op)), -EINVAL);
    }
    for (unsigned int i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        list[2] = nothing[i];
        CHECK(copy(domid, false, list, 4, memory, &done) == -EINVAL && done == 2);
        CHECK(copy(domid, true, list, 4, memory, &done) == -EINVAL && done == 2);
    }
    /* Xen's own, dom0's, and what the domain has but may not write. */
    CHECK_RC(query(0, &q), 0);
    list[2] = q.frame;
    CHECK(copy(domid, false, list, 4, memory, &done) == -EINVAL && done == 2);
    CHECK(copy(domid, true, list, 4, memory, &done) == -EINVAL && done == 2);
    CHECK_RC(query(domid, &q), 0);
    list[2] = q.frame;
    CHECK(copy(domid, true, list, 4, memory, &done) != 0 && done == 2);
}

static void test_bad_addresses(uint32_t domid)
{
    uint16_t done;

    for (int write = 0; write <= 1; write++) {
        CHECK(copy(domid, write, frames, 2, NO_MEMORY, &done) == -EFAULT && done == 0);
        CHECK_RC(copy(domid, write, frames, 1, (void *)0xffff830000000000ull, NULL), -EFAULT);
        CHECK_RC(copy(domid, write, frames, 1, (void *)0x0000800000000000ull, NULL), -EFAULT);
        CHECK_RC(copy(domid, write, frames, 1, (void *)~0ull, NULL), -EFAULT);
        /* The second page is not there. */
        CHECK(copy(domid, write, frames, 2, memory + (PAGES - 1) * PAGE, &done) == -EFAULT &&
              done == 1);
    }
}

/* A page table is to be read like any page, and to be written by nobody but Xen. */
static void test_page_table(uint32_t domid)
{
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = frames[0]};
    uint16_t done;

    memset(memory, 0, 2 * PAGE);
    CHECK_RC(copy(domid, true, frames, 2, memory, NULL), 0);
    need(xc_mmuext_op(ctrl, &pin, 1, (domid_t)domid) == 0, "pin a page table");
    fill(3, 2);
    CHECK(copy(domid, true, frames, 2, memory, &done) == -EBUSY && done == 0);
    CHECK_RC(copy(domid, false, frames, 1, memory, NULL), 0);
    CHECK(memory[0] == 0 && memcmp(memory, memory + 1, PAGE - 1) == 0);
    pin.cmd = MMUEXT_UNPIN_TABLE;
    need(xc_mmuext_op(ctrl, &pin, 1, (domid_t)domid) == 0, "let go of it");
    CHECK_RC(copy(domid, true, frames, 1, memory, NULL), 0);
}

static void test_others(void)
{
    uint32_t translated = make_domain(true), other = make_domain_with_memory();
    const uint64_t its = frames[0];
    uint32_t domid = make_domain_with_memory();
    uint16_t done;

    CHECK_RC(copy(translated, false, frames, 1, memory, NULL), -EOPNOTSUPP);
    destroy_domain(translated);
    CHECK_RC(copy(domid, false, &its, 1, memory, NULL), -EINVAL);
    CHECK_RC(copy(other, true, &its, 1, memory, NULL), 0);
    destroy_domain(other); /* nothing keeps its pages */
    CHECK(copy(domid, true, &its, 1, memory, &done) == -EINVAL && done == 0);
    destroy_domain(domid);
    CHECK_RC(copy(domid, false, frames, 1, memory, NULL), -ESRCH);
}

int main(void)
{
    uint32_t domid;

    open_xen();
    memory = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    need(memory != MAP_FAILED && mprotect(memory + PAGES * PAGE, PAGE, PROT_NONE) == 0,
         "map memory");
    domid = make_domain_with_memory();
    test_contents(domid);
    test_part(domid);
    test_refused(domid);
    test_bad_addresses(domid);
    test_page_table(domid);
    destroy_domain(domid);
    test_others();
    return result();
}
