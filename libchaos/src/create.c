// SPDX-License-Identifier: BSD-3-Clause
/* Runs the steps of a create; cold creation. */
#include "create.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <chaos/host.h>

#include "clock.h"

static void undo_steps(struct creation *c, const struct phase *const phases[], size_t phase,
                       size_t step)
{
    for (;; step = phases[--phase]->nr) {
        while (step-- > 0)
            if (phases[phase]->steps[step].undo)
                phases[phase]->steps[step].undo(c);
        if (phase == 0)
            return;
    }
}

int create_run(struct creation *c, const struct phase *const phases[], size_t nr,
               struct chaos_timing *timing, struct chaos_error *err)
{
    size_t phase, step;
    int rc;

    if (timing) {
        timing->nr = 0;
        timing->start_ns = clock_ns();
    }
    for (phase = 0; phase < nr; phase++)
        for (step = 0; step < phases[phase]->nr; step++) {
            rc = phases[phase]->steps[step].run(c, err);
            if (rc < 0) {
                undo_steps(c, phases, phase, step);
                return rc;
            }
            if (timing && timing->nr < CHAOS_TIMING_MAX) {
                timing->step[timing->nr].name = phases[phase]->steps[step].name;
                timing->step[timing->nr++].end_ns = clock_ns();
            }
        }
    return 0;
}

void create_begin(struct creation *c, struct chaos *chaos, struct shell *shell,
                  const struct chaos_config *config)
{
    c->chaos = chaos;
    c->shell = shell;
    c->config = *config;
    c->paused = false;
    c->uuid_lock = -1;
    c->files = (struct boot_files)BOOT_FILES_NONE;
    memset(&c->build, 0, sizeof(c->build));
    text_begin(&c->text, c->text_room, sizeof(c->text_room));
}

void create_end(struct creation *c)
{
    boot_files_close(&c->files);
    text_release(&c->text);
    if (c->uuid_lock >= 0)
        close(c->uuid_lock);
    c->uuid_lock = -1;
}

void create_result(const struct creation *c, struct chaos_domain *out)
{
    const struct shell *shell = c->shell;

    memset(out, 0, sizeof(*out));
    out->domid = shell->record.domid;
    memcpy(out->uuid, shell->record.uuid, sizeof(out->uuid));
    memcpy(out->name, c->config.name, sizeof(out->name));
    out->paused = c->paused;
    out->vcpus = c->config.vcpus;
    out->memory_kib = out->max_memory_kib = shell->memory.pages << (HV_PAGE_SHIFT - 10);
}

/* ---------------------------------------------------------------- cold */

static int choose_identity(struct creation *c, struct chaos_error *err)
{
    static const uint8_t none[16];
    int rc;

    chaos_config_choose_bus(&c->config);
    if (memcmp(c->config.uuid, none, sizeof(none)) == 0)
        rc = create_choose_uuid(c, err);
    else
        rc = create_take_uuid(c, err);
    return rc < 0 ? rc : create_choose_macs(c, err);
}

int create_claim_name(struct creation *c, struct chaos_error *err)
{
    struct registry *registry = &c->chaos->registry;
    const char *name = c->config.name;
    struct shell *shell = c->shell;
    int rc;

    rc = record_format(&shell->record, &c->config, &c->text, err);
    if (rc < 0)
        return rc;
    rc = registry_claim(registry, name, c->text.bytes, c->text.length, &shell->claim, err);
    if (rc == -EEXIST && chaos_forget_stale(c->chaos, name))
        rc = registry_claim(registry, name, c->text.bytes, c->text.length, &shell->claim, err);
    return rc;
}

void create_drop_name(struct creation *c)
{
    registry_drop(&c->chaos->registry, &c->shell->claim, c->shell->record.domid);
}

#define NR(table) (sizeof(table) / sizeof((table)[0]))

static const struct step inputs[] = {
    {"reap", create_clear_abandoned, NULL},           {"identity", choose_identity, NULL},
    {"image", create_open_image, create_close_image}, {"check", create_check_devices, NULL},
    {"name", create_claim_name, create_drop_name},
};
static const struct step execute[] = {
    {"load", create_load_guest, NULL},      {"vcpu", create_set_up_start, NULL},
    {"hotplug", create_wait_devices, NULL}, {"start", create_start_guest, NULL},
    {"record", create_commit_record, NULL},
};
static const struct phase inputs_phase = {inputs, NR(inputs)};
static const struct phase execute_phase = {execute, NR(execute)};
static const struct phase *const cold[] = {&inputs_phase, &create_prepare, &execute_phase};

int chaos_domain_create(struct chaos *chaos, const struct chaos_config *config,
                        const struct chaos_create_options *options, struct chaos_domain *out,
                        struct chaos_error *err)
{
    struct shell shell = {.claim = REGISTRY_CLAIM_NONE};
    struct creation c;
    int rc;

    create_begin(&c, chaos, &shell, config);
    c.paused = options && options->paused;
    rc = create_run(&c, cold, NR(cold), options ? options->timing : NULL, err);
    if (rc == 0 && out)
        create_result(&c, out);
    create_end(&c);
    memory_release(&shell.memory);
    return rc;
}
