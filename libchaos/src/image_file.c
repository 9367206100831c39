// SPDX-License-Identifier: BSD-3-Clause
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ll

static int cannot_open(struct chaos_error *err, int error, const char *what, const char *path)
{
    return chaos_error_set(err, -error, CHAOS_EXIT_CONFIG, "%s \"%s\": %s", what, path,
                           strerror(error));
}

static int check_stat(const struct stat *st, const char *what, const char *path,
                      struct image_id *out, struct chaos_error *err)
{
    if (!S_ISREG(st->st_mode))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "%s \"%s\": not a regular file",
                               what, path);
    if (st->st_size <= 0 || (uint64_t)st->st_size > IMAGE_FILE_MAX)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "%s \"%s\": %s", what, path,
                               st->st_size <= 0 ? "the file is empty" : "more than 1 GiB");
    *out = (struct image_id){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = (uint64_t)st->st_size,
        .modified_ns = st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec,
        .changed_ns = st->st_ctim.tv_sec * NS_PER_S + st->st_ctim.tv_nsec,
    };
    return 0;
}

int image_file_id(const char *what, const char *path, struct image_id *out, struct chaos_error *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return cannot_open(err, errno, what, path);
    return check_stat(&st, what, path, out, err);
}

int image_descriptor_id(int fd, struct image_id *out)
{
    struct chaos_error ignored;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    return check_stat(&st, "", "", out, &ignored);
}

bool image_id_equal(const struct image_id *a, const struct image_id *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* Times of files come from this clock: what changes them from now on has a later one. */
bool image_id_settled(const struct image_id *id)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return id->changed_ns < now.tv_sec * NS_PER_S + now.tv_nsec;
}

int image_file_open(struct image_file *file, const char *what, const char *path,
                    struct chaos_error *err)
{
    struct stat st;
    int rc;

    /* Not blocking: a FIFO is to be refused, not waited for. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0)
        return cannot_open(err, errno, what, path);
    if (fstat(file->fd, &st) < 0)
        rc = cannot_open(err, errno, what, path);
    else
        rc = check_stat(&st, what, path, &file->id, err);
    if (rc < 0)
        image_file_close(file);
    return rc;
}

void image_file_close(struct image_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static int read_file(void *opaque, uint64_t offset, void *buffer, size_t length)
{
    const struct image_file *file = opaque;
    char *to = buffer;

    while (length > 0) {
        ssize_t r = pread(file->fd, to, length, (off_t)offset);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            return -ENODATA;
        to += r;
        offset += (uint64_t)r;
        length -= (size_t)r;
    }
    return 0;
}

struct image_source image_file_source(struct image_file *file)
{
    return (struct image_source){.read = read_file, .opaque = file, .size = file->id.size};
}
