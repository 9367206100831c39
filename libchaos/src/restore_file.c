// SPDX-License-Identifier: BSD-3-Clause
/* Checkpoints in files, of which guests are made once or several times. */
#include "restore_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "cleanup.h"
#include "restore.h"

static ssize_t read_copy(struct restore_file *file, void *buffer, size_t size)
{
    const size_t left = file->size - (size_t)file->offset;

    if (size > left)
        size = left;
    memcpy(buffer, file->bytes + file->offset, size);
    file->offset += size;
    return (ssize_t)size;
}

static ssize_t read_on(void *opaque, void *buffer, size_t size)
{
    struct restore_file *file = opaque;
    ssize_t done;

    if (file->bytes)
        return read_copy(file, buffer, size);
    do {
        done = pread(file->fd, buffer, size, (off_t)file->offset);
    } while (done < 0 && errno == EINTR);
    if (done < 0)
        return -errno;
    file->offset += (uint64_t)done;
    return done;
}

static int read_head(struct restore_file *file, struct chaos_error *err)
{
    int rc;

    file->offset = 0;
    rc = checkpoint_open(&file->reader, read_on, file, err);
    file->reader.stream.checked = file->bytes != NULL;
    return rc;
}

static int read_first_head(struct restore_file *file, struct chaos_error *err)
{
    int rc = read_head(file, err);

    if (rc < 0)
        return rc;
    file->domain = file->reader.domain;
    file->config = file->reader.config;
    file->config_length = file->reader.config_length;
    file->reader.config = NULL;
    file->at_head = true;
    return 0;
}

int restore_file_open(struct restore_file *file, int fd, struct chaos_error *err)
{
    int rc = checkpoint_file_check(fd, err);

    file->fd = fd;
    return rc < 0 ? rc : read_first_head(file, err);
}

int restore_file_open_copy(struct restore_file *file, const void *bytes, size_t size,
                           struct chaos_error *err)
{
    file->fd = -1;
    file->bytes = bytes;
    file->size = size;
    return read_first_head(file, err);
}

void restore_file_close(struct restore_file *file)
{
    checkpoint_release(&file->reader);
    free(file->config);
    file->config = NULL;
}

/* To the end of the head, by which it was decided what the guest gets. */
static int read_from_start(struct restore_file *file, struct chaos_error *err)
{
    int rc;

    if (file->at_head) {
        file->at_head = false;
        return 0;
    }
    checkpoint_release(&file->reader);
    rc = read_head(file, err);
    if (rc == 0 && (memcmp(&file->domain, &file->reader.domain, sizeof(file->domain)) != 0 ||
                    strcmp(file->config, file->reader.config) != 0))
        rc = chaos_error_set(err, -EBADMSG, CHAOS_EXIT_CONFIG, "it changes while it is read");
    return rc;
}

int restore_file_cold(struct restore_file *file, struct chaos *chaos,
                      const struct chaos_config *config,
                      const struct chaos_restore_options *options, struct chaos_domain *out,
                      struct chaos_error *err)
{
    int rc = read_from_start(file, err);

    return rc < 0 ? rc : restore_cold(chaos, &file->reader, config, options, out, err);
}

int restore_file_in_shell(struct restore_file *file, struct chaos *chaos, struct shell *shell,
                          const struct chaos_config *config,
                          const struct chaos_restore_options *options, struct chaos_domain *out,
                          bool *intact, struct chaos_error *err)
{
    int rc = read_from_start(file, err);

    *intact = true;
    return rc < 0
               ? rc
               : restore_in_shell(chaos, shell, &file->reader, config, options, out, intact, err);
}

int chaos_domain_restore(struct chaos *chaos, const char *path,
                         const struct chaos_restore_options *options, struct chaos_domain *out,
                         struct chaos_error *err)
{
    cleanup(restore_file_close) struct restore_file file = {0};
    const struct chaos_config_options how = {0};
    struct chaos_config config;
    cleanup_close int fd = -1;
    int rc = checkpoint_file_read(path, &fd, err);

    if (rc < 0)
        return rc;
    rc = restore_file_open(&file, fd, err);
    if (rc == 0)
        rc = chaos_config_parse(RESTORE_CONFIG_SOURCE, file.config, file.config_length,
                                options ? options->overrides : NULL,
                                options ? options->nr_overrides : 0, &how, &config, err);
    if (rc == 0) {
        rc = restore_file_cold(&file, chaos, &config, options, out, err);
        chaos_config_free(&config);
    }
    return rc < 0 ? chaos_error_wrap(err, "checkpoint \"%s\"", path) : 0;
}
