// SPDX-License-Identifier: BSD-3-Clause
/* Puts guests into shells. */
#include "shell_record.h"

#include <errno.h>
#include <string.h>

#include <xen/xen.h>

/* ---------------------------------------------------------------- before it is touched */

static int check_fit(struct creation *c, struct chaos_error *err)
{
    if (flavour_misfit(&c->shell->flavour, &c->config) < 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE,
                               "the shell cannot become what was asked for");
    c->config.memory_mib = c->shell->flavour.memory_mib; /* what its record is to say */
    return 0;
}

static int choose_identity(struct creation *c, struct chaos_error *err)
{
    static const uint8_t none[16];
    int rc = check_fit(c, err);

    if (rc == 0 && memcmp(c->config.uuid, none, sizeof(none)) != 0)
        rc = create_take_uuid(c, err);
    else if (rc == 0)
        rc = create_choose_uuid(c, err);
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

static int check_warm_image(struct creation *c, struct chaos_error *err)
{
    const struct shell *shell = c->shell;
    int rc = create_check_cmdline(c, err);

    if (rc == 0)
        rc = check_same_file("kernel", c->config.kernel, &shell->kernel_id, err);
    if (rc == 0 && c->config.ramdisk)
        rc = check_same_file("ramdisk", c->config.ramdisk, &shell->ramdisk_id, err);
    return rc;
}

static bool fits(const struct creation *c)
{
    return c->shell->kind == SHELL_TEMPLATE &&
           template_fits(&c->shell->layout, &c->files.image, c->files.ramdisk.id.size);
}

static int check_image(struct creation *c, struct chaos_error *err)
{
    int rc;

    if (c->shell->kind == SHELL_WARM)
        return check_warm_image(c, err);
    rc = create_open_files(c, err);
    return rc < 0 || fits(c) ? rc : create_lay_out(c, err);
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

int shell_check_name(struct creation *c, struct chaos_error *err)
{
    const char *name = c->config.name;
    int rc = registry_check_name(&c->chaos->registry, name, err);

    if (rc == -EEXIST && chaos_forget_stale(c->chaos, name))
        rc = registry_check_name(&c->chaos->registry, name, err);
    return rc < 0 ? rc : format_record(c, err);
}

/* ---------------------------------------------------------------- from here on it is used up */

/* With this record the domain is no shell any more: if we die, it goes. */
int shell_write_record(struct creation *c, struct chaos_error *err)
{
    struct record *record = &c->shell->record;
    struct hv *hv = c->chaos->hv;
    int rc;

    c->shell->used = true;
    rc = registry_write(&c->shell->claim, c->text.bytes, c->text.length, err);
    if (rc < 0 || memcmp(c->config.uuid, record->uuid, sizeof(record->uuid)) == 0)
        return rc;
    rc = hv->ops->set_uuid(hv, record->domid, c->config.uuid);
    if (rc < 0)
        return hv_error(err, rc, "give it its uuid");
    memcpy(record->uuid, c->config.uuid, sizeof(record->uuid));
    return 0;
}

int shell_configure_devices(struct creation *c, struct chaos_error *err)
{
    struct bus *bus = c->chaos->bus;

    if (c->config.nr_vifs == 0 && !create_on_xenstore(c))
        return 0;
    return bus->ops->configure(bus, c->shell->record.domid, &c->config, err);
}

/* Into the template: what it has of boot data, page tables and vcpu is the guest's. */
static int load_fitting(struct creation *c, struct chaos_error *err)
{
    struct shell *shell = c->shell;
    struct hv *hv = c->chaos->hv;
    int rc;

    c->build.layout = shell->layout;
    create_begin_build(c);
    rc = shell_window_load(&shell->window, hv, shell->record.domid, &shell->memory, &c->files, err);
    if (rc == 0)
        rc = build_hypercall_page(hv, &c->build, err);
    if (rc == 0 && c->files.image.entry != TEMPLATE_BASE)
        rc = build_entry(hv, &c->build, err);
    return rc;
}

/* The level 4 table that vcpu 0 is to start with. */
static int root_of(struct creation *c, uint64_t *frame, struct chaos_error *err)
{
    const struct shell *shell = c->shell;
    struct hv *hv = c->chaos->hv;
    struct vcpu_guest_context context;
    int rc;

    if (shell->kind == SHELL_TEMPLATE) {
        *frame = memory_frame(&shell->memory, shell->layout.tables_pfn);
        return 0;
    }
    rc = hv->ops->get_vcpu_state(hv, shell->record.domid, 0, HV_VCPU_CONTEXT, &context,
                                 sizeof(context));
    if (rc != (int)sizeof(context))
        return hv_error(err, rc < 0 ? rc : -EINVAL, "read its registers");
    *frame = xen_cr3_to_pfn(context.ctrlreg[3]);
    return 0;
}

int shell_discard_guest(struct creation *c, struct chaos_error *err)
{
    struct shell *shell = c->shell;
    uint64_t root;
    int rc;

    if (shell->kind == SHELL_BARE)
        return 0;
    rc = root_of(c, &root, err);
    return rc < 0 ? rc : build_undo_vcpu(c->chaos->hv, shell->record.domid, root, err);
}

static int load_anew(struct creation *c, struct chaos_error *err)
{
    int rc;

    shell_window_unmap(&c->shell->window, c->chaos->hv);
    rc = shell_discard_guest(c, err);
    if (rc == 0)
        rc = create_load_guest(c, err);
    return rc < 0 ? rc : create_set_up_start(c, err);
}

static int load(struct creation *c, struct chaos_error *err)
{
    struct shell_window *window = &c->shell->window;
    int rc = 0;

    if (c->shell->kind != SHELL_WARM && !fits(c))
        return load_anew(c, err);
    if (c->shell->kind == SHELL_TEMPLATE)
        rc = load_fitting(c, err);
    if (rc == 0)
        shell_window_set_cmdline(window, c->config.cmdline);
    return rc;
}

int shell_commit(struct creation *c, struct chaos_error *err)
{
    return registry_commit_shell(&c->chaos->registry, &c->shell->claim, c->config.name, err);
}

#define NR(table) (sizeof(table) / sizeof((table)[0]))

static const struct step steps[] = {
    {"identity", choose_identity, NULL},        {"image", check_image, create_close_image},
    {"name", shell_check_name, NULL},           {"record", shell_write_record, NULL},
    {"devices", shell_configure_devices, NULL}, {"load", load, NULL},
    {"start", create_start_guest, NULL},        {"commit", shell_commit, NULL},
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
    *intact = rc < 0 && !shell->used;
    if (rc < 0 && !*intact)
        shell_unmake(chaos, shell);
    if (rc == 0 && out)
        create_result(&c, out);
    create_end(&c);
    return rc;
}
