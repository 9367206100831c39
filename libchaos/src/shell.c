// SPDX-License-Identifier: BSD-3-Clause
/* Making and unmaking shells. */
#include "shell_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_US    4000
#define SETTLE_TRIES 10

/* The file is told from a later one by its times, so they must not be of this very moment. */
static int open_settled_image(struct creation *c, struct chaos_error *err)
{
    int tries, rc;

    for (tries = 0;; tries++) {
        rc = create_open_image(c, err);
        if (rc < 0 || tries == SETTLE_TRIES ||
            (image_id_settled(&c->files.kernel.id) && image_id_settled(&c->files.ramdisk.id)))
            return rc;
        create_close_image(c);
        usleep(SETTLE_US);
    }
}

static int choose_image(struct creation *c, struct chaos_error *err)
{
    struct shell *shell = c->shell;
    int rc;

    shell_set_kind(shell);
    if (shell->kind == SHELL_TEMPLATE) {
        template_image((uint64_t)shell->flavour.memory_mib << 8, &c->files.image);
        c->build.layout = shell->layout;
    }
    if (shell->kind != SHELL_WARM)
        return 0;
    rc = open_settled_image(c, err);
    shell->kernel_id = c->files.kernel.id;
    shell->ramdisk_id = c->files.ramdisk.id;
    shell->window.start_info_pfn = c->build.layout.start_info_pfn;
    return rc;
}

static int claim_shell(struct creation *c, struct chaos_error *err)
{
    struct record *record = &c->shell->record;
    char uuid[UUID_TEXT];
    int rc = create_random(record->uuid, sizeof(record->uuid), err);

    if (rc < 0)
        return rc;
    uuid_mark_random(record->uuid);
    uuid_format(record->uuid, uuid);
    record_begin(record, c->config.bus, &c->text);
    if (!text_end(&c->text))
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return registry_claim_shell(&c->chaos->registry, uuid, c->text.bytes, c->text.length,
                                &c->shell->claim, err);
}

static void drop_shell(struct creation *c)
{
    registry_drop(&c->chaos->registry, &c->shell->claim, 0);
}

static int load(struct creation *c, struct chaos_error *err)
{
    struct shell *shell = c->shell;
    int rc;

    if (shell->kind == SHELL_BARE)
        return 0;
    c->build.keep = true;
    c->build.keep_pages = shell->window.kernel_pages;
    rc = create_load_guest(c, err);
    if (rc < 0)
        return rc;
    shell->window.base = c->build.kept;
    rc = create_set_up_start(c, err);
    if (rc < 0)
        shell_window_unmap(&shell->window, c->chaos->hv);
    return rc;
}

static void unload(struct creation *c)
{
    shell_window_unmap(&c->shell->window, c->chaos->hv);
}

static int record_ready(struct creation *c, struct chaos_error *err)
{
    text_release(&c->text);
    text_begin(&c->text, c->text_room, sizeof(c->text_room));
    shell_record_format(c->shell, &c->text);
    if (!text_end(&c->text))
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    /* Memory in so many pieces that nobody would read the record: then it stays one of a shell
     * that is not ready, which is not adopted. */
    if (c->text.length > REGISTRY_RECORD_MAX)
        return 0;
    c->shell->record_length = c->text.length;
    return registry_write(&c->shell->claim, c->text.bytes, c->text.length, err);
}

#define NR(table) (sizeof(table) / sizeof((table)[0]))

static const struct step inputs[] = {
    {"image", choose_image, create_close_image},
    {"check", create_check_devices, NULL},
    {"name", claim_shell, drop_shell},
};
static const struct step fill[] = {
    {"load", load, unload},
    {"hotplug", create_wait_devices, NULL},
    {"record", record_ready, NULL},
};
static const struct phase inputs_phase = {inputs, NR(inputs)};
static const struct phase fill_phase = {fill, NR(fill)};
static const struct phase *const phases[] = {&inputs_phase, &create_prepare, &fill_phase};

/* What a guest of this flavour would ask for, as far as it is known. */
static void config_of(struct flavour *flavour, struct chaos_config *out)
{
    static char nothing[] = "";
    uint32_t i;

    memset(out, 0, sizeof(*out));
    out->cmdline = nothing;
    if (flavour->kernel[0])
        out->kernel = flavour->kernel;
    if (flavour->ramdisk[0])
        out->ramdisk = flavour->ramdisk;
    out->bus = flavour->bus;
    out->bus_given = true;
    out->memory_mib = flavour->memory_mib;
    out->vcpus = flavour->vcpus;
    out->max_event_channels = flavour->max_event_channels;
    out->max_grant_frames = flavour->max_grant_frames;
    out->nr_vifs = flavour->nr_vifs;
    for (i = 0; i < flavour->nr_vifs; i++) {
        out->vifs[i].id = (uint16_t)i;
        memcpy(out->vifs[i].bridge, flavour->bridge[i], sizeof(flavour->bridge[i]));
    }
}

static int prepare(struct chaos *chaos, struct shell *shell, struct chaos_timing *timing,
                   struct chaos_error *err)
{
    struct chaos_config config;
    struct creation c;
    int rc;

    config_of(&shell->flavour, &config);
    create_begin(&c, chaos, shell, &config);
    rc = create_choose_macs(&c, err);
    if (rc == 0)
        rc = create_run(&c, phases, NR(phases), timing, err);
    create_end(&c);
    return rc;
}

int shell_prepare(struct chaos *chaos, const struct flavour *flavour, struct chaos_timing *timing,
                  struct shell **out, struct chaos_error *err)
{
    struct shell *shell = calloc(1, sizeof(*shell));
    int rc;

    if (!shell)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    shell->flavour = *flavour;
    shell->claim = (struct registry_claim)REGISTRY_CLAIM_NONE;
    rc = prepare(chaos, shell, timing, err);
    if (rc < 0)
        free(shell);
    else
        *out = shell;
    return rc;
}

void shell_keep_images(struct chaos *chaos, struct image_cache *images)
{
    chaos->images = images;
}

void shell_unmake(struct chaos *chaos, struct shell *shell)
{
    struct chaos_error ignored;

    shell_window_unmap(&shell->window, chaos->hv);
    if (chaos_end_domain(chaos, shell->flavour.bus, shell->record.domid, &ignored) < 0)
        registry_release(&shell->claim);
    else
        registry_drop(&chaos->registry, &shell->claim, shell->record.domid);
}

void shell_finish(struct chaos *chaos, struct shell *shell)
{
    if (!shell)
        return;
    shell_window_unmap(&shell->window, chaos->hv);
    if (shell->claim.folder == REGISTRY_DOMAINS)
        registry_index(&chaos->registry, &shell->claim, shell->record.domid);
    registry_release(&shell->claim);
    memory_release(&shell->memory);
    free(shell);
}

void shell_destroy(struct chaos *chaos, struct shell *shell)
{
    if (!shell)
        return;
    shell_unmake(chaos, shell);
    shell_finish(chaos, shell);
}

uint32_t shell_domid(const struct shell *shell)
{
    return shell->record.domid;
}

const struct flavour *shell_flavour(const struct shell *shell)
{
    return &shell->flavour;
}
