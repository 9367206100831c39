// SPDX-License-Identifier: BSD-3-Clause
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "text.h"

#define TAKE_TRIES      100 /* of 1 ms */
#define SUSPENDED_TRIES 1000
#define RECORD_USUAL    1024

/* "pending/" and the longest name */
#define ENTRY_MAX       (16 + CHAOS_NAME_MAX)

static const char *entry(char path[ENTRY_MAX], const char *directory, const char *name)
{
    size_t length = strlen(directory), name_length = strnlen(name, CHAOS_NAME_MAX);

    memcpy(path, directory, length);
    path[length] = '/';
    memcpy(path + length + 1, name, name_length);
    path[length + 1 + name_length] = '\0';
    return path;
}

const char *registry_folder_name(enum registry_folder folder)
{
    static const char *const names[] = {[REGISTRY_PENDING] = "pending",
                                        [REGISTRY_SHELLS] = "shells",
                                        [REGISTRY_DOMAINS] = "domains",
                                        [REGISTRY_SUSPENDED] = "suspended"};

    return names[folder];
}

static const char *claim_entry(char path[ENTRY_MAX], const struct registry_claim *claim)
{
    return entry(path, registry_folder_name(claim->folder), claim->name);
}

static const char *id_entry(char path[ENTRY_MAX], uint32_t domid)
{
    struct text text;

    text_begin(&text, path, ENTRY_MAX);
    text_string(&text, "ids/");
    text_unsigned(&text, domid);
    text_end(&text); /* it has room */
    return path;
}

static int failed(struct chaos_error *err, int error, const char *what, const char *object)
{
    return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE, "cannot %s %s: %s", what, object,
                           strerror(error));
}

static int make_directories(int dir)
{
    static const char *const parts[] = {"domains", "pending", "shells", "ids"};
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (mkdirat(dir, parts[i], 0700) < 0 && errno != EEXIST)
            return -1;
    return 0;
}

int registry_open(struct registry *registry, const char *path, struct chaos_error *err)
{
    if (!path)
        path = REGISTRY_PATH;
    registry->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (registry->dir < 0 && errno == ENOENT && (mkdir(path, 0755) == 0 || errno == EEXIST))
        registry->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (registry->dir >= 0)
        return 0;
    return chaos_error_set(err, -errno, errno == EACCES ? CHAOS_EXIT_PRIVILEGE : CHAOS_EXIT_FAILURE,
                           "cannot open the state directory %s: %s", path, strerror(errno));
}

void registry_close(struct registry *registry)
{
    if (registry->dir >= 0)
        close(registry->dir);
    registry->dir = -1;
}

void registry_release(struct registry_claim *claim)
{
    if (claim->fd >= 0)
        close(claim->fd);
    claim->fd = -1;
}

static int write_all(int fd, const char *text, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t r = pwrite(fd, text + done, length - done, (off_t)done);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        done += (size_t)r;
    }
    return 0;
}

static int name_taken(struct chaos_error *err, const char *name)
{
    return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS,
                           "a domain with the name \"%s\" exists already: give another name", name);
}

static int open_nameless(int dir)
{
    return openat(dir, "pending", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int link_record(struct registry *registry, int fd, const struct registry_claim *claim)
{
    char path[ENTRY_MAX];

    claim_entry(path, claim);
    if (linkat(fd, "", registry->dir, path, AT_EMPTY_PATH) == 0)
        return 0;
    /* The directory of an older version has no shells/. */
    if (errno == ENOENT && make_directories(registry->dir) == 0 &&
        linkat(fd, "", registry->dir, path, AT_EMPTY_PATH) == 0)
        return 0;
    return -errno;
}

/* Makes the claim's record, locked and filled before it can be seen. */
static int make_record(struct registry *registry, const char *record, size_t length,
                       struct registry_claim *claim, struct chaos_error *err)
{
    cleanup_close int fd = open_nameless(registry->dir);
    int rc;

    if (fd < 0 && errno == ENOENT && make_directories(registry->dir) == 0) /* the first of all */
        fd = open_nameless(registry->dir);
    if (fd < 0)
        return failed(err, errno, "make", "a record in the state directory");
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return failed(err, errno, "lock", "its record");
    rc = write_all(fd, record, length);
    if (rc < 0)
        return failed(err, -rc, "write", "its record");
    rc = link_record(registry, fd, claim);
    if (rc < 0)
        return rc == -EEXIST ? name_taken(err, claim->name)
                             : failed(err, -rc, "make", "its record");
    claim->fd = take_fd(&fd);
    return 0;
}

int registry_claim_shell(struct registry *registry, const char *uuid, const char *record,
                         size_t length, struct registry_claim *claim, struct chaos_error *err)
{
    *claim = (struct registry_claim){.fd = -1, .folder = REGISTRY_SHELLS};
    snprintf(claim->name, sizeof(claim->name), "%s", uuid);
    return make_record(registry, record, length, claim, err);
}

bool registry_still_there(int dir, const char *path, int fd)
{
    struct stat ours, theirs;

    if (fstat(fd, &ours) < 0 || fstatat(dir, path, &theirs, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return ours.st_ino == theirs.st_ino;
}

/* A note that nobody holds. -EAGAIN: it is gone. */
static int take_suspended(struct registry *registry, struct registry_claim *claim,
                          struct chaos_error *err)
{
    char path[ENTRY_MAX];
    cleanup_close int fd =
        openat(registry->dir, claim_entry(path, claim), O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "another process is saving it at this moment");
    if (fd < 0 || !registry_still_there(registry->dir, path, fd))
        return failed(err, EAGAIN, "take", "the note of who saved it last");
    claim->fd = take_fd(&fd);
    return 0;
}

static int try_suspended(struct registry *registry, const char *record, size_t length,
                         struct registry_claim *claim, struct chaos_error *err)
{
    int rc;

    if (mkdirat(registry->dir, "suspended", 0700) < 0 && errno != EEXIST)
        return failed(err, errno, "make", "a folder in the state directory");
    rc = make_record(registry, record, length, claim, err);
    return rc == -EEXIST ? take_suspended(registry, claim, err) : rc;
}

int registry_claim_suspended(struct registry *registry, const char *uuid, const char *record,
                             size_t length, struct registry_claim *claim, struct chaos_error *err)
{
    int tries, rc = -EAGAIN;

    *claim = (struct registry_claim){.fd = -1, .folder = REGISTRY_SUSPENDED};
    snprintf(claim->name, sizeof(claim->name), "%s", uuid);
    /* Others take their notes away, and the folder after the last one, while we look (-ENOENT). */
    for (tries = 0; (rc == -EAGAIN || rc == -ENOENT) && tries < SUSPENDED_TRIES; tries++)
        rc = try_suspended(registry, record, length, claim, err);
    return rc;
}

bool registry_has_shell(struct registry *registry, const char *uuid)
{
    char path[ENTRY_MAX];

    return faccessat(registry->dir, entry(path, "shells", uuid), F_OK, 0) == 0;
}

int registry_check_name(struct registry *registry, const char *name, struct chaos_error *err)
{
    char path[ENTRY_MAX];

    if (faccessat(registry->dir, entry(path, "domains", name), F_OK, 0) == 0)
        return name_taken(err, name);
    return 0;
}

int registry_commit_shell(struct registry *registry, struct registry_claim *claim, const char *name,
                          struct chaos_error *err)
{
    char from[ENTRY_MAX], to[ENTRY_MAX];

    claim_entry(from, claim);
    entry(to, "domains", name);
    if (renameat2(registry->dir, from, registry->dir, to, RENAME_NOREPLACE) < 0)
        return errno == EEXIST ? name_taken(err, name) : failed(err, errno, "write", "its record");
    claim->folder = REGISTRY_DOMAINS;
    snprintf(claim->name, sizeof(claim->name), "%s", name);
    return 0;
}

int registry_claim(struct registry *registry, const char *name, const char *record, size_t length,
                   struct registry_claim *claim, struct chaos_error *err)
{
    int rc;

    *claim = (struct registry_claim)REGISTRY_CLAIM_NONE;
    snprintf(claim->name, sizeof(claim->name), "%s", name);
    rc = make_record(registry, record, length, claim, err);
    if (rc < 0)
        return rc;
    rc = registry_check_name(registry, name, err);
    if (rc < 0)
        registry_drop(registry, claim, 0);
    return rc;
}

/* Opens and locks a domain's record; -1 if there is none, or no longer. */
static int lock_record(struct registry *registry, const char *path)
{
    cleanup_close int fd = openat(registry->dir, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || flock(fd, LOCK_EX) < 0 || !registry_still_there(registry->dir, path, fd))
        return -1;
    return take_fd(&fd);
}

static int no_such_domain(struct chaos_error *err, const char *name)
{
    return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND,
                           "there is no domain \"%s\" (any more)", name);
}

int registry_take(struct registry *registry, const char *name, struct registry_claim *claim,
                  struct chaos_error *err)
{
    char from[ENTRY_MAX], to[ENTRY_MAX];
    cleanup_close int fd = -1;
    int tries;

    *claim = (struct registry_claim)REGISTRY_CLAIM_NONE;
    snprintf(claim->name, sizeof(claim->name), "%s", name);
    entry(from, "domains", name);
    entry(to, "pending", name);
    fd = lock_record(registry, from);
    if (fd < 0)
        return no_such_domain(err, name);
    /* A create that is about to find out that the name is taken may stand in the way. */
    for (tries = 0; renameat2(registry->dir, from, registry->dir, to, RENAME_NOREPLACE) < 0;
         tries++) {
        if (errno != EEXIST || tries == TAKE_TRIES)
            return failed(err, errno, "take the record of", name);
        usleep(1000);
    }
    claim->fd = take_fd(&fd);
    return 0;
}

static int index_id(struct registry *registry, uint32_t domid, const char *name)
{
    char id[ENTRY_MAX], target[ENTRY_MAX + 3] = "../";

    entry(target + 3, "domains", name);
    id_entry(id, domid);
    if (symlinkat(target, registry->dir, id) == 0)
        return 0;
    if (errno != EEXIST || unlinkat(registry->dir, id, 0) < 0 ||
        symlinkat(target, registry->dir, id) < 0)
        return -errno;
    return 0;
}

int registry_index(struct registry *registry, const struct registry_claim *claim, uint32_t domid)
{
    return index_id(registry, domid, claim->name);
}

int registry_rename(struct registry *registry, const char *from, const char *to, uint32_t domid,
                    struct chaos_error *err)
{
    char old[ENTRY_MAX], new[ENTRY_MAX], pending[ENTRY_MAX];
    cleanup_close int fd = lock_record(registry, entry(old, "domains", from));
    int rc;

    if (fd < 0)
        return no_such_domain(err, from);
    /* A create that takes the name after this look fails in its commit. */
    if (faccessat(registry->dir, entry(pending, "pending", to), F_OK, 0) == 0)
        return name_taken(err, to);
    if (renameat2(registry->dir, old, registry->dir, entry(new, "domains", to), RENAME_NOREPLACE) <
        0)
        return errno == EEXIST ? name_taken(err, to) : failed(err, errno, "rename", from);
    rc = index_id(registry, domid, to);
    return rc < 0 ? failed(err, -rc, "write", "the index of domain ids") : 0;
}

int registry_write(struct registry_claim *claim, const char *record, size_t length,
                   struct chaos_error *err)
{
    int rc = write_all(claim->fd, record, length);

    return rc < 0 ? failed(err, -rc, "write", "its record") : 0;
}

int registry_commit(struct registry *registry, struct registry_claim *claim, uint32_t domid,
                    struct chaos_error *err)
{
    char from[ENTRY_MAX], to[ENTRY_MAX];
    int rc;

    entry(from, "pending", claim->name);
    entry(to, "domains", claim->name);
    /* The index first: it dangles until the record is there, and is checked against it. */
    rc = index_id(registry, domid, claim->name);
    if (rc < 0)
        return failed(err, -rc, "write", "the index of domain ids");
    if (renameat2(registry->dir, from, registry->dir, to, RENAME_NOREPLACE) < 0)
        return errno == EEXIST ? name_taken(err, claim->name)
                               : failed(err, errno, "write", "its record");
    registry_release(claim);
    return 0;
}

void registry_drop(struct registry *registry, struct registry_claim *claim, uint32_t domid)
{
    char path[ENTRY_MAX];

    if (claim->fd < 0)
        return;
    if (domid != 0)
        unlinkat(registry->dir, id_entry(path, domid), 0);
    unlinkat(registry->dir, claim_entry(path, claim), 0);
    if (claim->folder == REGISTRY_SUSPENDED) /* was it the last one? */
        unlinkat(registry->dir, "suspended", AT_REMOVEDIR);
    registry_release(claim);
}

static int out_of_memory(struct chaos_error *err)
{
    return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
}

/* Of any size: it is asked for. */
static int read_large(int fd, char **text, size_t *length, struct chaos_error *err)
{
    cleanup_free char *buffer = NULL;
    struct stat st;
    size_t done = 0;
    ssize_t r;

    if (fstat(fd, &st) < 0)
        return failed(err, errno, "read", "a record");
    if (st.st_size < 0 || st.st_size > REGISTRY_RECORD_MAX)
        return failed(err, EFBIG, "read", "a record");
    buffer = malloc((size_t)st.st_size + 1);
    if (!buffer)
        return out_of_memory(err);
    while (done < (size_t)st.st_size) {
        r = pread(fd, buffer + done, (size_t)st.st_size - done, (off_t)done);
        if (r < 0 && errno != EINTR)
            return failed(err, errno, "read", "a record");
        if (r == 0)
            break;
        done += r > 0 ? (size_t)r : 0;
    }
    buffer[done] = '\0';
    *length = done;
    *text = buffer;
    buffer = NULL;
    return 0;
}

/* Most fit in here, and are read with one call. */
static int read_fd(int fd, char **text, size_t *length, struct chaos_error *err)
{
    char usual[RECORD_USUAL];
    const ssize_t r = pread(fd, usual, sizeof(usual), 0);

    if (r < 0 || (size_t)r == sizeof(usual))
        return read_large(fd, text, length, err);
    *text = malloc((size_t)r + 1);
    if (!*text)
        return out_of_memory(err);
    memcpy(*text, usual, (size_t)r);
    (*text)[r] = '\0';
    *length = (size_t)r;
    return 0;
}

int registry_read(struct registry *registry, const char *name, char **text, size_t *length,
                  struct chaos_error *err)
{
    cleanup_close int fd = -1;
    char path[ENTRY_MAX];

    fd = openat(registry->dir, entry(path, "domains", name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0)
        return failed(err, errno, "open the record of", name);
    return read_fd(fd, text, length, err);
}

int registry_read_claim(const struct registry_claim *claim, char **text, size_t *length,
                        struct chaos_error *err)
{
    return read_fd(claim->fd, text, length, err);
}

int registry_name_of(struct registry *registry, uint32_t domid, char name[CHAOS_NAME_MAX + 1])
{
    static const char prefix[] = "../domains/";
    char path[ENTRY_MAX], target[ENTRY_MAX + 3];
    ssize_t length;

    length = readlinkat(registry->dir, id_entry(path, domid), target, sizeof(target) - 1);
    if (length < 0)
        return -ENOENT;
    target[length] = '\0';
    if (strncmp(target, prefix, sizeof(prefix) - 1) != 0 ||
        strlen(target) - (sizeof(prefix) - 1) > CHAOS_NAME_MAX)
        return -ENOENT;
    strcpy(name, target + sizeof(prefix) - 1);
    return 0;
}
