/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a console's bytes come from and go to: chaosd if it runs, else the guest's own ring. */
#ifndef CHAOS_CLI_CONSOLE_SOURCE_H
#define CHAOS_CLI_CONSOLE_SOURCE_H

#include <stddef.h>

#include "console.h"

#define CONSOLE_CHUNK 2048

struct console_source;

struct console_ops {
    void (*close)(struct console_source *source);
    /* *length 0: there is none now. -ENODATA, without an error: there will be none. */
    int (*read)(struct console_source *source, char *buffer, size_t size, size_t *length,
                struct chaos_error *err);
    /* *taken may be less than size, even 0: the guest takes no more now. */
    int (*write)(struct console_source *source, const char *bytes, size_t size, size_t *taken,
                 struct chaos_error *err);
};

struct console_source {
    const struct console_ops *ops;
    int fd; /* readable when there may be output; -1: look now and then */
};

int console_source_open(struct chaos *chaos, const struct chaos_domain *domain, unsigned int flags,
                        struct console_source **out, struct chaos_error *err);

#endif
