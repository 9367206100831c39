/* SPDX-License-Identifier: BSD-3-Clause */
/* Small objects: alignment, no overlap, memory that runs out, pages given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest.h"

static size_t pages_out;
static size_t pages_left_over = 4096;

void *pages_alloc(size_t nr)
{
    void *p;

    if (nr > pages_left_over)
        return NULL;
    p = aligned_alloc(PAGE_SIZE, nr * PAGE_SIZE);
    assert_non_null(p);
    pages_left_over -= nr;
    pages_out += nr;
    return p;
}

void *page_alloc(void)
{
    return pages_alloc(1);
}

static void *freed;
static size_t nr_freed;

void pages_free(void *first, size_t nr)
{
    assert_int_equal((uintptr_t)first % PAGE_SIZE, 0);
    freed = first;
    nr_freed = nr;
    pages_out -= nr;
    pages_left_over += nr;
}

static void test_many(void **state)
{
    static unsigned char *objects[200];
    static size_t sizes[200];

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned i = round * 31 % 200;

        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(objects[i][b], i);
        kfree(objects[i]);
        sizes[i] = round * 17 % 2033;
        objects[i] = kmalloc(sizes[i]);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % 16, 0);
        memset(objects[i], (int)i, sizes[i]);
    }
    assert_true(pages_out < 300); /* reused, not taken anew */
    for (unsigned i = 0; i < 200; i++)
        kfree(objects[i]);
}

static void test_large(void **state)
{
    size_t before = pages_out;
    char *p = kmalloc(3 * PAGE_SIZE);

    (void)state;
    assert_non_null(p);
    assert_int_equal(pages_out, before + 4);
    memset(p, 1, 3 * PAGE_SIZE);
    kfree(p);
    assert_int_equal(pages_out, before);
    assert_int_equal(nr_freed, 4);
    free(freed);
}

static void test_zeroed(void **state)
{
    unsigned char *p = kmalloc(100);

    (void)state;
    memset(p, 0xff, 100);
    kfree(p);
    p = kzalloc(100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    kfree(p);
    kfree(NULL);
}

static void test_exhausted(void **state)
{
    (void)state;
    assert_null(kmalloc(SIZE_MAX));
    assert_null(kmalloc(SIZE_MAX - 4096));
    pages_left_over = 0;
    assert_null(kzalloc(100000));
    while (kmalloc(2000))
        ;
    assert_null(kmalloc(2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_exhausted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Chunks stay in the allocator's own lists, which the leak checker does not need to know. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
