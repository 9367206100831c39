// SPDX-License-Identifier: BSD-3-Clause
/* Walks over the records. */
#include "registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

#define DIRENTS_SIZE 1024

struct dirent_header { /* struct linux_dirent64, which no header of libc brings */
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

/* opendir would allocate 32 KiB; every create looks into pending/. */
static int for_each_entry(struct registry *registry, const char *directory,
                          registry_visit_name *visit, void *opaque, struct chaos_error *err)
{
    _Alignas(8) char buffer[DIRENTS_SIZE];
    cleanup_close int fd = openat(registry->dir, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long length, at;
    int rc;

    if (fd < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE,
                               "cannot open %s in the state directory: %s", directory,
                               strerror(errno));
    while ((length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (at = 0; at < length;) {
            const struct dirent_header *entry = (const void *)(buffer + at);

            at += entry->length;
            if (entry->name[0] == '.' || strlen(entry->name) > CHAOS_NAME_MAX)
                continue;
            rc = visit(opaque, entry->name, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

struct abandoned {
    struct registry *registry;
    enum registry_folder folder;
    registry_visit *visit;
    void *opaque;
};

static int visit_if_abandoned(void *opaque, const char *name, struct chaos_error *err)
{
    struct abandoned *abandoned = opaque;
    struct registry_claim claim = {.fd = -1, .folder = abandoned->folder};
    cleanup_close int dir =
        openat(abandoned->registry->dir, registry_folder_name(abandoned->folder),
               O_PATH | O_DIRECTORY | O_CLOEXEC);

    claim.fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (claim.fd < 0)
        return 0; /* done meanwhile */
    if (flock(claim.fd, LOCK_EX | LOCK_NB) < 0 || !registry_still_there(dir, name, claim.fd)) {
        close(claim.fd);
        return 0;
    }
    snprintf(claim.name, sizeof(claim.name), "%s", name);
    return abandoned->visit(abandoned->opaque, &claim, err);
}

int registry_visit_abandoned(struct registry *registry, enum registry_folder folder,
                             registry_visit *visit, void *opaque, struct chaos_error *err)
{
    struct abandoned abandoned = {
        .registry = registry, .folder = folder, .visit = visit, .opaque = opaque};

    return for_each_entry(registry, registry_folder_name(folder), visit_if_abandoned, &abandoned,
                          err);
}

int registry_visit_names(struct registry *registry, registry_visit_name *visit, void *opaque,
                         struct chaos_error *err)
{
    return for_each_entry(registry, "domains", visit, opaque, err);
}

int registry_visit_shells(struct registry *registry, registry_visit_name *visit, void *opaque,
                          struct chaos_error *err)
{
    return for_each_entry(registry, "shells", visit, opaque, err);
}

int registry_visit_restarts(struct registry *registry, registry_visit_name *visit, void *opaque,
                            struct chaos_error *err)
{
    if (faccessat(registry->dir, "restarts", F_OK, 0) < 0)
        return 0;
    return for_each_entry(registry, "restarts", visit, opaque, err);
}

int registry_visit_migrations(struct registry *registry, registry_visit_name *visit, void *opaque,
                              struct chaos_error *err)
{
    return for_each_entry(registry, "migrations", visit, opaque, err);
}
