/* SPDX-License-Identifier: BSD-3-Clause */
/* Small objects: a free list for each power of two, filled a page at a time; larger ones are pages.
 */
#include "guest.h"

#define HEADER    16u /* keeps objects aligned to 16 */
#define MIN_SHIFT 5u
#define CLASSES   7u /* chunks of 32 .. 2048 bytes, header included */

struct chunk {
    size_t pages; /* 0: one of a class */
    union {
        size_t class;
        struct chunk *next;
    };
};
_Static_assert(sizeof(struct chunk) == HEADER, "an object follows its header");

static struct chunk *free_chunks[CLASSES];

static bool refill(unsigned class)
{
    size_t size = 1ul << (MIN_SHIFT + class);
    char *page = page_alloc();

    if (!page)
        return false;
    for (size_t at = 0; at < PAGE_SIZE; at += size) {
        struct chunk *c = (struct chunk *)(page + at);

        c->next = free_chunks[class];
        free_chunks[class] = c;
    }
    return true;
}

static void *alloc_pages(size_t size)
{
    size_t nr = (size + HEADER + PAGE_SIZE - 1) >> PAGE_SHIFT;
    struct chunk *c = size < SIZE_MAX - 2 * PAGE_SIZE ? pages_alloc(nr) : NULL;

    if (!c)
        return NULL;
    c->pages = nr;
    return c + 1;
}

void *kmalloc(size_t size)
{
    unsigned class = 0;
    struct chunk *c;

    while (class < CLASSES && size > (1ul << (MIN_SHIFT + class)) - HEADER)
        class ++;
    if (class == CLASSES)
        return alloc_pages(size);
    if (!free_chunks[class] && !refill(class))
        return NULL;
    c = free_chunks[class];
    free_chunks[class] = c->next;
    c->pages = 0;
    c->class = class;
    return c + 1;
}

void *kzalloc(size_t size)
{
    void *p = kmalloc(size);

    if (p)
        memset(p, 0, size);
    return p;
}

void kfree(void *p)
{
    struct chunk *c = p;

    if (!p)
        return;
    c--;
    if (c->pages) {
        pages_free(c, c->pages);
        return;
    }
    struct chunk **head = &free_chunks[c->class];

    c->next = *head;
    *head = c;
}
