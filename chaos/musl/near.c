// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory beside the program. A Xen domain's page tables are checked by the hypervisor: a page in a
 * part of the address space that has none yet costs some 100 us more than one beside others, and
 * the kernel's choices for heap and mappings are far from the program and from each other. So the
 * first allocations are served from an array of the program's own, and the libraries' mappings are
 * asked for behind it. Linked with --wrap: __wrap_NAME is what everybody calls, __real_NAME musl's.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

#define ALIGN      16
#define ROOM       ((size_t)128 << 10) /* a client's message, and what a create needs, twice */
#define PAGE       ((size_t)4096)
#define TABLE_SPAN ((size_t)2 << 20) /* what one page of page table maps */

struct head {
    _Alignas(ALIGN) size_t size; /* of the block behind it, in whole ALIGN */
};

extern char _end[]; /* of the program, from the linker */

static _Alignas(ALIGN) unsigned char room[ROOM];
static atomic_size_t used; /* of room */

static bool is_ours(const void *block)
{
    return (uintptr_t)block - (uintptr_t)room < sizeof(room);
}

static struct head *head_of(void *block)
{
    return (struct head *)block - 1;
}

static size_t end_of(void *block)
{
    return (size_t)((unsigned char *)block - room) + head_of(block)->size;
}

/* Lets the last block grow or shrink to size; false: it is not the last, or there is no room. */
static bool resize_last(void *block, size_t size)
{
    size_t end = end_of(block), moved = end - head_of(block)->size + size;

    if (moved > ROOM || !atomic_compare_exchange_strong(&used, &end, moved))
        return false;
    head_of(block)->size = size;
    return true;
}

void *__wrap_malloc(size_t size)
{
    size_t start = atomic_load(&used), all;
    struct head *head;

    if (size > ROOM)
        return __real_malloc(size);
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    all = sizeof(*head) + size;
    do {
        if (all > ROOM - start)
            return __real_malloc(size);
    } while (!atomic_compare_exchange_weak(&used, &start, start + all));
    head = (struct head *)(room + start);
    head->size = size;
    return head + 1;
}

void *__wrap_calloc(size_t nr, size_t size)
{
    void *block;

    if (size && nr > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    block = __wrap_malloc(nr * size);
    return block ? memset(block, 0, nr * size) : NULL;
}

/* Only the last block's bytes are given out again: what is made first is kept longest. */
void __wrap_free(void *block)
{
    size_t end, start;

    if (!is_ours(block)) {
        __real_free(block);
        return;
    }
    end = end_of(block);
    start = (size_t)((unsigned char *)head_of(block) - room);
    atomic_compare_exchange_strong(&used, &end, start);
}

void *__wrap_realloc(void *old, size_t size)
{
    size_t had;
    void *block;

    if (!old)
        return __wrap_malloc(size);
    if (!is_ours(old))
        return __real_realloc(old, size);
    had = head_of(old)->size;
    if (size <= had)
        return old;
    if (size <= ROOM && resize_last(old, (size + ALIGN - 1) / ALIGN * ALIGN))
        return old;
    block = __wrap_malloc(size);
    if (block)
        memcpy(block, old, had);
    return block;
}

/* The address is a wish: where something is already, the kernel chooses another. */
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    static atomic_size_t taken;
    uintptr_t first = ((uintptr_t)_end + PAGE - 1) / PAGE * PAGE;
    size_t left = TABLE_SPAN - first % TABLE_SPAN, start = atomic_load(&taken), all;

    if (address || length > left)
        return __real_mmap(address, length, protection, flags, fd, offset);
    all = (length + PAGE - 1) / PAGE * PAGE;
    if (all <= left && start <= left - all) {
        start = atomic_fetch_add(&taken, all);
        if (start <= left - all)
            address = (void *)(first + start);
    }
    return __real_mmap(address, length, protection, flags, fd, offset);
}
