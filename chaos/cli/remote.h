/* SPDX-License-Identifier: BSD-3-Clause */
/* Creating and restoring through chaosd. */
#ifndef CHAOS_CLI_REMOTE_H
#define CHAOS_CLI_REMOTE_H

#include <chaos/client.h>

struct remote_create {
    const char *command; /* that is said to have failed */
    const char *path;    /* of the configuration, or of the checkpoint */
    int fd;              /* of the checkpoint, open for reading; -1: it is a configuration */
    const char *const *overrides;
    size_t nr_overrides;
    bool paused, strict, must; /* must: there is no other way */
    uint32_t count;            /* 0: one, without a number */
    chaos_config_warning *warning;
    struct chaos_timing *timing; /* may be NULL */
    struct chaos_domain domain;  /* the answer, if it is one */
};

/*
 * REMOTE_NOT: there is no daemon, or it cannot take this configuration; err is untouched. Otherwise
 * 0 or an error.
 */
#define REMOTE_NOT 1
int remote_create(struct remote_create *create, struct chaos_error *err);

/* What both commands refuse; count 0 and timing NULL: not given. */
int remote_check_options(bool daemon, bool no_daemon, uint32_t count, const char *timing,
                         struct chaos_error *err);
/* "FIRST and SECOND exclude each other" */
int remote_exclude(const char *first, const char *second, struct chaos_error *err);

#endif
