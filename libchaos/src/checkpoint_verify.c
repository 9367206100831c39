// SPDX-License-Identifier: BSD-3-Clause
/* Checking a checkpoint in a file. */
#include <chaos/checkpoint.h>

#include "checkpoint_file.h"
#include "checkpoint_reader.h"
#include "cleanup.h"

int chaos_checkpoint_verify(const char *path, struct chaos_checkpoint *out, struct chaos_error *err)
{
    cleanup(checkpoint_release) struct checkpoint_reader reader = {0};
    cleanup_close int fd = -1;
    int rc = checkpoint_file_read(path, &fd, err);

    if (rc < 0)
        return rc;
    rc = checkpoint_open(&reader, stream_read_fd, &fd, err);
    if (rc == 0)
        rc = checkpoint_check(&reader, err);
    if (rc == 0)
        rc = checkpoint_summary(&reader, out, err);
    return rc < 0 ? chaos_error_wrap(err, "checkpoint \"%s\"", path) : 0;
}
