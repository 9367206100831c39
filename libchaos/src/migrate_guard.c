// SPDX-License-Identifier: BSD-3-Clause
#include "migrate_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "migrate_journal.h"

struct search {
    int dir;
    uint32_t domid;
    const uint8_t *uuid;
    const char *name; /* NULL: none */
    struct migrate_note note;
    bool found;
};

/* The uuid of a guest out of a pool is in Xen's hands a little later than its name in ours. */
static bool is_of(const struct migrate_note *note, const struct search *search)
{
    return note->domid == search->domid &&
           (memcmp(note->uuid, search->uuid, sizeof(note->uuid)) == 0 ||
            (search->name && strcmp(note->name, search->name) == 0));
}

static int look_at(void *opaque, const char *file, struct chaos_error *err)
{
    struct search *search = opaque;
    struct migrate_note note;

    if (migrate_note_load(search->dir, file, &note, err) < 0 || !migrate_is_held(note.phase) ||
        !is_of(&note, search))
        return 0;
    search->note = note;
    search->found = true;
    return -ECANCELED; /* enough */
}

/* Most hosts have no migrations most of the time: then this is one system call. */
static bool find(struct chaos *chaos, struct search *search)
{
    cleanup_close int dir =
        openat(chaos->registry.dir, "migrations", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct chaos_error ignored;

    if (dir < 0 || search->domid == 0)
        return false;
    search->dir = dir;
    registry_visit_migrations(&chaos->registry, look_at, search, &ignored);
    return search->found;
}

bool migrate_holds(struct chaos *chaos, uint32_t domid, const uint8_t uuid[16])
{
    struct search search = {.domid = domid, .uuid = uuid};

    return find(chaos, &search) && search.note.role == MIGRATE_SOURCE;
}

int migrate_guard(struct chaos *chaos, const struct chaos_domain *domain, struct chaos_error *err)
{
    struct search search = {.domid = domain->domid, .uuid = domain->uuid, .name = domain->name};
    const struct migrate_note *note = &search.note;

    if (!find(chaos, &search))
        return 0;
    switch (note->phase) {
    case MIGRATE_SENDING:
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "\"%s\" is being moved to %s by chaosd: see chaos migrate --list",
                               note->name, note->peer);
    case MIGRATE_COMMITTING:
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "\"%s\" is paused here, and perhaps runs on %s: chaos migrate "
                               "--finish %s asks there",
                               note->name, note->peer, note->name);
    case MIGRATE_LOADED:
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "\"%s\" waits for the host that it comes from (%s), which decides "
                               "whether it runs here; chaos migrate --discard %s drops this copy",
                               note->name, note->peer, note->name);
    default:
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "\"%s\" is just arriving from another host (%s)", note->name,
                               note->peer);
    }
}
