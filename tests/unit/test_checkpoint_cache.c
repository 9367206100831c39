// SPDX-License-Identifier: BSD-3-Clause
/* Checkpoints that chaosd keeps in memory: whole ones, as they are now, and not too many. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkpoint_cache.h"
#include "checkpoint_maker.h"
#include "scratch.h"

static struct maker_bytes made;
static struct checkpoint_cache *cache;

static int set_up(void **state)
{
    (void)state;
    maker_make(&made);
    scratch_make();
    cache = checkpoint_cache_new(12 * made.length); /* so that twelve fit */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    checkpoint_cache_free(cache);
    scratch_remove();
    return 0;
}

/* Its times are of long ago. */
static int open_file(const char *name, const struct maker_bytes *bytes)
{
    const char *path = scratch_file(name, bytes->bytes, bytes->length);
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    usleep(20000);
    return fd;
}

static bool is_kept(int fd, bool often)
{
    struct checkpoint_cached *cached = checkpoint_cache_get(cache, fd, often);
    const uint8_t *bytes;
    size_t size;

    if (!cached)
        return false;
    bytes = checkpoint_cached_bytes(cached, &size);
    assert_int_equal(size, made.length);
    assert_memory_equal(bytes, made.bytes, size);
    checkpoint_cache_put(cache, cached);
    return true;
}

static void test_second_time(void **state)
{
    int fd = open_file("file", &made), other = open_file("other", &made);

    (void)state;
    assert_false(is_kept(fd, false));
    assert_true(is_kept(fd, false));
    assert_true(is_kept(fd, false));
    assert_true(is_kept(other, true)); /* at once */
    close(fd);
    close(other);
}

/* Of this very moment: another change would not be seen. (Unless we are held up for long.) */
static void check_unsettled(int fd)
{
    struct checkpoint_cached *cached;
    unsigned int tries = 0;

    do {
        assert_in_range(tries++, 0, 50);
        assert_int_equal(pwrite(fd, made.bytes, made.length, 0), made.length);
        cached = checkpoint_cache_get(cache, fd, true);
        if (cached)
            checkpoint_cache_put(cache, cached);
    } while (cached);
}

/* Neither what was written over, nor what is no good, is taken for what it was. */
static void test_changes(void **state)
{
    int fd = open_file("file", &made);
    struct maker_bytes other = made;
    struct timespec times[2];
    struct stat before;

    (void)state;
    check_unsettled(fd);
    usleep(20000);
    assert_true(is_kept(fd, true));
    other.bytes[300] ^= 1;
    assert_int_equal(fstat(fd, &before), 0);
    times[0] = before.st_atim;
    times[1] = before.st_mtim;
    assert_int_equal(pwrite(fd, other.bytes, other.length, 0), other.length);
    assert_int_equal(futimens(fd, times), 0); /* whatever it is said to be of */
    usleep(20000);
    assert_null(checkpoint_cache_get(cache, fd, true)); /* damaged */
    assert_null(checkpoint_cache_get(cache, fd, true));
    assert_int_equal(pwrite(fd, made.bytes, made.length, 0), made.length);
    usleep(20000);
    assert_true(is_kept(fd, true));
    assert_int_equal(ftruncate(fd, 100), 0);
    usleep(20000);
    assert_null(checkpoint_cache_get(cache, fd, true));
    close(fd);
}

static void test_no_files(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_null(checkpoint_cache_get(cache, fds[0], true));
    assert_null(checkpoint_cache_get(cache, -1, true));
    close(fds[0]);
    close(fds[1]);
    checkpoint_cache_free(cache);
    cache = checkpoint_cache_new(4 * made.length - 4);
    fds[0] = open_file("file", &made); /* more than a quarter */
    assert_null(checkpoint_cache_get(cache, fds[0], true));
    close(fds[0]);
    checkpoint_cache_free(cache);
    cache = checkpoint_cache_new(0);
    fds[0] = open_file("file", &made);
    assert_null(checkpoint_cache_get(cache, fds[0], true));
    close(fds[0]);
}

/* The one that was used longest ago goes, and those in use stay. */
static void test_room(void **state)
{
    struct checkpoint_cached *used;
    char name[16];
    int fd[100];

    (void)state;
    for (unsigned int i = 0; i < 14; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        fd[i] = open_file(name, &made);
    }
    used = checkpoint_cache_get(cache, fd[0], true);
    for (unsigned int i = 1; i < 12; i++)
        assert_true(is_kept(fd[i], true));
    assert_true(is_kept(fd[1], false));
    assert_true(is_kept(fd[12], true)); /* in the place of file2 */
    assert_true(is_kept(fd[1], false));
    assert_true(is_kept(fd[3], false));
    assert_true(is_kept(fd[0], false));
    assert_false(is_kept(fd[2], false));
    checkpoint_cache_put(cache, used);
    for (unsigned int i = 0; i < 14; i++)
        close(fd[i]);
}

/* All of it is in use: the rest is read from the files. */
static void test_full(void **state)
{
    struct checkpoint_cached *used[12];
    char name[16];
    int fd[13];

    (void)state;
    for (unsigned int i = 0; i < 13; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        fd[i] = open_file(name, &made);
    }
    for (unsigned int i = 0; i < 12; i++) {
        used[i] = checkpoint_cache_get(cache, fd[i], true);
        assert_non_null(used[i]);
    }
    assert_false(is_kept(fd[12], true));
    assert_true(is_kept(fd[5], true));
    for (unsigned int i = 0; i < 12; i++)
        checkpoint_cache_put(cache, used[i]);
    assert_true(is_kept(fd[12], true));
    for (unsigned int i = 0; i < 13; i++)
        close(fd[i]);
}

/* Files that are asked for once each are not known for ever. */
static void test_many(void **state)
{
    char name[16];
    int fd;

    (void)state;
    for (unsigned int i = 0; i < 3 * CHECKPOINT_CACHE_FILES; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        fd = open(scratch_file(name, made.bytes, made.length), O_RDONLY | O_CLOEXEC);
        usleep(5000);
        assert_false(is_kept(fd, false));
        close(fd);
    }
}

static void *get_and_put(void *opaque)
{
    const int *fd = opaque;

    for (unsigned int i = 0; i < 300; i++)
        is_kept(fd[i % 16], i % 3 == 0);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread[4];
    char name[16];
    int fd[16];

    (void)state;
    for (unsigned int i = 0; i < 16; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        fd[i] = open_file(name, &made);
    }
    for (unsigned int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, get_and_put, fd), 0);
    for (unsigned int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (unsigned int i = 0; i < 16; i++)
        close(fd[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_second_time), TEST(test_changes), TEST(test_no_files), TEST(test_room),
        TEST(test_full),        TEST(test_many),    TEST(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
