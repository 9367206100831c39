/* SPDX-License-Identifier: BSD-3-Clause */
/* Creating through chaosd. */
#ifndef CHAOS_CLI_REMOTE_H
#define CHAOS_CLI_REMOTE_H

#include <chaos/client.h>

struct remote_create {
    const char *path; /* of the configuration */
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

#endif
