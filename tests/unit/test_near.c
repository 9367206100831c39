// SPDX-License-Identifier: BSD-3-Clause
/* The command's allocator: blocks beside the program, then the C library's. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE    4096u
#define SPAN    ((size_t)2 << 20)
#define THREADS 4
#define BLOCKS  500

extern char _end[];

void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

/* The compiler is not to see where a block comes from: it knows malloc, and leaves calls out. */
static uintptr_t place(void *block)
{
    uintptr_t at = (uintptr_t)block;

    __asm__ volatile("" : "+r"(at)::"memory");
    return at;
}

/* Blocks beside the program are within its variables. */
static bool is_near(void *block)
{
    return (uintptr_t)_end - place(block) < (size_t)1 << 20;
}

static void test_last_block(void **state)
{
    char *first = malloc(10), *second = malloc(100);
    uintptr_t at = place(second), other;

    (void)state;
    assert_true(is_near(first) && is_near(second));
    assert_int_equal(place(first) % 16, 0);
    assert_int_equal(at % 16, 0);
    memset(first, 1, 10);
    memset(second, 2, 100);
    assert_int_equal(first[9], 1);

    second = realloc(second, 3000); /* grows where it is */
    assert_int_equal(place(second), at);
    memset(second, 3, 3000);
    assert_int_equal(first[9], 1);

    free(second);
    second = malloc(1);
    assert_int_equal(place(second), at); /* the last block's bytes are given out again */
    other = place(malloc(1));
    free(second); /* not the last: stays */
    second = malloc(1);
    assert_true(place(second) > other);
    free(second);
    free((void *)other);
    free(first);
    free(NULL);
}

static void test_moves(void **state)
{
    char *first = malloc(40), *second = malloc(40);
    uintptr_t at = place(first);

    (void)state;
    memset(first, 7, 40);
    memset(second, 8, 40);
    first = realloc(first, 20);
    assert_int_equal(place(first), at);
    first = realloc(first, 400);
    assert_true(place(first) > place(second));
    for (int i = 0; i < 20; i++)
        assert_int_equal(first[i], 7);
    memset(first, 9, 400);
    assert_int_equal(second[39], 8);
    free(first);
    free(second);
    assert_non_null(first = realloc(NULL, 5));
    free(first);
}

static void test_zeroes(void **state)
{
    unsigned char *block = malloc(512);
    uintptr_t at = place(block);
    volatile size_t many = SIZE_MAX / 4 + 2; /* times 4: 4, if nobody looks */

    (void)state;
    memset(block, 0xff, 512);
    place(block);
    free(block);
    block = calloc(2, 256);
    assert_int_equal(place(block), at);
    for (int i = 0; i < 512; i++)
        assert_int_equal(block[i], 0);
    free(block);
    errno = 0;
    assert_int_equal(place(calloc(many, 4)), 0);
    assert_int_equal(errno, ENOMEM);
}

static void *allocate(void *opaque)
{
    unsigned char **blocks = opaque;

    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(24);
        memset(blocks[i], i % 251, 24);
    }
    return NULL;
}

static void test_threads(void **state)
{
    static unsigned char *blocks[THREADS][BLOCKS];
    pthread_t thread[THREADS];

    (void)state;
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, allocate, blocks[t]), 0);
    for (int t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < BLOCKS; i++)
            for (int k = 0; k < 24; k++)
                assert_int_equal(blocks[t][i][k], i % 251);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < BLOCKS; i++)
            free(blocks[t][i]);
}

/* The last test of malloc: it uses up what is beside the program. */
static void test_full(void **state)
{
    enum { NR = 80, SIZE = 4000 };
    unsigned char *block[NR], *large = malloc((size_t)1 << 20);
    int nr_near = 0;

    (void)state;
    assert_false(is_near(large));
    assert_non_null(large = realloc(large, (size_t)2 << 20));
    free(large);
    for (int i = 0; i < NR; i++) {
        block[i] = malloc(SIZE);
        assert_non_null(block[i]);
        memset(block[i], i, SIZE);
        nr_near += is_near(block[i]);
    }
    assert_in_range(nr_near, 1, NR - 1);
    for (int i = 0; i < NR; i++) {
        assert_int_equal(block[i][0], i);
        block[i] = realloc(block[i], 2 * SIZE);
        assert_int_equal(block[i][SIZE - 1], i);
        free(block[i]);
    }
    for (int i = 0; i < NR; i++) { /* freed blocks of the C library are its own to give out */
        block[i] = calloc(1, SIZE);
        assert_int_equal(block[i][SIZE - 1], 0);
        free(block[i]);
    }
}

static void *map(size_t length)
{
    unsigned char *at =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(at, MAP_FAILED);
    at[0] = at[length - 1] = 1;
    return at;
}

static void test_mmap(void **state)
{
    uintptr_t first = ((uintptr_t)_end + PAGE - 1) / PAGE * PAGE;
    uintptr_t last = (first / SPAN + 1) * SPAN; /* first is anywhere before, by chance */
    unsigned char *near, *given = (void *)(last + 16 * SPAN);
    void *probe;

    (void)state;
    probe = __real_mmap((void *)first, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(probe, 2 * PAGE);
    near = map(PAGE + 1);
    if ((uintptr_t)probe == first && last - first >= 2 * PAGE) {
        assert_ptr_equal(near, (void *)first);
        if (last - first >= 3 * PAGE)
            assert_ptr_equal(map(PAGE), (void *)(first + 2 * PAGE));
    }
    for (int i = 0; i < 600; i++) /* more than there is room for */
        map(PAGE);
    map(8 * SPAN);
    assert_ptr_equal(mmap(given, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     given);
    assert_ptr_equal(mmap(NULL, SIZE_MAX - 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                     MAP_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_block), cmocka_unit_test(test_moves),
        cmocka_unit_test(test_zeroes),     cmocka_unit_test(test_threads),
        cmocka_unit_test(test_full),       cmocka_unit_test(test_mmap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
