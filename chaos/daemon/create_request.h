/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client wants created, or restored: read from its message, and checked. */
#ifndef CHAOSD_CREATE_REQUEST_H
#define CHAOSD_CREATE_REQUEST_H

#include "config_series.h"
#include "daemon.h"

struct create_request {
    struct chaos_config config; /* of the domain whose turn it is */
    bool parsed;                /* there is one */
    uint32_t options;           /* enum wire_option */
    uint32_t count;
    bool numbered; /* by the series, which points into the rest */
    struct config_series series;
    const char
        *directory;   /* that paths start at; NULL: they are absolute, or their owner's affair */
    const char *path; /* of the file that it came from, as the client says */
    const char **overrides;
    uint8_t *fields; /* copy of the message's; NULL: they are not needed any more */
    char *warnings;  /* one after the other, each with its NUL */
    size_t warnings_length;
};

/*
 * On failure it is to be freed as well, and create_request_reply_refused answers, with the warnings
 * that came before the error.
 */
int create_request_read(struct create_request *out, const struct wire_reader *fields,
                        struct chaos_error *err);
/*
 * The same where the configuration is not in the message: all but that, and then that, which must
 * last. It is a domain's own, and copies of that domain get what must be their own anew.
 */
int create_request_read_copies(struct create_request *out, const struct wire_reader *fields,
                               struct chaos_error *err);
int create_request_parse_copies(struct create_request *request, const char *text, size_t length,
                                struct chaos_error *err);
/* Takes the configuration over. */
void create_request_of(struct create_request *out, struct chaos_config *config);
/* Makes the configuration that of the index-th domain (from 0). */
int create_request_number(struct create_request *request, uint32_t index, struct chaos_error *err);
void create_request_put_warnings(const struct create_request *request, struct wire_writer *writer);
void create_request_reply_refused(const struct create_request *create,
                                  const struct request *request, const struct chaos_error *err);
void create_request_free(struct create_request *request);

#endif
