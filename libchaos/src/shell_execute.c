// SPDX-License-Identifier: BSD-3-Clause
/* Puts guests into shells. */
#include "shell_record.h"

#include <errno.h>
#include <string.h>

#include <xen/xen.h>

/* ---------------------------------------------------------------- before it is touched */

static int check_fit(struct creation *c, struct chaos_error *err)
{
    if (flavour_misfit(&c->shell->flavour, &c->config) >= 0)
        return 0;
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE,
                           "the shell cannot become what was asked for");
}

static int choose_identity(struct creation *c, struct chaos_error *err)
{
    static const uint8_t none[16];
    int rc = check_fit(c, err);

    if (rc == 0 && memcmp(c->config.uuid, none, sizeof(none)) != 0)
        rc = create_check_uuid(c, err);
    else if (rc == 0)
        memcpy(c->config.uuid, c->shell->record.uuid, sizeof(c->config.uuid));
    return rc < 0 ? rc : create_choose_macs(c, err);
}

static int check_same_file(const char *what, const char *path, const struct image_id *loaded,
                           struct chaos_error *err)
{
    struct image_id id;
    int rc = image_file_id(what, path, &id, err);

    if (rc == 0 && !image_id_equal(&id, loaded))
        rc =
            chaos_error_set(err, -ESTALE, CHAOS_EXIT_FAILURE,
                            "%s \"%s\": the file changed since the shell was prepared", what, path);
    return rc;
}

static int check_image(struct creation *c, struct chaos_error *err)
{
    const struct shell *shell = c->shell;
    int rc;

    if (!shell->start_info)
        return create_open_image(c, err);
    if (strlen(c->config.cmdline) >= MAX_GUEST_CMDLINE)
        return chaos_error_set(err, -E2BIG, CHAOS_EXIT_CONFIG,
                               "cmdline is longer than the %d bytes that Xen passes on",
                               MAX_GUEST_CMDLINE - 1);
    rc = check_same_file("kernel", c->config.kernel, &shell->kernel_id, err);
    if (rc == 0 && c->config.ramdisk)
        rc = check_same_file("ramdisk", c->config.ramdisk, &shell->ramdisk_id, err);
    return rc;
}

/* The record of the guest, no shorter than that of the shell, which it overwrites. */
static int format_record(struct creation *c, struct chaos_error *err)
{
    struct record record = c->shell->record;
    int rc;

    if (memcmp(c->config.uuid, record.uuid, sizeof(record.uuid)) != 0) {
        memcpy(record.former_uuid, record.uuid, sizeof(record.uuid));
        memcpy(record.uuid, c->config.uuid, sizeof(record.uuid));
    }
    rc = record_format(&record, &c->config, &c->text, err);
    if (rc < 0)
        return rc;
    while (c->text.length < c->shell->record_length && !c->text.failed)
        text_char(&c->text, '\n');
    if (!text_end(&c->text))
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return 0;
}

static int hand_over(struct creation *c, struct chaos_error *err)
{
    struct registry *registry = &c->chaos->registry;
    struct shell *shell = c->shell;
    const char *name = c->config.name;
    int rc = format_record(c, err);

    if (rc < 0)
        return rc;
    rc = registry_hand_over(registry, &shell->claim, name, err);
    if (rc == -EEXIST && chaos_forget_stale(c->chaos, name))
        rc = registry_hand_over(registry, &shell->claim, name, err);
    return rc;
}

/* ---------------------------------------------------------------- from here on it is used up */

static int write_record(struct creation *c, struct chaos_error *err)
{
    struct record *record = &c->shell->record;
    struct hv *hv = c->chaos->hv;
    int rc = registry_write(&c->shell->claim, c->text.bytes, c->text.length, err);

    if (rc < 0 || memcmp(c->config.uuid, record->uuid, sizeof(record->uuid)) == 0)
        return rc;
    rc = hv->ops->set_uuid(hv, record->domid, c->config.uuid);
    if (rc < 0)
        return hv_error(err, rc, "give it its uuid");
    memcpy(record->uuid, c->config.uuid, sizeof(record->uuid));
    return 0;
}

static int configure_devices(struct creation *c, struct chaos_error *err)
{
    struct bus *bus = c->chaos->bus;

    if (c->config.nr_vifs == 0)
        return 0;
    return bus->ops->configure(bus, c->shell->record.domid, &c->config, err);
}

static int load(struct creation *c, struct chaos_error *err)
{
    struct start_info *info = c->shell->start_info;
    int rc;

    if (info) {
        strcpy((char *)info->cmd_line, c->config.cmdline);
        return 0;
    }
    rc = create_load_guest(c, err);
    return rc < 0 ? rc : create_set_up_start(c, err);
}

#define NR(table) (sizeof(table) / sizeof((table)[0]))

static const struct step steps[] = {
    {"identity", choose_identity, NULL},
    {"image", check_image, create_close_image},
    {"name", hand_over, NULL},
    {"claim", write_record, NULL},
    {"devices", configure_devices, NULL},
    {"load", load, NULL},
    {"start", create_start_guest, NULL},
    {"record", create_commit_record, NULL},
};
static const struct phase only_phase = {steps, NR(steps)};
static const struct phase *const phases[] = {&only_phase};

int shell_execute(struct chaos *chaos, struct shell *shell, const struct chaos_config *config,
                  const struct chaos_create_options *options, struct chaos_domain *out,
                  bool *intact, struct chaos_error *err)
{
    struct creation c;
    int rc;

    create_begin(&c, chaos, shell, config);
    c.paused = options && options->paused;
    rc = create_run(&c, phases, NR(phases), options ? options->timing : NULL, err);
    *intact = rc < 0 && shell->claim.folder == REGISTRY_SHELLS;
    if (rc < 0 && !*intact)
        shell_unmake(chaos, shell);
    if (rc == 0 && out)
        create_result(&c, out);
    create_end(&c);
    return rc;
}
