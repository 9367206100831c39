// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest that comes from another host. While it is loaded its record is pending: should we die, it
 * is reaped. Then it is a paused domain with a record, which nobody but the journal lets run.
 */
#include "guest_move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "restore.h"

struct guest_target {
    struct chaos *chaos;
    char name[CHAOS_NAME_MAX + 1];
    uint32_t domid; /* with its uuid: which one of this name; 0: none was made yet */
    uint8_t uuid[16];
    guest_adapt *adapt;
    void *opaque;
    struct chaos_config config;
    struct checkpoint_domain domain;
    struct checkpoint_reader reader;
    struct guest_target_shells shells;
    struct shell cold, *shell; /* what it is made in: cold, or one that was taken */
    struct restore restore;
    bool prepared; /* the domain is there, and its record pending */
};

int guest_target_open(struct chaos *chaos, const struct migrate_note *note, guest_adapt *adapt,
                      void *opaque, struct guest_target **out, struct chaos_error *err)
{
    struct guest_target *target;
    int rc = chaos_name_check(note->name, err);

    if (rc < 0)
        return rc;
    target = calloc(1, sizeof(*target));
    if (!target)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    target->chaos = chaos;
    target->adapt = adapt;
    target->opaque = opaque;
    target->domid = note->domid;
    memcpy(target->uuid, note->uuid, sizeof(target->uuid));
    strcpy(target->name, note->name);
    target->cold.claim = (struct registry_claim)REGISTRY_CLAIM_NONE;
    target->shell = &target->cold;
    *out = target;
    return 0;
}

void guest_target_use_shells(struct guest_target *target, const struct guest_target_shells *shells)
{
    target->shells = *shells;
}

static void forget_shell(struct guest_target *target)
{
    if (target->shell == &target->cold) {
        registry_release(&target->cold.claim);
        memory_release(&target->cold.memory);
    } else {
        shell_finish(target->chaos, target->shell);
    }
    target->shell = &target->cold;
}

static void forget(struct guest_target *target)
{
    if (target->prepared)
        create_end(&target->restore.creation);
    target->prepared = false;
    restore_pages_release(&target->restore);
    checkpoint_release(&target->reader);
    forget_shell(target);
}

void guest_target_close(struct guest_target *target)
{
    if (!target)
        return;
    forget(target);
    chaos_config_free(&target->config);
    free(target);
}

/* What the source offers is known before its stream begins, and is what the stream must say. */
static int read_offer(struct guest_target *target, const struct migrate_offer *offer,
                      struct chaos_error *err)
{
    const struct chaos_config_options how = {0};
    int rc;

    chaos_config_free(&target->config);
    rc = chaos_config_parse("its configuration", offer->config, offer->config_length, NULL, 0, &how,
                            &target->config, err);
    if (rc < 0) {
        memset(&target->config, 0, sizeof(target->config));
        return rc;
    }
    memcpy(target->config.name, target->name, sizeof(target->name));
    if (target->adapt)
        target->adapt(target->opaque, &target->config);
    target->domain = (struct checkpoint_domain){
        .pages = (uint64_t)target->config.memory_mib << 8,
        .vcpus = target->config.vcpus,
        .xen_major = offer->xen_major,
        .xen_minor = offer->xen_minor,
    };
    memcpy(target->domain.uuid, target->config.uuid, sizeof(target->domain.uuid));
    memcpy(target->domain.hw_caps, offer->hw_caps, sizeof(target->domain.hw_caps));
    return 0;
}

static int make_cold(struct guest_target *target, struct chaos_error *err)
{
    static const struct phase *const phases[] = {&restore_inputs, &create_prepare};
    struct creation *c = &target->restore.creation;

    target->cold =
        (struct shell){.claim = REGISTRY_CLAIM_NONE, .flavour = {.bus = target->config.bus}};
    create_begin(c, target->chaos, &target->cold, &target->config);
    return create_run(c, phases, sizeof(phases) / sizeof(phases[0]), NULL, err);
}

/* Shells are no reason to refuse a guest. */
static int make_with_room(struct guest_target *target, struct chaos_error *err)
{
    const struct guest_target_shells *shells = &target->shells;
    int rc = make_cold(target, err);

    if (rc == 0 || err->exit != CHAOS_EXIT_RESOURCE || !shells->make_room ||
        !shells->make_room(shells->opaque, &target->config))
        return rc;
    create_end(&target->restore.creation);
    forget_shell(target);
    return make_cold(target, err);
}

/* From here on the shell is ours, unless it is given back as it was. */
static int make_in(struct guest_target *target, struct shell *shell, struct chaos_error *err)
{
    static const struct phase *const phases[] = {&restore_shell_inputs, &restore_shell_use_up};
    struct creation *c = &target->restore.creation;
    int rc;

    create_begin(c, target->chaos, shell, &target->config);
    rc = create_run(c, phases, sizeof(phases) / sizeof(phases[0]), NULL, err);
    if (rc == 0)
        target->shell = shell;
    else if (shell->used)
        shell_destroy(target->chaos, shell);
    else
        target->shells.give_back(target->shells.opaque, shell);
    return rc;
}

static int prepare(void *guest, const struct migrate_offer *offer, struct migrate_note *note,
                   struct chaos_error *err)
{
    struct guest_target *target = guest;
    struct guest_target_shells *shells = &target->shells;
    struct restore *restore = &target->restore;
    struct shell *shell = NULL;
    int rc = read_offer(target, offer, err);

    if (rc == 0)
        rc = guest_move_check_disks(&target->config, err);
    if (rc < 0)
        return rc;
    if (shells->take)
        shell = shells->take(shells->opaque, &target->config);
    *restore =
        (struct restore){.reader = &target->reader, .domain = &target->domain, .moved = true};
    rc = shell ? make_in(target, shell, err) : make_with_room(target, err);
    target->prepared = rc == 0;
    if (rc < 0) {
        create_end(&restore->creation);
        return rc;
    }
    note->domid = target->domid = target->shell->record.domid;
    /* The one that it will have: a shell keeps its own until it is the guest. */
    memcpy(target->uuid, restore->creation.config.uuid, sizeof(target->uuid));
    memcpy(note->uuid, target->uuid, sizeof(note->uuid));
    return 0;
}

/* Nobody lets it run before its memory is whole. */
static int fill(struct guest_target *target, struct chaos_error *err)
{
    static const struct step commit[] = {{"record", create_commit_record, NULL}};
    static const struct step shell[] = {{"commit", shell_commit, NULL}};
    static const struct phase commit_phase = {commit, 1}, shell_phase = {shell, 1};
    static const struct phase *const cold[] = {&restore_fill, &restore_hotplug, &commit_phase};
    static const struct phase *const in_shell[] = {&restore_fill, &shell_phase};
    struct creation *c = &target->restore.creation;

    if (target->shell == &target->cold)
        return create_run(c, cold, sizeof(cold) / sizeof(cold[0]), NULL, err);
    return create_run(c, in_shell, sizeof(in_shell) / sizeof(in_shell[0]), NULL, err);
}

static int load(void *guest, stream_read *read, void *opaque, struct chaos_error *err)
{
    struct guest_target *target = guest;
    const struct checkpoint_domain *given = &target->reader.domain;
    int rc = checkpoint_open(&target->reader, read, opaque, err);

    if (rc < 0)
        return rc;
    if (given->pages != target->domain.pages || given->vcpus != target->domain.vcpus ||
        memcmp(given->uuid, target->domain.uuid, sizeof(given->uuid)) != 0)
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE,
                               "the guest that came is not the one that was offered");
    rc = fill(target, err);
    if (rc == 0)
        forget(target);
    return rc;
}

/* -ENOENT: it is no more, or was never made; others may have its name. */
static int find(struct guest_target *target, struct chaos_domain *domain, struct chaos_error *err)
{
    char which[sizeof("name:") + CHAOS_NAME_MAX] = "name:";
    int rc;

    strcat(which, target->name);
    rc = target->domid == 0 ? -ENOENT : chaos_domain_find(target->chaos, which, domain, err);
    if (rc == 0 && (domain->domid != target->domid ||
                    memcmp(domain->uuid, target->uuid, sizeof(target->uuid)) != 0))
        rc = -ENOENT;
    return rc;
}

static int start(void *guest, struct chaos_error *err)
{
    struct guest_target *target = guest;
    struct hv *hv = target->chaos->hv;
    struct chaos_domain domain;
    int rc = find(target, &domain, err);

    if (rc == -ENOENT)
        return chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "there is no copy of \"%s\"",
                               target->name);
    if (rc < 0 || !domain.paused)
        return rc;
    rc = hv->ops->unpause(hv, domain.domid);
    return rc < 0 ? hv_error(err, rc, "let it run") : 0;
}

static int drop(void *guest, struct chaos_error *err)
{
    struct guest_target *target = guest;
    struct chaos_domain domain;
    int rc;

    if (target->prepared) {
        shell_unmake(target->chaos, target->shell);
        forget(target);
        return 0;
    }
    chaos_reap(target->chaos);
    rc = find(target, &domain, err);
    if (rc == -ENOENT)
        return 0;
    return rc < 0 ? rc : chaos_destroy_moved(target->chaos, &domain, err);
}

const struct migrate_target_ops guest_target_ops = {
    .prepare = prepare,
    .load = load,
    .start = start,
    .drop = drop,
};
