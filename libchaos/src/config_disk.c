// SPDX-License-Identifier: BSD-3-Clause
/* disk: a list of xl-disk-configuration(5) strings, "target,format,vdev,access" or "key=value". */
#include "config_disk.h"

#include <stdlib.h>
#include <string.h>

#include "config_keys.h"
#include "nearest.h"

#define TARGET_MAX 1024 /* bytes */
#define NO_QEMU    "needs a device model, which chaos does not run"

struct scan {
    struct config_report *report;
    struct config_place place;
    unsigned int index; /* in the list, for messages */
    struct chaos_disk_config *disk;
    const char *target;
    bool has_prefix; /* which takes the place of the format */
    bool *given;     /* by the place of the key in the table */
};

static bool fault(struct scan *s, const char *key, const char *value, const char *why)
{
    config_error(s->report, s->place, "disk %u: %s=%.60s %s", s->index, key, value, why);
    return false;
}

/* A decimal number without leading zeros, not above most; at is moved behind it. */
static bool scan_number(const char **at, uint32_t most, uint32_t *out)
{
    uint32_t value = 0;
    const char *start = *at;

    for (; **at >= '0' && **at <= '9'; ++*at) {
        value = value * 10 + (uint32_t)(**at - '0');
        if (value > most)
            return false;
    }
    *out = value;
    return *at > start && (*start != '0' || *at == start + 1);
}

/* "a" is 0, "z" 25, "aa" 26 */
static bool scan_letters(const char **at, uint32_t most, uint32_t *out)
{
    uint32_t value = 0;
    const char *start = *at;

    for (; **at >= 'a' && **at <= 'z'; ++*at) {
        value = value * 26 + (uint32_t)(**at - 'a') + 1;
        if (value > most + 1)
            return false;
    }
    *out = value - 1;
    return *at > start;
}

/* xen-vbd-interface(7). 0: it is no such name. */
static uint32_t vdev_number(const char *name)
{
    const bool sd = strncmp(name, "sd", 2) == 0, hd = strncmp(name, "hd", 2) == 0;
    uint32_t disk, part = 0;
    const char *at;

    if (name[0] == 'd' && name[1] >= '0' && name[1] <= '9') { /* d5p1 */
        at = name + 1;
        if (!scan_number(&at, (1u << 20) - 1, &disk))
            return 0;
        if (*at == 'p' && (at++, !scan_number(&at, 255, &part)))
            return 0;
    } else {
        at = name + (sd || hd ? 2 : 3);
        if ((!sd && !hd && strncmp(name, "xvd", 3) != 0) || !scan_letters(&at,
                                                                          sd   ? 15
                                                                          : hd ? 3
                                                                               : (1u << 20) - 1,
                                                                          &disk))
            return 0;
        if (*at && (!scan_number(&at, sd ? 15 : hd ? 63 : 255, &part) || part == 0))
            return 0;
    }
    if (*at)
        return 0;
    if (hd)
        return (disk < 2 ? 3u << 8 : 22u << 8) | (disk % 2) << 6 | part;
    if (sd)
        return 8u << 8 | disk << 4 | part;
    return disk < 16 && part < 16 ? 202u << 8 | disk << 4 | part : 1u << 28 | disk << 8 | part;
}

static bool parse_target(struct scan *s, const char *value)
{
    if (!*value)
        return fault(s, "target", value, "is empty: name a file or a block device");
    if (strlen(value) > TARGET_MAX)
        return fault(s, "target", value, "is too long");
    s->target = value;
    return true;
}

static bool parse_format(struct scan *s, const char *value)
{
    if (!*value || strcmp(value, "raw") == 0)
        return true;
    if (strcmp(value, "qcow") == 0 || strcmp(value, "qcow2") == 0 || strcmp(value, "vhd") == 0 ||
        strcmp(value, "qed") == 0)
        return fault(s, "format", value, NO_QEMU ": convert it (qemu-img convert -O raw)");
    return fault(s, "format", value, "is not known: format=raw");
}

static bool parse_vdev(struct scan *s, const char *value)
{
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : strlen(value);

    if (colon && strcmp(colon, ":cdrom") == 0)
        return fault(s, "vdev", value, "is a CD-ROM: a PV guest has none, give a disk read-only");
    if ((colon && strcmp(colon, ":disk") != 0) || length >= sizeof(s->disk->vdev))
        return fault(s, "vdev", value, "is no virtual disk (xvda, xvdb1, sda, hda, ...)");
    memcpy(s->disk->vdev, value, length);
    s->disk->vdev[length] = '\0';
    s->disk->number = vdev_number(s->disk->vdev);
    return s->disk->number ||
           fault(s, "vdev", value, "is no virtual disk (xvda, xvdb1, sda, hda, ...)");
}

static bool parse_access(struct scan *s, const char *value)
{
    s->disk->readonly = strcmp(value, "r") == 0 || strcmp(value, "ro") == 0;
    return !*value || s->disk->readonly || strcmp(value, "w") == 0 || strcmp(value, "rw") == 0 ||
           fault(s, "access", value, "is not r, ro, w or rw");
}

static bool parse_devtype(struct scan *s, const char *value)
{
    if (strcmp(value, "disk") == 0)
        return true;
    return fault(s, "devtype", value, "is not supported: a PV guest has disks only");
}

static bool parse_backendtype(struct scan *s, const char *value)
{
    return strcmp(value, "phy") == 0 ||
           fault(s, "backendtype", value,
                 strcmp(value, "qdisk") == 0 ? NO_QEMU : "is not supported: backendtype=phy");
}

static bool parse_backend(struct scan *s, const char *value)
{
    return strcmp(value, "0") == 0 || strcmp(value, "Domain-0") == 0 ||
           fault(s, "backend", value, "is not supported: back-ends are in the control domain");
}

static bool parse_script(struct scan *s, const char *value)
{
    const char *slash = strrchr(value, '/');

    return strcmp(slash ? slash + 1 : value, "block") == 0 ||
           fault(s, "script", value, "is not run: give the block device as the target");
}

static bool parse_specification(struct scan *s, const char *value)
{
    return strcmp(value, "xen") == 0 || fault(s, "specification", value, "is not supported");
}

static bool parse_discard(struct scan *s, const char *value)
{
    (void)value;
    s->disk->no_discard = false;
    return true;
}

static bool parse_no_discard(struct scan *s, const char *value)
{
    (void)value;
    s->disk->no_discard = true;
    return true;
}

static const struct disk_key {
    const char *name;
    bool flag;                                        /* takes no value */
    bool (*parse)(struct scan *s, const char *value); /* NULL: see reason */
    const char *reason;                               /* NULL: ignored */
} disk_keys[] = {
    {"target", false, parse_target, NULL},
    {"format", false, parse_format, NULL},
    {"vdev", false, parse_vdev, NULL},
    {"access", false, parse_access, NULL},
    {"devtype", false, parse_devtype, NULL},
    {"backendtype", false, parse_backendtype, NULL},
    {"backend", false, parse_backend, NULL},
    {"script", false, parse_script, NULL},
    {"specification", false, parse_specification, NULL},
    {"discard", true, parse_discard, NULL},
    {"no-discard", true, parse_no_discard, NULL},
    {"direct-io-safe", true, NULL, NULL},
    {"trusted", true, NULL, NULL},
    {"untrusted", true, NULL, "is not supported: leave it out"},
    {"cdrom", true, NULL, "is not supported: a PV guest has none, give a disk read-only"},
};

#define NR_DISK_KEYS (sizeof(disk_keys) / sizeof(disk_keys[0]))

static const struct disk_key *find_key(const char *name, size_t length, bool flag)
{
    for (size_t i = 0; i < NR_DISK_KEYS; i++)
        if (disk_keys[i].flag == flag && strlen(disk_keys[i].name) == length &&
            memcmp(disk_keys[i].name, name, length) == 0)
            return &disk_keys[i];
    return NULL;
}

static bool apply_key(struct scan *s, const struct disk_key *key, const char *value)
{
    if (s->given[key - disk_keys])
        return fault(s, key->name, value, "is given twice");
    s->given[key - disk_keys] = true;
    if (key->parse)
        return key->parse(s, value);
    if (key->reason)
        config_error(s->report, s->place, "disk %u: %s %s", s->index, key->name, key->reason);
    return !key->reason;
}

static bool unknown_key(struct scan *s, const char *name)
{
    struct nearest n;

    nearest_init(&n, name);
    for (size_t i = 0; i < NR_DISK_KEYS; i++)
        nearest_offer(&n, disk_keys[i].name);
    if (n.best)
        config_error(s->report, s->place, "disk %u: '%.40s' is not known (did you mean '%s'?)",
                     s->index, name, n.best);
    else
        config_error(s->report, s->place, "disk %u: '%.40s' is not known", s->index, name);
    return false;
}

/* "phy:/dev/x", "file:/x": what old files have before the target, instead of a format. */
static bool parse_prefix(struct scan *s, char **at)
{
    static const char *const good[] = {"phy:", "file:", "raw:"};
    const size_t length = strcspn(*at, ":/,=");
    char prefix[16];

    if ((*at)[length] != ':' || s->target || s->has_prefix)
        return true;
    s->has_prefix = true;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (strncmp(*at, good[i], length + 1) == 0) {
            *at += length + 1;
            return true;
        }
    if (length >= sizeof(prefix))
        return fault(s, "target", *at, "has a prefix that is not supported: give just the path");
    memcpy(prefix, *at, length);
    prefix[length] = '\0';
    if (strcmp(prefix, "qcow") == 0 || strcmp(prefix, "qcow2") == 0 || strcmp(prefix, "vhd") == 0)
        return parse_format(s, prefix);
    return fault(s, "target", *at, "has a prefix that is not supported: give just the path");
}

static bool parse_positional(struct scan *s, const char *value)
{
    bool *given = s->given;

    if (!s->target)
        return apply_key(s, &disk_keys[0], value);
    if (!s->has_prefix && !given[1])
        return apply_key(s, &disk_keys[1], value);
    if (!given[2])
        return apply_key(s, &disk_keys[2], value);
    if (!given[3])
        return apply_key(s, &disk_keys[3], value);
    config_error(s->report, s->place, "disk %u: '%.40s' is one parameter too many", s->index,
                 value);
    return false;
}

/* One parameter, at whose end `text` has a NUL. */
static bool parse_parameter(struct scan *s, char *text)
{
    size_t length = strcspn(text, "=");
    const struct disk_key *key = find_key(text, length, text[length] == '\0');

    if (key)
        return apply_key(s, key, text[length] ? text + length + 1 : "");
    if (text[length] == '\0')
        return parse_positional(s, text);
    text[length] = '\0';
    return unknown_key(s, text);
}

static bool parse_all(struct scan *s, char *at)
{
    bool more = true;

    while (more) {
        size_t length;

        at += strspn(at, " \t");
        if (!parse_prefix(s, &at))
            return false;
        if (strncmp(at, "target=", 7) == 0) /* the last one, with all the commas in it */
            return parse_parameter(s, at);
        length = strcspn(at, ",");
        more = at[length] == ',';
        at[length] = '\0';
        if ((length || more) && !parse_parameter(s, at))
            return false;
        at += length + more;
    }
    return true;
}

bool config_disk_parse(struct config_report *report, struct config_place place, unsigned int index,
                       const char *spec, struct chaos_disk_config *disk, bool *out_of_memory)
{
    bool given[NR_DISK_KEYS] = {false}, good;
    struct scan s = {
        .report = report, .place = place, .index = index, .disk = disk, .given = given};
    char *copy = strdup(spec);

    memset(disk, 0, sizeof(*disk));
    if (!copy) {
        *out_of_memory = true;
        return false;
    }
    good = parse_all(&s, copy);
    if (good && (!s.target || !disk->number)) {
        config_error(report, place, "disk %u: %s is missing: '/path,raw,xvda,rw'", index,
                     s.target ? "the virtual device (vdev)" : "the target");
        good = false;
    }
    if (good && s.target) { /* a name alone is one of a block device */
        disk->target = malloc(strlen("/dev/") + strlen(s.target) + 1);
        if (disk->target)
            strcat(strcpy(disk->target, *s.target == '/' ? "" : "/dev/"), s.target);
        *out_of_memory |= !disk->target;
        good = disk->target;
    }
    free(copy);
    return good;
}

void config_parse_disks(struct config_target *target, const struct config_key *key,
                        const struct config_setting *setting)
{
    struct chaos_config *config = &target->config;

    if (!setting->value->is_list) {
        config_error(target->report, setting->place, "%s: takes a list: %s=[ '/path,raw,xvda' ]",
                     key->name, key->name);
        return;
    }
    if (!setting->value->first)
        return;
    config->disks = calloc(CHAOS_DISKS_MAX, sizeof(*config->disks));
    target->out_of_memory |= !config->disks;
    for (const struct config_value *v = setting->value->first; v && config->disks; v = v->next) {
        struct config_place place = {setting->place.source, setting->place.line ? v->line : 0};
        unsigned int index = config->nr_disks;

        if (index == CHAOS_DISKS_MAX) {
            config_error(target->report, place, "%s: there are more than %d", key->name,
                         CHAOS_DISKS_MAX);
            return;
        }
        if (v->is_list) {
            config_error(target->report, place, "disk %u: is a list; it should be a string", index);
            return;
        }
        if (!config_disk_parse(target->report, place, index, v->string, &config->disks[index],
                               &target->out_of_memory))
            return;
        config->nr_disks++;
        for (unsigned int i = 0; i < index; i++)
            if (config->disks[i].number == config->disks[index].number) {
                config_error(target->report, place, "disk %u and disk %u have the same vdev", i,
                             index);
                return;
            }
    }
}
