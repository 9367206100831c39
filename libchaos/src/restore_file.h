/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A checkpoint in a file, of which guests are made, one after another. It is read from its
 * beginning for each, wherever others who have the same file open read it.
 */
#ifndef CHAOS_RESTORE_FILE_H
#define CHAOS_RESTORE_FILE_H

#include <chaos/checkpoint.h>

#include "checkpoint_reader.h"
#include "shell.h"

struct restore_file {
    int fd;               /* the caller's, like: */
    const uint8_t *bytes; /* all of it, found to be whole; NULL: it is read from fd */
    size_t size;
    /* What it says of the guest, read once. */
    char *config; /* text, closed with a NUL */
    size_t config_length;
    struct checkpoint_domain domain;
    /* The rest is restore_file.c's. */
    struct checkpoint_reader reader;
    uint64_t offset;
    bool at_head; /* the reader has read as far as this */
};

#define RESTORE_CONFIG_SOURCE "its configuration" /* for chaos_config_parse */

/* Reads what it says of the guest. Fails unless fd is a regular file that can be read. *file is all
 * zero before; restore_file_close in any case, which leaves fd open. */
int restore_file_open(struct restore_file *file, int fd, struct chaos_error *err);
/* The same of one that is in memory, and that checkpoint_check took. */
int restore_file_open_copy(struct restore_file *file, const void *bytes, size_t size,
                           struct chaos_error *err);
void restore_file_close(struct restore_file *file);

/* As restore_cold and restore_in_shell (restore.h), with a configuration made of file->config. */
int restore_file_cold(struct restore_file *file, struct chaos *chaos,
                      const struct chaos_config *config,
                      const struct chaos_restore_options *options, struct chaos_domain *out,
                      struct chaos_error *err);
int restore_file_in_shell(struct restore_file *file, struct chaos *chaos, struct shell *shell,
                          const struct chaos_config *config,
                          const struct chaos_restore_options *options, struct chaos_domain *out,
                          bool *intact, struct chaos_error *err);

#endif
