// SPDX-License-Identifier: BSD-3-Clause
/*
 * Creating a domain: a table of steps, each with what undoes it. "Prepare" needs only what a shell
 * is made of (memory, vcpus, kinds of devices); "execute" puts a guest into it.
 */
#include "chaos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

#include "builder.h"
#include "cleanup.h"

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

#define NR(table) (sizeof(table) / sizeof((table)[0]))

struct creation {
    struct chaos *chaos;
    struct chaos_config config; /* borrows the caller's strings */
    bool paused;
    struct boot_files files;
    struct registry_claim claim;
    struct record record;
    struct text text; /* of the record */
    char text_room[1024];
    struct memory memory;
    struct build build;
    bool devices; /* were asked for */
};

struct step {
    const char *name;
    int (*run)(struct creation *c, struct chaos_error *err);
    void (*undo)(struct creation *c);
};

/* ---------------------------------------------------------------- inputs */

static int clear_abandoned(struct creation *c, struct chaos_error *err)
{
    (void)err;
    chaos_reap(c->chaos);
    return 0;
}

static bool on_xenstore(const struct creation *c)
{
    return c->config.bus == CHAOS_BUS_XENSTORE;
}

static int open_image(struct creation *c, struct chaos_error *err)
{
    int rc;

    if (strlen(c->config.cmdline) >= MAX_GUEST_CMDLINE)
        return chaos_error_set(err, -E2BIG, CHAOS_EXIT_CONFIG,
                               "cmdline is longer than the %d bytes that Xen passes on",
                               MAX_GUEST_CMDLINE - 1);
    rc = boot_files_open(&c->files, c->config.kernel, c->config.ramdisk, err);
    if (rc < 0)
        return rc;
    rc = layout_compute(&c->files.image, c->config.ramdisk ? c->files.ramdisk.size : 0,
                        (uint64_t)c->config.memory_mib << 8, on_xenstore(c), &c->build.layout, err);
    return rc < 0 ? chaos_error_wrap(err, "kernel \"%s\"", c->config.kernel) : 0;
}

/* Not a secret: must not wait for a host without entropy. */
static int random_bytes(void *buffer, size_t length, struct chaos_error *err)
{
    if (getrandom(buffer, length, GRND_INSECURE) == (ssize_t)length)
        return 0;
    return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE, "cannot get random bytes: %s",
                           strerror(errno));
}

/* Only a uuid that was given can be taken: then all domains are asked. */
static int check_uuid(struct creation *c, struct chaos_error *err)
{
    struct hv_info info;
    int rc = chaos_find_uuid(c->chaos, c->config.uuid, &info);

    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return hv_error(err, rc, "list the domains");
    return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS, "domain %u has this uuid already",
                           info.domid);
}

static int choose_identity(struct creation *c, struct chaos_error *err)
{
    static const uint8_t none[16];
    uint8_t random[16 + 3 * CHAOS_VIFS_MAX];
    struct chaos_vif_config *vif = c->config.vifs;
    unsigned int i;
    int rc = random_bytes(random, 16 + 3 * c->config.nr_vifs, err);

    if (rc < 0)
        return rc;
    if (memcmp(c->config.uuid, none, sizeof(none)) == 0) {
        memcpy(c->config.uuid, random, sizeof(c->config.uuid));
        c->config.uuid[6] = (c->config.uuid[6] & 0x0f) | 0x40; /* version 4, */
        c->config.uuid[8] = (c->config.uuid[8] & 0x3f) | 0x80; /* variant 1 */
    } else {
        rc = check_uuid(c, err);
        if (rc < 0)
            return rc;
    }
    memcpy(c->record.uuid, c->config.uuid, sizeof(c->record.uuid));
    for (i = 0; i < c->config.nr_vifs; i++, vif++) {
        if (memcmp(vif->mac, none, sizeof(vif->mac)) != 0)
            continue;
        memcpy(vif->mac, "\x00\x16\x3e", 3); /* Xen's own */
        memcpy(vif->mac + 3, random + 16 + 3 * i, 3);
    }
    return 0;
}

static void close_image(struct creation *c)
{
    boot_files_close(&c->files);
}

static int check_devices(struct creation *c, struct chaos_error *err)
{
    struct hv *hv = c->chaos->hv;
    struct hv_noxs noxs;
    int rc = c->chaos->bus->ops->check(c->chaos->bus, &c->config, err);

    /* The module does not load where Xen lacks noxs: then that is what is to be told. */
    if (rc < 0 && err->exit == CHAOS_EXIT_PRIVILEGE && hv->ops->noxs(hv, 0, &noxs) == -ENOSYS)
        return chaos_error_set(err, rc, CHAOS_EXIT_PRIVILEGE,
                               "this Xen has no noxs: boot the one built from xen-patches/");
    return rc;
}

static int claim_name(struct creation *c, struct chaos_error *err)
{
    struct registry *registry = &c->chaos->registry;
    const char *name = c->config.name;
    int rc;

    text_begin(&c->text, c->text_room, sizeof(c->text_room));
    rc = record_format(&c->record, &c->config, &c->text, err);
    if (rc < 0)
        return rc;
    rc = registry_claim(registry, name, c->text.bytes, c->text.length, &c->claim, err);
    if (rc == -EEXIST && chaos_forget_stale(c->chaos, name))
        rc = registry_claim(registry, name, c->text.bytes, c->text.length, &c->claim, err);
    return rc;
}

static void drop_name(struct creation *c)
{
    registry_drop(&c->chaos->registry, &c->claim, c->record.domid);
}

static int note_progress(struct creation *c, struct chaos_error *err)
{
    record_update(c->text.bytes, &c->record);
    return registry_write(&c->claim, c->text.bytes, RECORD_HEADER, err);
}

static const struct step inputs[] = {
    {"reap", clear_abandoned, NULL},    {"identity", choose_identity, NULL},
    {"image", open_image, close_image}, {"check", check_devices, NULL},
    {"name", claim_name, drop_name},
};

/* ---------------------------------------------------------------- prepare */

static int make_domain(struct creation *c, struct chaos_error *err)
{
    struct hv_create how = {
        .max_vcpus = c->config.vcpus,
        .max_event_channels = c->config.max_event_channels,
        .max_grant_frames = c->config.max_grant_frames,
    };
    struct hv *hv = c->chaos->hv;
    int rc;

    memcpy(how.uuid, c->record.uuid, sizeof(how.uuid));
    rc = hv->ops->domain_create(hv, &how, &c->record.domid);
    return rc < 0 ? hv_error(err, rc, "make the domain") : 0;
}

/* The domain first: while it is there, it may have pages of the devices mapped. */
static void unmake_domain(struct creation *c)
{
    struct chaos_error ignored;
    struct chaos *chaos = c->chaos;
    int rc = chaos->hv->ops->destroy(chaos->hv, c->record.domid);

    if (rc == 0 && c->devices)
        rc = chaos->bus->ops->destroy(chaos->bus, c->config.bus, c->record.domid, &ignored);
    if (rc < 0)
        registry_release(&c->claim); /* the next command tries again */
}

static int set_up_vcpus(struct creation *c, struct chaos_error *err)
{
    static const uint64_t any[HV_AFFINITY_WORDS];
    struct hv *hv = c->chaos->hv;
    uint32_t vcpu;
    int rc;

    rc = note_progress(c, err); /* from now on it can be found */
    if (rc < 0)
        return rc;
    rc = hv->ops->set_max_vcpus(hv, c->record.domid, c->config.vcpus);
    if (rc < 0)
        return hv_error(err, rc, "give it vcpus");
    if (memcmp(c->config.cpu_affinity, any, sizeof(any)) == 0)
        return 0;
    for (vcpu = 0; vcpu < c->config.vcpus; vcpu++) {
        rc = hv->ops->set_affinity(hv, c->record.domid, vcpu, c->config.cpu_affinity);
        if (rc < 0)
            return hv_error(err, rc, "bind its vcpus to the cpus given");
    }
    return 0;
}

static int give_memory(struct creation *c, struct chaos_error *err)
{
    return memory_populate(c->chaos->hv, c->record.domid, (uint64_t)c->config.memory_mib << 8,
                           &c->memory, err);
}

static void forget_memory(struct creation *c)
{
    memory_release(&c->memory);
}

static int make_devices(struct creation *c, struct chaos_error *err)
{
    struct hv *hv = c->chaos->hv;
    int rc = hv->ops->evtchn_alloc_unbound(hv, c->record.domid, &c->record.console_port);

    if (rc < 0)
        return hv_error(err, rc, "make its console's event channel");
    if (on_xenstore(c))
        rc = hv->ops->evtchn_alloc_unbound(hv, c->record.domid, &c->build.store_port);
    if (rc < 0)
        return hv_error(err, rc, "make its XenStore's event channel");
    rc = c->chaos->bus->ops->create(c->chaos->bus, c->record.domid, &c->config, err);
    c->devices = rc == 0;
    return rc;
}

static const struct step prepare[] = {
    {"domain", make_domain, unmake_domain},
    {"vcpus", set_up_vcpus, NULL},
    {"memory", give_memory, forget_memory},
    {"devices", make_devices, NULL},
};

/* ---------------------------------------------------------------- execute */

static int load_guest(struct creation *c, struct chaos_error *err)
{
    c->build.domid = c->record.domid;
    c->build.memory = &c->memory;
    c->build.files = &c->files;
    c->build.cmdline = c->config.cmdline;
    c->build.console_port = c->record.console_port;
    return build_memory(c->chaos->hv, &c->build, err);
}

/* XenStore's daemon maps the ring by a grant, as it would that of a guest of any toolstack. */
static int introduce(struct creation *c, struct chaos_error *err)
{
    const struct hv_grant rings[] = {
        {GNTTAB_RESERVED_CONSOLE, c->build.console_frame},
        {GNTTAB_RESERVED_XENSTORE, c->build.store_frame},
    };
    const struct bus_start start = {
        .store_port = c->build.store_port,
        .console_port = c->record.console_port,
        .store_frame = c->build.store_frame,
        .console_frame = c->build.console_frame,
    };
    struct chaos *chaos = c->chaos;
    int rc = chaos->hv->ops->grant(chaos->hv, c->record.domid, rings, NR(rings));

    if (rc < 0)
        return hv_error(err, rc, "grant its rings");
    return chaos->bus->ops->introduce(chaos->bus, c->record.domid, &c->config, &start, err);
}

static int set_up_start(struct creation *c, struct chaos_error *err)
{
    int rc = build_vcpu(c->chaos->hv, &c->build, err);

    if (rc < 0)
        return rc;
    c->record.console_frame = c->build.console_frame;
    rc = note_progress(c, err);
    return rc == 0 && on_xenstore(c) ? introduce(c, err) : rc;
}

static int wait_devices(struct creation *c, struct chaos_error *err)
{
    return c->chaos->bus->ops->wait(c->chaos->bus, c->record.domid, &c->config, err);
}

static int start_guest(struct creation *c, struct chaos_error *err)
{
    int rc = c->paused ? 0 : c->chaos->hv->ops->unpause(c->chaos->hv, c->record.domid);

    return rc < 0 ? hv_error(err, rc, "let it run") : 0;
}

static int commit_record(struct creation *c, struct chaos_error *err)
{
    return registry_commit(&c->chaos->registry, &c->claim, c->record.domid, err);
}

static const struct step execute[] = {
    {"load", load_guest, NULL},   {"vcpu", set_up_start, NULL},    {"hotplug", wait_devices, NULL},
    {"start", start_guest, NULL}, {"record", commit_record, NULL},
};

/* ---------------------------------------------------------------- all of it */

static const struct {
    const struct step *steps;
    size_t nr;
} phases[] = {{inputs, NR(inputs)}, {prepare, NR(prepare)}, {execute, NR(execute)}};

_Static_assert(NR(inputs) + NR(prepare) + NR(execute) <= CHAOS_TIMING_MAX, "timing has room");

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void undo_steps(struct creation *c, size_t phase, size_t step)
{
    for (;; step = phases[--phase].nr) {
        while (step-- > 0)
            if (phases[phase].steps[step].undo)
                phases[phase].steps[step].undo(c);
        if (phase == 0)
            return;
    }
}

static int run_steps(struct creation *c, struct chaos_timing *timing, struct chaos_error *err)
{
    size_t phase, step;
    int rc;

    for (phase = 0; phase < NR(phases); phase++)
        for (step = 0; step < phases[phase].nr; step++) {
            rc = phases[phase].steps[step].run(c, err);
            if (rc < 0) {
                undo_steps(c, phase, step);
                return rc;
            }
            if (timing) {
                timing->step[timing->nr].name = phases[phase].steps[step].name;
                timing->step[timing->nr++].end_ns = now_ns();
            }
        }
    return 0;
}

int chaos_domain_create(struct chaos *chaos, const struct chaos_config *config,
                        const struct chaos_create_options *options, struct chaos_domain *out,
                        struct chaos_error *err)
{
    struct chaos_timing *timing = options ? options->timing : NULL;
    struct creation c = {
        .chaos = chaos,
        .config = *config,
        .paused = options && options->paused,
        .files = BOOT_FILES_NONE,
        .claim = REGISTRY_CLAIM_NONE,
    };
    int rc;

    if (timing) {
        timing->nr = 0;
        timing->start_ns = now_ns();
    }
    rc = run_steps(&c, timing, err);
    if (rc == 0 && out) {
        memset(out, 0, sizeof(*out));
        out->domid = c.record.domid;
        memcpy(out->uuid, c.record.uuid, sizeof(out->uuid));
        memcpy(out->name, c.config.name, sizeof(out->name));
        out->paused = c.paused;
        out->vcpus = c.config.vcpus;
        out->memory_kib = out->max_memory_kib = (uint64_t)c.config.memory_mib << 10;
    }
    boot_files_close(&c.files);
    memory_release(&c.memory);
    text_release(&c.text);
    return rc;
}
