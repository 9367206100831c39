/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints as files: read ones, and written ones that appear under their name when complete. */
#ifndef CHAOS_CHECKPOINT_FILE_H
#define CHAOS_CHECKPOINT_FILE_H

#include <chaos/error.h>

/* A regular file, opened for reading. */
int checkpoint_file_read(const char *path, int *fd, struct chaos_error *err);
/* Whether somebody else opened it so. */
int checkpoint_file_check(int fd, struct chaos_error *err);

struct checkpoint_file {
    int fd, dir;
    char name[256], temporary[300]; /* temporary "": the file has no name yet */
};

#define CHECKPOINT_FILE_NONE                                                                       \
    {                                                                                              \
        .fd = -1, .dir = -1                                                                        \
    }

/* Fails where it could not be put under its name later. */
int checkpoint_file_create(struct checkpoint_file *file, const char *path, struct chaos_error *err);
/* Makes it safe on the disk, then puts it in the place of what has its name. */
int checkpoint_file_commit(struct checkpoint_file *file, struct chaos_error *err);
/* Forgets one that was not committed. */
void checkpoint_file_close(struct checkpoint_file *file);

#endif
