// SPDX-License-Identifier: BSD-3-Clause
/* Restoring a guest: the steps of a create, with a checkpoint where that has a kernel. */
#include "restore.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "checkpoint_file.h"
#include "cleanup.h"

static struct restore *restore_of(struct creation *c)
{
    return (struct restore *)((char *)c - offsetof(struct restore, creation));
}

/* ---------------------------------------------------------------- inputs */

/* Whether a configuration key is given beside the file. */
static bool overridden(const struct chaos_restore_options *options, const char *key)
{
    const size_t length = strlen(key);
    size_t i;

    for (i = 0; options && i < options->nr_overrides; i++) {
        const char *at = options->overrides[i] + strspn(options->overrides[i], " \t");

        if (strncmp(at, key, length) == 0 && at[length + strspn(at + length, " \t+")] == '=')
            return true;
    }
    return false;
}

/* A second guest from the same checkpoint is another guest. */
static int become_another(struct creation *c, struct chaos_error *err)
{
    const struct chaos_restore_options *options = restore_of(c)->options;
    const bool keep_macs = restore_of(c)->moved || overridden(options, "vif");
    uint32_t i;
    int rc = create_choose_uuid(c, err);

    for (i = 0; !keep_macs && i < c->config.nr_vifs; i++)
        memset(c->config.vifs[i].mac, 0, sizeof(c->config.vifs[i].mac));
    return rc;
}

static int choose_identity(struct creation *c, struct chaos_error *err)
{
    int rc = create_take_uuid(c, err);

    if ((rc == -EEXIST || rc == -EBUSY) && !overridden(restore_of(c)->options, "uuid"))
        rc = become_another(c, err);
    return rc < 0 ? rc : create_choose_macs(c, err);
}

static int check_host(struct creation *c, struct chaos_error *err)
{
    const struct checkpoint_domain *domain = restore_of(c)->domain;
    struct hv *hv = c->chaos->hv;
    struct hv_host host;
    unsigned int i;
    int rc = hv->ops->host(hv, &host);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen what this host is");
    if (host.major < domain->xen_major ||
        (host.major == domain->xen_major && host.minor < domain->xen_minor))
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                               "it was saved on Xen %u.%u, this is %u.%u", domain->xen_major,
                               domain->xen_minor, host.major, host.minor);
    for (i = 0; i < sizeof(domain->hw_caps) / sizeof(domain->hw_caps[0]); i++)
        if (domain->hw_caps[i] & ~host.hw_caps[i])
            return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                                   "the processor lacks features that the one had on which it "
                                   "was saved (word %u: 0x%08x)",
                                   i, domain->hw_caps[i] & ~host.hw_caps[i]);
    if (host.free_pages + host.scrub_pages < domain->pages)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE,
                               "not enough free memory: the guest needs %llu KiB, the host has "
                               "%llu",
                               (unsigned long long)domain->pages * 4,
                               (unsigned long long)(host.free_pages + host.scrub_pages) * 4);
    return 0;
}

static int check_config(struct creation *c, struct chaos_error *err)
{
    const struct checkpoint_domain *domain = restore_of(c)->domain;

    if ((uint64_t)c->config.memory_mib << 8 != domain->pages || c->config.vcpus != domain->vcpus)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "the guest was saved with memory=%llu and vcpus=%u, and keeps them",
                               (unsigned long long)domain->pages >> 8, domain->vcpus);
    return check_host(c, err);
}

/* ---------------------------------------------------------------- load */

static int load_item(struct restore *restore, const struct checkpoint_item *item,
                     struct chaos_error *err)
{
    switch (item->type) {
    case CHECKPOINT_PAGES:
        return restore_window(restore, err);
    case CHECKPOINT_DATA:
        return restore_data(restore, item, err);
    case CHECKPOINT_GUEST:
        restore_unmap(restore); /* a page that could be written cannot become a table */
        return restore_guest(restore, item, err);
    case CHECKPOINT_VCPU:
        return restore_vcpu(restore, item, err);
    default:
        return 0;
    }
}

static int load(struct creation *c, struct chaos_error *err)
{
    struct restore *restore = restore_of(c);
    struct checkpoint_item item;
    int rc;

    do {
        rc = checkpoint_next(restore->reader, &item, err);
        if (rc == 0)
            rc = load_item(restore, &item, err);
    } while (rc == 0 && item.type != CHECKPOINT_END);
    restore_unmap(restore); /* before the domain is destroyed, should it have failed */
    return rc;
}

static int end(struct creation *c, struct chaos_error *err)
{
    int rc = stream_at_end(&restore_of(c)->reader->stream, err);

    if (rc < 0)
        return rc;
    c->shell->record.console_frame = c->build.console_frame;
    rc = create_note_progress(c, err);
    return rc == 0 && create_on_xenstore(c) ? create_introduce(c, err) : rc;
}

#define NR(table) (sizeof(table) / sizeof((table)[0]))

static const struct step inputs[] = {
    {"reap", create_clear_abandoned, NULL},        {"host", check_config, NULL},
    {"identity", choose_identity, NULL},           {"check", create_check_devices, NULL},
    {"name", create_claim_name, create_drop_name},
};
static const struct step fill[] = {
    {"load", load, NULL},
    {"end", end, NULL},
    {"hotplug", create_wait_devices, NULL},
};
static const struct step go[] = {
    {"start", create_start_guest, NULL},
    {"record", create_commit_record, NULL},
};
const struct phase restore_inputs = {inputs, NR(inputs)};
const struct phase restore_fill = {fill, NR(fill)};
const struct phase restore_go = {go, NR(go)};

static const struct phase *const phases[] = {&restore_inputs, &create_prepare, &restore_fill,
                                             &restore_go};

static int restore(struct chaos *chaos, struct checkpoint_reader *reader,
                   const struct chaos_config *config, const struct chaos_restore_options *options,
                   struct chaos_domain *out, struct chaos_error *err)
{
    struct shell shell = {.claim = REGISTRY_CLAIM_NONE};
    struct restore restore = {.reader = reader, .domain = &reader->domain, .options = options};
    struct creation *c = &restore.creation;
    int rc;

    create_begin(c, chaos, &shell, config);
    c->paused = options && options->paused;
    rc = create_run(c, phases, NR(phases), options ? options->timing : NULL, err);
    if (rc == 0 && out)
        create_result(c, out);
    restore_pages_release(&restore);
    create_end(c);
    memory_release(&shell.memory);
    return rc;
}

static int restore_from(struct chaos *chaos, stream_read *read, void *opaque,
                        const struct chaos_restore_options *options, struct chaos_domain *out,
                        struct chaos_error *err)
{
    const struct chaos_config_options how = {0};
    cleanup(checkpoint_release) struct checkpoint_reader reader = {0};
    struct chaos_config config;
    int rc = checkpoint_open(&reader, read, opaque, err);

    if (rc < 0)
        return rc;
    rc = chaos_config_parse("its configuration", reader.config, reader.config_length,
                            options ? options->overrides : NULL,
                            options ? options->nr_overrides : 0, &how, &config, err);
    if (rc < 0)
        return rc;
    rc = restore(chaos, &reader, &config, options, out, err);
    chaos_config_free(&config);
    return rc;
}

int chaos_domain_restore(struct chaos *chaos, const char *path,
                         const struct chaos_restore_options *options, struct chaos_domain *out,
                         struct chaos_error *err)
{
    cleanup_close int fd = -1;
    int rc = checkpoint_file_read(path, &fd, err);

    if (rc < 0)
        return rc;
    rc = restore_from(chaos, stream_read_fd, &fd, options, out, err);
    return rc < 0 ? chaos_error_wrap(err, "checkpoint \"%s\"", path) : 0;
}
