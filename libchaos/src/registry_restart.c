// SPDX-License-Identifier: BSD-3-Clause
/* restarts/: second links to the records of domains that are to be made anew. */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define PATH_MAX_ENTRY (16 + CHAOS_NAME_MAX)

static const char *entry(char path[PATH_MAX_ENTRY], const char *directory, const char *name)
{
    snprintf(path, PATH_MAX_ENTRY, "%s/%s", directory, name);
    return path;
}

int registry_mark_restart(struct registry *registry, const char *name, struct chaos_error *err)
{
    char record[PATH_MAX_ENTRY], mark[PATH_MAX_ENTRY];
    int tries;

    entry(record, "domains", name);
    entry(mark, "restarts", name);
    for (tries = 0; linkat(registry->dir, record, registry->dir, mark, 0) < 0; tries++) {
        if (tries == 2 || (errno != EEXIST && errno != ENOENT))
            return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE,
                                   "cannot mark \"%s\" for a restart: %s", name, strerror(errno));
        if (errno == EEXIST) /* of a restart that nobody finished */
            unlinkat(registry->dir, mark, 0);
        else if (faccessat(registry->dir, record, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND,
                                   "there is no domain \"%s\" (any more)", name);
        else
            mkdirat(registry->dir, "restarts", 0700);
    }
    return 0;
}

bool registry_restart_marked(struct registry *registry, const char *name)
{
    char mark[PATH_MAX_ENTRY];

    return faccessat(registry->dir, entry(mark, "restarts", name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool registry_unmark_restart(struct registry *registry, const char *name)
{
    char mark[PATH_MAX_ENTRY];

    return unlinkat(registry->dir, entry(mark, "restarts", name), 0) == 0;
}

int registry_read_restart(struct registry *registry, const char *name, char **text, size_t *length,
                          struct chaos_error *err)
{
    struct registry_claim claim = REGISTRY_CLAIM_NONE;
    char record[PATH_MAX_ENTRY], mark[PATH_MAX_ENTRY];
    cleanup_close int fd = -1;

    if (faccessat(registry->dir, entry(record, "domains", name), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS, "there is a domain \"%s\"", name);
    fd = openat(registry->dir, entry(mark, "restarts", name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE,
                               "cannot open the mark of \"%s\": %s", name, strerror(errno));
    claim.fd = fd;
    return registry_read_claim(&claim, text, length, err);
}
