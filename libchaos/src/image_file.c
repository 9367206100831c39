// SPDX-License-Identifier: BSD-3-Clause
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int image_file_open(struct image_file *file, const char *what, const char *path,
                    struct chaos_error *err)
{
    struct stat st;

    /* Not blocking: a FIFO is to be refused, not waited for. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_CONFIG, "%s \"%s\": %s", what, path,
                               strerror(errno));
    if (fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        image_file_close(file);
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "%s \"%s\": not a regular file",
                               what, path);
    }
    if (st.st_size <= 0 || (uint64_t)st.st_size > IMAGE_FILE_MAX) {
        image_file_close(file);
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "%s \"%s\": %s", what, path,
                               st.st_size <= 0 ? "the file is empty" : "more than 1 GiB");
    }
    file->size = (uint64_t)st.st_size;
    return 0;
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
    return (struct image_source){.read = read_file, .opaque = file, .size = file->size};
}
