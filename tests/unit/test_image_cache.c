// SPDX-License-Identifier: BSD-3-Clause
/* Images in memory: read once, and anew when their file is another. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_maker.h"
#include "image_cache.h"
#include "scratch.h"

static struct image_cache *cache;
static struct chaos_error err;
static char path[128];

static int set_up(void **state)
{
    (void)state;
    scratch_make();
    cache = image_cache_new();
    return cache ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    image_cache_free(cache);
    scratch_remove();
    return 0;
}

static void write_file(const char *name, const char *text)
{
    strcpy(path, scratch_file(name, text, strlen(text)));
}

static struct image_cached *get(void)
{
    struct image_cached *file;

    if (image_cache_get(cache, "kernel", path, &file, &err) < 0)
        fail_msg("%s", err.text);
    return file;
}

static void settle(void)
{
    usleep(20000); /* longer than a tick of the clock of files */
}

static void expect(struct image_cached *file, const char *text)
{
    assert_int_equal(file->id.size, strlen(text));
    assert_memory_equal(file->bytes, text, strlen(text));
}

static void test_kept(void **state)
{
    struct image_cached *first, *second;

    (void)state;
    write_file("a", "one");
    settle();
    first = get();
    expect(first, "one");
    second = get();
    assert_ptr_equal(first, second);
    assert_int_equal(first->users, 2);
    image_cache_put(first);
    image_cache_put(second);
    assert_ptr_equal(get(), first);
}

/* Even if it has the same length and was written in the same tick. */
static void test_changed(void **state)
{
    struct image_cached *file;
    char text[8];
    int i;

    (void)state;
    for (i = 0; i < 2000; i++) {
        snprintf(text, sizeof(text), "%04d", i);
        write_file("a", text);
        file = get();
        expect(file, text);
        image_cache_put(file);
    }
}

/* A file that is in use stays what it was. */
static void test_changed_in_use(void **state)
{
    struct image_cached *old, *new;

    (void)state;
    write_file("a", "old");
    old = get();
    write_file("a", "new");
    new = get();
    expect(old, "old");
    expect(new, "new");
    image_cache_put(old);
    image_cache_put(new);
}

static void make_large(const char *name, off_t size)
{
    write_file(name, "x");
    assert_int_equal(truncate(path, size), 0);
    settle();
}

static void test_limits(void **state)
{
    struct image_cached *first, *again, *file;
    char paths[3][128];
    int i;

    (void)state;
    make_large("huge", (off_t)IMAGE_CACHE_BYTES + 1);
    assert_int_equal(image_cache_get(cache, "kernel", path, &file, &err), -EFBIG);
    for (i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};

        make_large(name, (off_t)IMAGE_CACHE_BYTES / 2);
        strcpy(paths[i], path);
    }
    strcpy(path, paths[0]);
    first = get();
    strcpy(path, paths[1]);
    image_cache_put(get());
    strcpy(path, paths[2]);
    image_cache_put(get()); /* in place of the second: the first is in use */
    strcpy(path, paths[0]);
    again = get();
    assert_ptr_equal(again, first);
    image_cache_put(again);
    image_cache_put(first);
}

static void test_parse(void **state)
{
    struct image_cached *file;
    struct elf_maker maker;

    (void)state;
    elf_make(&maker);
    strcpy(path, scratch_file("kernel", maker.bytes, maker.size));
    file = get();
    assert_int_equal(image_cached_parse(file, &err), 0);
    assert_true(file->parsed);
    assert_int_equal(file->image.virt_base, ELF_BASE);
    image_cache_put(file);
    write_file("kernel", "no kernel");
    file = get();
    assert_int_equal(image_cached_parse(file, &err), -ENOEXEC);
    assert_false(file->parsed);
    image_cache_put(file);
}

static void test_missing(void **state)
{
    struct image_cached *file;

    (void)state;
    strcpy(path, "/nonexistent");
    assert_int_equal(image_cache_get(cache, "kernel", path, &file, &err), -ENOENT);
    assert_string_equal(err.text, "kernel \"/nonexistent\": No such file or directory");
}

enum { THREADS = 4, FILES = 100, TURNS = 30000 };
static char paths[FILES][128], texts[FILES][16];
static pthread_barrier_t together;

static void *share(void *opaque)
{
    for (size_t i = 0; i < TURNS; i++) {
        struct image_cached *file;
        struct image_source source;
        struct chaos_error error;
        char text[16];

        if (i < FILES) /* none has read it yet */
            pthread_barrier_wait(&together);
        if (image_cache_get(cache, "kernel", paths[i % FILES], &file, &error) < 0)
            return opaque;
        source = image_cached_source(file);
        if (source.size != strlen(texts[i % FILES]) ||
            source.read(source.opaque, 0, text, source.size) < 0 ||
            memcmp(text, texts[i % FILES], source.size) != 0 ||
            image_cached_parse(file, &error) != -ENOEXEC)
            return opaque;
        image_cache_put(file);
    }
    return NULL;
}

/* However many ask, whether or not at the same time: one copy is kept. */
static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    struct image_cached *file;
    void *failed;

    (void)state;
    for (int i = 0; i < FILES; i++) {
        snprintf(texts[i], sizeof(texts[i]), "file %d", i);
        strcpy(paths[i], scratch_file(texts[i], texts[i], strlen(texts[i])));
    }
    settle();
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, share, cache), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    pthread_barrier_destroy(&together);
    strcpy(path, paths[FILES - 1]); /* the last that was read is the first in the list */
    file = get();
    assert_int_equal(file->users, 1);
    image_cache_put(file);
    for (int nr = 1; (file = file->next); nr++)
        assert_true(nr < FILES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_kept),  TEST(test_changed), TEST(test_changed_in_use), TEST(test_limits),
        TEST(test_parse), TEST(test_missing), TEST(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
