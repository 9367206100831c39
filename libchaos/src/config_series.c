// SPDX-License-Identifier: BSD-3-Clause
#include "config_series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define PLACEHOLDER        "{n}"
#define PLACEHOLDER_LENGTH (sizeof(PLACEHOLDER) - 1)
#define DIGITS_MAX         10

static const char *find_placeholder(const char *text, size_t length)
{
    return memmem(text, length, PLACEHOLDER, PLACEHOLDER_LENGTH);
}

static bool has_placeholder(const struct config_series *series)
{
    if (find_placeholder(series->text, series->length))
        return true;
    for (size_t i = 0; i < series->nr_overrides; i++)
        if (find_placeholder(series->overrides[i], strlen(series->overrides[i])))
            return true;
    return false;
}

/* ---------------------------------------------------------------- numbered texts */

static int out_of_memory(struct chaos_error *err)
{
    return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
}

/* The text with the number in place of each placeholder, and a NUL; NULL: no memory. */
static char *number_text(const char *text, size_t *length, uint32_t number)
{
    const char *end = text + *length, *found = text;
    size_t nr = 0;
    char *out, *at;

    while ((found = find_placeholder(found, (size_t)(end - found)))) {
        found += PLACEHOLDER_LENGTH;
        nr++;
    }
    out = at = malloc(*length + nr * DIGITS_MAX + 1);
    if (!out)
        return NULL;
    while ((found = find_placeholder(text, (size_t)(end - text)))) {
        at = mempcpy(at, text, (size_t)(found - text));
        at += sprintf(at, "%u", number);
        text = found + PLACEHOLDER_LENGTH;
    }
    at = mempcpy(at, text, (size_t)(end - text));
    *at = '\0';
    *length = (size_t)(at - out);
    return out;
}

bool config_overridden(const char *const *overrides, size_t nr, const char *key)
{
    const size_t length = strlen(key);
    size_t i;

    for (i = 0; i < nr; i++) {
        const char *at = overrides[i] + strspn(overrides[i], " \t");

        if (strncmp(at, key, length) == 0 && at[length + strspn(at + length, " \t+")] == '=')
            return true;
    }
    return false;
}

static void forget_identity(const struct config_series *series, struct chaos_config *config)
{
    uint32_t i;

    if (!config_overridden(series->overrides, series->nr_overrides, "uuid"))
        memset(config->uuid, 0, sizeof(config->uuid));
    if (config_overridden(series->overrides, series->nr_overrides, "vif"))
        return;
    for (i = 0; i < config->nr_vifs; i++)
        memset(config->vifs[i].mac, 0, sizeof(config->vifs[i].mac));
}

static int parse(const struct config_series *series, const char *text, size_t length,
                 const char *const *overrides, const struct chaos_config_options *how,
                 struct chaos_config *out, struct chaos_error *err)
{
    int rc = chaos_config_parse(series->source, text, length, overrides, series->nr_overrides, how,
                                out, err);

    if (rc == 0 && series->copies)
        forget_identity(series, out);
    return rc;
}

static int parse_numbered(const struct config_series *series, uint32_t number,
                          const struct chaos_config_options *how, struct chaos_config *out,
                          struct chaos_error *err)
{
    cleanup_free char **overrides = calloc(series->nr_overrides + 1, sizeof(*overrides));
    size_t nr = 0, length = series->length;
    cleanup_free char *text = number_text(series->text, &length, number);
    int rc;

    while (overrides && nr < series->nr_overrides) {
        size_t one = strlen(series->overrides[nr]);

        overrides[nr] = number_text(series->overrides[nr], &one, number);
        if (!overrides[nr])
            break;
        nr++;
    }
    if (text && overrides && nr == series->nr_overrides)
        rc = parse(series, text, length, (const char *const *)overrides, how, out, err);
    else
        rc = out_of_memory(err);
    while (nr > 0)
        free(overrides[--nr]);
    return rc;
}

/* ---------------------------------------------------------------- series */

/* What only one domain can have must not be given to several. */
static int check_sharable(const struct chaos_config *config, struct chaos_error *err)
{
    static const uint8_t none[16];
    const char *what = NULL;

    if (memcmp(config->uuid, none, sizeof(none)) != 0)
        what = "uuid";
    for (uint32_t i = 0; i < config->nr_vifs; i++) {
        if (memcmp(config->vifs[i].mac, none, sizeof(config->vifs[i].mac)) != 0)
            what = "mac of a vif";
        if (config->vifs[i].ifname[0])
            what = "vifname of a vif";
    }
    if (!what)
        return 0;
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                           "the %s is given: several domains cannot have the same (" PLACEHOLDER
                           " stands for the number of each)",
                           what);
}

/* Whether the names differ by what stands for the placeholder in them. */
static int find_base(struct config_series *series, const struct chaos_config *first,
                     struct chaos_error *err)
{
    const struct chaos_config_options quiet = {.strict = false};
    struct chaos_config second;
    int rc = parse_numbered(series, 2, &quiet, &second, err);

    if (rc < 0)
        return rc;
    if (strcmp(second.name, first->name) == 0)
        memcpy(series->base, first->name, sizeof(series->base));
    chaos_config_free(&second);
    return 0;
}

static int set_name(const struct config_series *series, uint32_t number,
                    struct chaos_config *config, struct chaos_error *err)
{
    char name[CHAOS_NAME_MAX + 16];

    if (!series->base[0])
        return 0;
    snprintf(name, sizeof(name), "%s-%u", series->base, number);
    if (chaos_name_check(name, err) < 0)
        return err->code;
    memcpy(config->name, name, sizeof(config->name));
    return 0;
}

int config_series_first(struct config_series *series, uint32_t count, struct chaos_config *out,
                        struct chaos_error *err)
{
    int rc;

    series->placeholders = has_placeholder(series);
    series->base[0] = '\0';
    if (series->placeholders)
        rc = parse_numbered(series, 1, &series->how, out, err);
    else
        rc = parse(series, series->text, series->length, series->overrides, &series->how, out, err);
    if (rc < 0)
        return rc;
    if (series->placeholders)
        rc = find_base(series, out, err);
    else
        memcpy(series->base, out->name, sizeof(series->base));
    if (rc == 0 && count > 1 && !series->placeholders)
        rc = check_sharable(out, err);
    if (rc == 0)
        rc = set_name(series, 1, out, err);
    if (rc < 0)
        chaos_config_free(out);
    return rc;
}

int config_series_next(const struct config_series *series, uint32_t number,
                       struct chaos_config *config, struct chaos_error *err)
{
    const struct chaos_config_options quiet = {.strict = false};
    struct chaos_config next;
    int rc;

    if (!series->placeholders)
        return set_name(series, number, config, err);
    rc = parse_numbered(series, number, &quiet, &next, err);
    if (rc == 0) {
        rc = set_name(series, number, &next, err);
        if (rc < 0)
            chaos_config_free(&next);
    }
    if (rc < 0)
        return rc;
    chaos_config_free(config);
    *config = next;
    return 0;
}
