// SPDX-License-Identifier: BSD-3-Clause
/* Restoring a guest: the steps of a create, or of a shell's execution, with a checkpoint where that
 * has a kernel. */
#include "restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* ---------------------------------------------------------------- in a shell */

static int check_fit(struct creation *c, struct chaos_error *err)
{
    if (flavour_misfit_restored(&c->shell->flavour, &c->config) < 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE,
                               "the shell cannot become the guest of this checkpoint");
    return 0;
}

/*
 * To unmap a shell's window takes longer than all that is written to a small guest. Our guests,
 * which are known by telling what they do not use, have no page tables there, nor will have soon:
 * it goes after the answer, as it does after an execute. (A page that dom0 could write to cannot
 * become a page table.)
 */
static int close_window(struct creation *c, struct chaos_error *err)
{
    (void)err;
    if (!restore_of(c)->told_unused)
        shell_window_unmap(&c->shell->window, c->chaos->hv);
    return 0;
}

/* A guest may find anything in memory that it did not use, but nothing of another kernel's. */
static int discard(struct creation *c, struct chaos_error *err)
{
    restore_of(c)->clear_unused = c->shell->kind == SHELL_WARM;
    return shell_discard_guest(c, err);
}

#define NR(table) (sizeof(table) / sizeof((table)[0]))

static const struct step inputs[] = {
    {"reap", create_clear_abandoned, NULL},        {"host", restore_check, NULL},
    {"identity", restore_choose_identity, NULL},   {"check", create_check_devices, NULL},
    {"name", create_claim_name, create_drop_name},
};
static const struct step shell_inputs[] = {
    {"host", restore_check, NULL},
    {"image", check_fit, NULL},
    {"identity", restore_choose_identity, NULL},
    {"name", shell_check_name, NULL},
};
static const struct step shell_use_up[] = {
    {"record", shell_write_record, NULL},
    {"devices", shell_configure_devices, NULL},
    {"vcpu", discard, NULL},
};
static const struct step fill[] = {
    {"load", load, NULL},
    {"end", end, NULL},
};
static const struct step hotplug[] = {{"hotplug", create_wait_devices, NULL}};
static const struct step go[] = {
    {"start", create_start_guest, NULL},
    {"record", create_commit_record, NULL},
};
static const struct step shell_go[] = {
    {"unmap", close_window, NULL},
    {"start", create_start_guest, NULL},
    {"commit", shell_commit, NULL},
};
const struct phase restore_inputs = {inputs, NR(inputs)};
const struct phase restore_shell_inputs = {shell_inputs, NR(shell_inputs)};
const struct phase restore_shell_use_up = {shell_use_up, NR(shell_use_up)};
const struct phase restore_fill = {fill, NR(fill)};
const struct phase restore_hotplug = {hotplug, NR(hotplug)};
static const struct phase go_phase = {go, NR(go)};
static const struct phase shell_go_phase = {shell_go, NR(shell_go)};

static const struct phase *const cold[] = {&restore_inputs, &create_prepare, &restore_fill,
                                           &restore_hotplug, &go_phase};
static const struct phase *const in_shell[] = {&restore_shell_inputs, &restore_shell_use_up,
                                               &restore_fill, &shell_go_phase};

/* ---------------------------------------------------------------- all of it */

static int run(struct restore *restore, struct chaos *chaos, struct shell *shell,
               const struct chaos_config *config, const struct phase *const phases[], size_t nr,
               struct chaos_domain *out, struct chaos_error *err)
{
    const struct chaos_restore_options *options = restore->options;
    struct creation *c = &restore->creation;
    int rc;

    create_begin(c, chaos, shell, config);
    c->paused = options && options->paused;
    rc = create_run(c, phases, nr, options ? options->timing : NULL, err);
    if (rc == 0 && out)
        create_result(c, out);
    restore_pages_release(restore);
    create_end(c);
    return rc;
}

int restore_cold(struct chaos *chaos, struct checkpoint_reader *reader,
                 const struct chaos_config *config, const struct chaos_restore_options *options,
                 struct chaos_domain *out, struct chaos_error *err)
{
    struct shell shell = {.claim = REGISTRY_CLAIM_NONE};
    struct restore restore = {.reader = reader, .domain = &reader->domain, .options = options};
    int rc = run(&restore, chaos, &shell, config, cold, NR(cold), out, err);

    memory_release(&shell.memory);
    return rc;
}

int restore_in_shell(struct chaos *chaos, struct shell *shell, struct checkpoint_reader *reader,
                     const struct chaos_config *config, const struct chaos_restore_options *options,
                     struct chaos_domain *out, bool *intact, struct chaos_error *err)
{
    struct restore restore = {.reader = reader, .domain = &reader->domain, .options = options};
    int rc = run(&restore, chaos, shell, config, in_shell, NR(in_shell), out, err);

    *intact = rc < 0 && !shell->used;
    if (rc < 0 && !*intact)
        shell_unmake(chaos, shell);
    return rc;
}
