// SPDX-License-Identifier: BSD-3-Clause
/* Parse functions of the keys with plain values. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config_keys.h"
#include "hex.h"

static void *field(struct config_target *target, const struct config_key *key)
{
    return (char *)target + key->offset;
}

/* The value as a string, or NULL and an error. */
static const char *string_of(struct config_target *target, const struct config_setting *setting)
{
    if (!setting->value->is_list)
        return setting->value->string;
    config_error(target->report, setting->place, "%s: takes one value, not a list", setting->name);
    return NULL;
}

/* Borrowed from the document. */
void config_parse_text(struct config_target *target, const struct config_key *key,
                       const struct config_setting *setting)
{
    const char *text = string_of(target, setting);

    if (text)
        *(const char **)field(target, key) = text;
}

/* A copy that the configuration owns. */
void config_parse_string(struct config_target *target, const struct config_key *key,
                         const struct config_setting *setting)
{
    const char *text = string_of(target, setting);

    if (!text)
        return;
    *(char **)field(target, key) = strdup(text);
    target->out_of_memory |= *(char **)field(target, key) == NULL;
}

void config_parse_path(struct config_target *target, const struct config_key *key,
                       const struct config_setting *setting)
{
    const char *path = string_of(target, setting);

    if (!path)
        return;
    if (*path)
        config_parse_string(target, key, setting);
    else
        config_error(target->report, setting->place, "%s: the path is empty", key->name);
}

bool config_number(const char *text, uint64_t *value)
{
    unsigned int base = 10;
    uint64_t result = 0;

    if (text[0] == '0' && text[1]) {
        base = text[1] == 'x' ? 16 : 8;
        text += base == 16 ? 2 : 1;
    }
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned int digit = 99;

        if (*text >= '0' && *text <= '9')
            digit = (unsigned int)(*text - '0');
        else if (*text >= 'a' && *text <= 'f')
            digit = (unsigned int)(*text - 'a') + 10;
        if (digit >= base)
            return false;
        if (result > (UINT64_MAX - digit) / base)
            result = UINT64_MAX;
        else
            result = result * base + digit;
    }
    *value = result;
    return true;
}

/* What "512M" and "2G" mean in MiB; 0: the text is nothing of the kind. */
static unsigned long memory_with_suffix(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || number > UINT32_MAX)
        return 0;
    switch (*end) {
    case 'k':
    case 'K':
        return number / 1024;
    case 'm':
    case 'M':
        return number;
    case 'g':
    case 'G':
        return number * 1024;
    default:
        return 0;
    }
}

void config_not_a_number(struct config_report *report, struct config_place place, const char *key,
                         const char *text)
{
    bool memory = strcmp(key, "memory") == 0 || strcmp(key, "maxmem") == 0;
    unsigned long mib = memory ? memory_with_suffix(text) : 0;

    if (mib)
        config_error(report, place,
                     "%s: '%.40s' is not a number: %s is in MiB without a suffix: %s=%lu", key,
                     text, key, key, mib);
    else
        config_error(report, place, "%s: '%.40s' is not a number", key, text);
}

void config_parse_number(struct config_target *target, const struct config_key *key,
                         const struct config_setting *setting)
{
    const char *text = string_of(target, setting);
    uint64_t value;

    if (!text)
        return;
    if (!config_number(text, &value))
        config_not_a_number(target->report, setting->place, key->name, text);
    else if (value < key->min || value > key->max)
        config_error(target->report, setting->place, "%s: %s is not from %" PRIu32 " to %" PRIu32,
                     key->name, text, key->min, key->max);
    else
        *(uint32_t *)field(target, key) = (uint32_t)value;
}

void config_parse_name(struct config_target *target, const struct config_key *key,
                       const struct config_setting *setting)
{
    const char *name = string_of(target, setting);
    struct chaos_error err;

    if (!name)
        return;
    if (chaos_name_check(name, &err))
        config_error(target->report, setting->place, "%s", err.text);
    else
        strcpy(field(target, key), name);
}

/* 8-4-4-4-12 hexadecimal digits. */
static bool scan_uuid(const char *text, uint8_t uuid[16])
{
    unsigned int nibble = 0;

    if (strlen(text) != 36)
        return false;
    for (unsigned int i = 0; i < 36; i++) {
        int digit = hex_digit(text[i]);

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
            continue;
        }
        if (digit < 0)
            return false;
        uuid[nibble / 2] = (uint8_t)(uuid[nibble / 2] << 4 | digit);
        nibble++;
    }
    return true;
}

void config_parse_uuid(struct config_target *target, const struct config_key *key,
                       const struct config_setting *setting)
{
    static const uint8_t none[16];
    const char *text = string_of(target, setting);
    uint8_t uuid[16] = {0};

    if (!text)
        return;
    if (!scan_uuid(text, uuid))
        config_error(target->report, setting->place,
                     "%s: '%s' is not of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", key->name,
                     text);
    else if (memcmp(uuid, none, sizeof(uuid)) == 0)
        config_error(target->report, setting->place, "%s: is all zero", key->name);
    else
        memcpy(field(target, key), uuid, sizeof(uuid));
}

void config_parse_action(struct config_target *target, const struct config_key *key,
                         const struct config_setting *setting)
{
    static const char *const names[] = {
        [CHAOS_ACTION_DESTROY] = "destroy",
        [CHAOS_ACTION_RESTART] = "restart",
        [CHAOS_ACTION_PRESERVE] = "preserve",
    };
    const char *text = string_of(target, setting);

    if (!text)
        return;
    for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *(enum chaos_action *)field(target, key) = (enum chaos_action)i;
            return;
        }
    }
    config_error(target->report, setting->place, "%s: '%s' is not destroy, restart or preserve",
                 key->name, text);
}

void config_parse_type(struct config_target *target, const struct config_key *key,
                       const struct config_setting *setting)
{
    const char *text = string_of(target, setting);

    if (!text || strcmp(text, "pv") == 0)
        return;
    if (strcmp(text, "pvh") == 0 || strcmp(text, "hvm") == 0)
        config_error(target->report, setting->place,
                     "%s: chaos builds no %s guests, only PV ones: %s=\"pv\"", key->name, text,
                     key->name);
    else
        config_error(target->report, setting->place, "%s: '%s' is no type of guest: %s=\"pv\"",
                     key->name, text, key->name);
}

/* What old files have instead of type. */
void config_parse_builder(struct config_target *target, const struct config_key *key,
                          const struct config_setting *setting)
{
    const char *text = string_of(target, setting);

    if (text && strcmp(text, "generic") != 0 && strcmp(text, "linux") != 0)
        config_error(target->report, setting->place,
                     "%s: '%s' is not supported: chaos builds PV guests: type=\"pv\"", key->name,
                     text);
}

/* Not a key of xl's. */
void config_parse_bus(struct config_target *target, const struct config_key *key,
                      const struct config_setting *setting)
{
    const char *text = string_of(target, setting);

    if (!text)
        return;
    target->config.bus_given = true;
    if (strcmp(text, "noxs") == 0)
        target->config.bus = CHAOS_BUS_NOXS;
    else if (strcmp(text, "xenstore") == 0)
        target->config.bus = CHAOS_BUS_XENSTORE;
    else
        config_error(target->report, setting->place, "%s: '%s' is not noxs or xenstore", key->name,
                     text);
}
