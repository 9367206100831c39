// SPDX-License-Identifier: BSD-3-Clause
/* Steps of a create that look at what was asked for. */
#include "create.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <xen/xen.h>

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

int create_clear_abandoned(struct creation *c, struct chaos_error *err)
{
    (void)err;
    chaos_reap(c->chaos);
    return 0;
}

int create_check_cmdline(const struct creation *c, struct chaos_error *err)
{
    if (strlen(c->config.cmdline) >= MAX_GUEST_CMDLINE)
        return chaos_error_set(err, -E2BIG, CHAOS_EXIT_CONFIG,
                               "cmdline is longer than the %d bytes that Xen passes on",
                               MAX_GUEST_CMDLINE - 1);
    return 0;
}

int create_open_files(struct creation *c, struct chaos_error *err)
{
    int rc = create_check_cmdline(c, err);

    if (rc < 0)
        return rc;
    return boot_files_open(&c->files, c->chaos->images, c->config.kernel, c->config.ramdisk, err);
}

int create_lay_out(struct creation *c, struct chaos_error *err)
{
    const uint64_t pages =
        c->shell->memory.pages ? c->shell->memory.pages : (uint64_t)c->config.memory_mib << 8;
    int rc = layout_compute(&c->files.image, c->files.ramdisk.id.size, pages, create_on_xenstore(c),
                            &c->build.layout, err);

    return rc < 0 ? chaos_error_wrap(err, "kernel \"%s\"", c->config.kernel) : 0;
}

int create_open_image(struct creation *c, struct chaos_error *err)
{
    int rc = create_open_files(c, err);

    return rc < 0 ? rc : create_lay_out(c, err);
}

void create_close_image(struct creation *c)
{
    boot_files_close(&c->files);
}

/* Not a secret: must not wait for a host without entropy. */
int create_random(void *buffer, size_t length, struct chaos_error *err)
{
    if (getrandom(buffer, length, GRND_INSECURE) == (ssize_t)length)
        return 0;
    return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE, "cannot get random bytes: %s",
                           strerror(errno));
}

static int random_uuid(uint8_t uuid[16], struct chaos_error *err)
{
    int rc = create_random(uuid, 16, err);

    uuid_mark_random(uuid);
    return rc;
}

/* A shell has one already. */
int create_choose_uuid(struct creation *c, struct chaos_error *err)
{
    struct record *record = &c->shell->record;
    int rc = record->domid ? 0 : random_uuid(record->uuid, err);

    memcpy(c->config.uuid, record->uuid, sizeof(c->config.uuid));
    return rc;
}

/*
 * Only a uuid that was given can be another's. Until its record tells the domain's id, the domain
 * has one that is nobody's: by that it is found should we die, and nobody else's ever is.
 */
int create_take_uuid(struct creation *c, struct chaos_error *err)
{
    struct record *record = &c->shell->record;
    struct hv_info info;
    int rc = registry_lock_uuid(&c->chaos->registry, c->config.uuid, &c->uuid_lock, err);

    if (rc < 0)
        return rc;
    rc = chaos_find_uuid(c->chaos, c->config.uuid, &info);
    if (rc == 0 && !info.dying)
        return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS, "domain %u has this uuid already",
                               info.domid);
    if (rc < 0 && rc != -ENOENT)
        return hv_error(err, rc, "look for its uuid");
    if (record->domid) /* of a shell: it has a uuid already */
        return 0;
    memcpy(record->uuid, c->config.uuid, sizeof(record->uuid));
    return random_uuid(record->former_uuid, err);
}

int create_choose_macs(struct creation *c, struct chaos_error *err)
{
    static const uint8_t none[6];
    struct chaos_vif_config *vif = c->config.vifs;
    uint32_t i, next, nr = 0;
    int rc;

    for (i = 0; i < c->config.nr_vifs; i++)
        nr += memcmp(vif[i].mac, none, sizeof(none)) == 0;
    if (nr == 0)
        return 0;
    rc = registry_take_macs(&c->chaos->registry, nr, &next, err);
    if (rc < 0)
        return rc;
    for (; nr > 0; vif++) {
        if (memcmp(vif->mac, none, sizeof(none)) != 0)
            continue;
        memcpy(vif->mac, "\x00\x16\x3e", 3); /* Xen's own */
        vif->mac[3] = (uint8_t)(next >> 16);
        vif->mac[4] = (uint8_t)(next >> 8);
        vif->mac[5] = (uint8_t)next++;
        nr--;
    }
    return 0;
}

int create_check_devices(struct creation *c, struct chaos_error *err)
{
    struct hv *hv = c->chaos->hv;
    struct hv_noxs noxs;
    int rc = c->chaos->bus->ops->check(c->chaos->bus, &c->config, err);

    /* The module does not load where Xen lacks noxs: then that is what is to be told. */
    if (rc < 0 && err->exit == CHAOS_EXIT_PRIVILEGE && !create_on_xenstore(c) &&
        hv->ops->noxs(hv, 0, &noxs) == -ENOSYS)
        return chaos_error_set(err, rc, CHAOS_EXIT_PRIVILEGE,
                               "this Xen has no noxs: boot the one built from xen-patches/, or "
                               "start xenstored (bus=\"xenstore\")");
    return rc;
}

int create_note_progress(struct creation *c, struct chaos_error *err)
{
    record_update(c->text.bytes, &c->shell->record);
    return registry_write(&c->shell->claim, c->text.bytes, RECORD_HEADER, err);
}
