// SPDX-License-Identifier: BSD-3-Clause
/* A guest's configuration: text and overrides to struct chaos_config. */
#include <chaos/config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "config_keys.h"
#include "nearest.h"

static void unknown_key(struct config_report *report, const struct config_setting *setting)
{
    struct nearest n;

    nearest_init(&n, setting->name);
    for (unsigned int i = 0; i < config_nr_keys; i++)
        nearest_offer(&n, config_keys[i].name);
    if (n.best)
        config_warn(report, setting->place, "unknown key '%.40s' (did you mean '%s'?)",
                    setting->name, n.best);
    else
        config_warn(report, setting->place, "unknown key '%.40s'", setting->name);
}

/* A refused key that asks for nothing, as in "vnc = 0" and "disk = []". */
static bool is_off(const struct config_value *value)
{
    uint64_t number;

    if (value->is_list)
        return !value->first;
    return !*value->string || (config_number(value->string, &number) && number == 0);
}

static void apply(struct config_target *target, const struct config_setting *setting)
{
    const struct config_key *key = config_key_find(setting->name);

    if (!key) {
        unknown_key(target->report, setting);
        return;
    }
    switch ((enum config_handling)key->handling) {
    case CONFIG_SUPPORTED:
        key->parse(target, key, setting);
        break;
    case CONFIG_IGNORED:
        break;
    case CONFIG_NOTED:
        config_warn(target->report, setting->place, "%s has no effect: %s", key->name, key->reason);
        break;
    case CONFIG_REFUSED:
        if (!is_off(setting->value))
            config_error(target->report, setting->place, "%s: %s", key->name, key->reason);
        break;
    }
}

/* cmdline, or what root and extra make of it. */
static void finish_cmdline(struct config_target *target, struct config_place whole)
{
    struct chaos_config *config = &target->config;
    const char *root = target->root, *extra = target->extra;

    if (config->cmdline) {
        if (root || extra)
            config_warn(target->report, whole, "cmdline is given: root and extra have no effect");
        return;
    }
    if (root &&
        asprintf(&config->cmdline, "root=%s%s%s", root, extra ? " " : "", extra ? extra : "") < 0)
        config->cmdline = NULL;
    else if (!root)
        config->cmdline = strdup(extra ? extra : "");
    target->out_of_memory |= !config->cmdline;
}

static bool is_given(struct config_document *document, const char *name)
{
    return config_document_find(document, name) != NULL;
}

/* What can be said only of the whole. */
static void finish(struct config_target *target, struct config_document *document,
                   const char *source, bool complete)
{
    static const struct {
        const char *name, *example;
    } mandatory[] = {
        {"name", "name=\"web1\""},
        {"kernel", "kernel=\"/path/of/the/image\""},
        {"memory", "memory=64 (MiB)"},
    };
    struct config_place whole = {source, 0};
    struct chaos_config *config = &target->config;

    for (size_t i = 0; complete && i < sizeof(mandatory) / sizeof(mandatory[0]); i++)
        if (!is_given(document, mandatory[i].name))
            config_error(target->report, whole, "%s is mandatory: %s", mandatory[i].name,
                         mandatory[i].example);
    if (target->maxmem_mib && config->memory_mib && target->maxmem_mib != config->memory_mib)
        config_error(target->report, config_document_find(document, "maxmem")->place,
                     "maxmem: %u differs from memory=%u: guests are not ballooned",
                     target->maxmem_mib, config->memory_mib);
    if (target->maxvcpus && target->maxvcpus < config->vcpus)
        config_error(target->report, config_document_find(document, "maxvcpus")->place,
                     "maxvcpus: %u is less than vcpus=%u", target->maxvcpus, config->vcpus);
    else if (target->maxvcpus > config->vcpus && is_given(document, "vcpus"))
        config_warn(target->report, config_document_find(document, "maxvcpus")->place,
                    "maxvcpus has no effect: the guest has vcpus=%u, none is added later",
                    config->vcpus);
    else if (target->maxvcpus)
        config->vcpus = target->maxvcpus;
    if (config->nr_disks && config->bus_given && config->bus == CHAOS_BUS_NOXS)
        config_error(target->report, config_document_find(document, "disk")->place,
                     "disk: the noxs bus has no disks: bus=\"xenstore\"");
    finish_cmdline(target, whole);
}

static int interpret(struct config_document *document, const char *source,
                     struct config_target *target)
{
    bool complete = target->report->errors == 0; /* no statement was lost to an error */

    target->config.vcpus = 1;
    target->config.on_poweroff = CHAOS_ACTION_DESTROY;
    target->config.on_reboot = CHAOS_ACTION_RESTART;
    target->config.on_crash = CHAOS_ACTION_DESTROY;
    for (const struct config_setting *s = document->settings; s; s = s->next) {
        if (config_report_full(target->report))
            break;
        apply(target, s);
    }
    finish(target, document, source, complete);
    return target->out_of_memory ? -ENOMEM : 0;
}

static int out_of_memory(const char *source, struct chaos_error *err)
{
    return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "%s: out of memory", source);
}

int chaos_config_parse(const char *source, const char *text, size_t length,
                       const char *const *overrides, size_t nr_overrides,
                       const struct chaos_config_options *options, struct chaos_config *out,
                       struct chaos_error *err)
{
    struct config_target target = {0};
    struct config_document document;
    struct config_report report;
    int rc;

    if (length > CHAOS_CONFIG_FILE_MAX)
        return chaos_error_set(err, -EFBIG, CHAOS_EXIT_CONFIG,
                               "%s: is larger than %u bytes: not a guest configuration", source,
                               CHAOS_CONFIG_FILE_MAX);
    config_report_init(&report, options);
    config_document_init(&document, &report);
    target.report = &report;

    rc = config_document_parse(&document, source, text, length);
    for (size_t i = 0; i < nr_overrides && rc == 0; i++)
        rc = config_document_override(&document, overrides[i]);
    if (rc == 0)
        rc = interpret(&document, source, &target);
    if (rc)
        rc = out_of_memory(source, err);
    else
        rc = config_report_result(&report, err);
    config_document_free(&document);
    if (rc)
        chaos_config_free(&target.config);
    else
        *out = target.config;
    return rc;
}

static int load_error(const char *path, const char *what, struct chaos_error *err)
{
    return chaos_error_set(err, -errno, CHAOS_EXIT_CONFIG, "%s: cannot %s: %s", path, what,
                           strerror(errno));
}

/* Opens what can be a configuration; a FIFO or a device must not make the caller hang. */
static int open_regular(const char *path, size_t *size, struct chaos_error *err)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return load_error(path, "open", err);
    if (fstat(fd, &st))
        return load_error(path, "stat", err);
    if (!S_ISREG(st.st_mode))
        return chaos_error_set(err, S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL, CHAOS_EXIT_CONFIG,
                               "%s: is %s, not a file", path,
                               S_ISDIR(st.st_mode)    ? "a directory"
                               : S_ISFIFO(st.st_mode) ? "a FIFO"
                                                      : "a device or socket");
    if (st.st_size > (off_t)CHAOS_CONFIG_FILE_MAX)
        return chaos_error_set(err, -EFBIG, CHAOS_EXIT_CONFIG,
                               "%s: is larger than %u bytes: not a guest configuration", path,
                               CHAOS_CONFIG_FILE_MAX);
    *size = (size_t)st.st_size;
    return take_fd(&fd);
}

/* Reads at most size bytes; the file may have become shorter. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t r = read(fd, text + done, size - done);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

int chaos_config_read(const char *path, char **text, size_t *length, struct chaos_error *err)
{
    cleanup_free char *bytes = NULL;
    cleanup_close int fd = -1;
    size_t size = 0;
    ssize_t r;

    fd = open_regular(path, &size, err);
    if (fd < 0)
        return fd;
    bytes = malloc(size + 1);
    if (!bytes)
        return out_of_memory(path, err);
    r = read_all(fd, bytes, size);
    if (r < 0)
        return load_error(path, "read", err);
    *length = (size_t)r;
    *text = bytes;
    bytes = NULL;
    return 0;
}

int chaos_config_load(const char *path, const char *const *overrides, size_t nr_overrides,
                      const struct chaos_config_options *options, struct chaos_config *out,
                      struct chaos_error *err)
{
    cleanup_free char *large = NULL;
    cleanup_close int fd = -1;
    char small[2048]; /* nearly every configuration fits */
    char *text = small;
    size_t size = 0;
    ssize_t length;

    fd = open_regular(path, &size, err);
    if (fd < 0)
        return fd;
    if (size > sizeof(small)) {
        large = malloc(size);
        if (!large)
            return out_of_memory(path, err);
        text = large;
    }
    length = read_all(fd, text, size);
    if (length < 0)
        return load_error(path, "read", err);
    return chaos_config_parse(path, text, (size_t)length, overrides, nr_overrides, options, out,
                              err);
}

void chaos_config_free(struct chaos_config *config)
{
    for (uint32_t i = 0; i < config->nr_disks; i++)
        free(config->disks[i].target);
    free(config->disks);
    free(config->kernel);
    free(config->ramdisk);
    free(config->cmdline);
    config->kernel = config->ramdisk = config->cmdline = NULL;
    config->disks = NULL;
    config->nr_disks = 0;
}
