/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One configuration for several domains: domain i (from 1) is called NAME-i; or, where "{n}" stands
 * in the text or in an override, i is put in its place, and the name is left alone if that made a
 * difference to it.
 */
#ifndef CHAOS_CONFIG_SERIES_H
#define CHAOS_CONFIG_SERIES_H

#include <chaos/config.h>

struct config_series {
    /* The caller's, which must last. */
    const char *source, *text;
    size_t length;
    const char *const *overrides;
    size_t nr_overrides;
    struct chaos_config_options how; /* warnings are told for the first domain only */
    bool copies; /* the text is a domain's: its uuid and its MAC addresses are not for copies */
    /* Filled in by config_series_first. */
    bool placeholders;
    char base[CHAOS_NAME_MAX + 1]; /* "": the names need no number */
};

/* The configuration of the first of `count` domains; chaos_config_free. */
int config_series_first(struct config_series *series, uint32_t count, struct chaos_config *out,
                        struct chaos_error *err);
/* Makes it that of the number-th; on failure it is as it was. */
int config_series_next(const struct config_series *series, uint32_t number,
                       struct chaos_config *config, struct chaos_error *err);

/* Whether an override gives this key. */
bool config_overridden(const char *const *overrides, size_t nr, const char *key);

#endif
