// SPDX-License-Identifier: BSD-3-Clause
#include "checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

static int failed(struct chaos_error *err, int error, const char *what)
{
    enum chaos_exit exit = error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE
                               ? CHAOS_EXIT_RESOURCE
                               : CHAOS_EXIT_FAILURE;

    return chaos_error_set(err, -error, exit, "cannot %s: %s", what, strerror(error));
}

int checkpoint_file_check(int fd, struct chaos_error *err)
{
    const int flags = fcntl(fd, F_GETFL);
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "not a regular file");
    if (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
        return chaos_error_set(err, -EBADF, CHAOS_EXIT_USAGE, "it is not open for reading");
    return 0;
}

int checkpoint_file_read(const char *path, int *fd, struct chaos_error *err)
{
    /* Not blocking: a FIFO is to be refused, not waited for. */
    cleanup_close int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (opened < 0)
        return chaos_error_set(err, -errno,
                               errno == ENOENT ? CHAOS_EXIT_NOT_FOUND : CHAOS_EXIT_FAILURE,
                               "checkpoint \"%s\": %s", path, strerror(errno));
    if (checkpoint_file_check(opened, err) < 0)
        return chaos_error_wrap(err, "checkpoint \"%s\"", path);
    *fd = take_fd(&opened);
    return 0;
}

/* Which folder, and which name in it. */
static int open_folder(struct checkpoint_file *file, const char *path, struct chaos_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char folder[4096];
    size_t length = slash ? (size_t)(slash - path) : 0;

    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return chaos_error_set(err, -EISDIR, CHAOS_EXIT_USAGE, "it is a folder");
    if (strlen(name) >= sizeof(file->name) || length >= sizeof(folder))
        return failed(err, ENAMETOOLONG, "make it");
    memcpy(folder, path, length);
    folder[length] = '\0';
    strcpy(file->name, name);
    file->dir = open(!slash ? "." : length == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file->dir < 0 ? failed(err, errno, "open its folder") : 0;
}

/* What has the name may be replaced only if it is a file. */
static int check_old(const struct checkpoint_file *file, struct chaos_error *err)
{
    struct stat st;

    if (fstatat(file->dir, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : failed(err, errno, "look at what is there");
    if (S_ISREG(st.st_mode))
        return 0;
    return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS,
                           "it exists and is %s, which is not replaced",
                           S_ISDIR(st.st_mode)   ? "a folder"
                           : S_ISLNK(st.st_mode) ? "a symbolic link"
                                                 : "no regular file");
}

int checkpoint_file_create(struct checkpoint_file *file, const char *path, struct chaos_error *err)
{
    const int flags = O_WRONLY | O_CLOEXEC;
    int rc = open_folder(file, path, err);

    if (rc == 0)
        rc = check_old(file, err);
    if (rc < 0)
        return rc;
    snprintf(file->temporary, sizeof(file->temporary), ".%s.%d", file->name, (int)getpid());
    /* A file without a name goes with the process that writes it. */
    file->fd = openat(file->dir, ".", O_TMPFILE | flags, 0600);
    if (file->fd >= 0) {
        file->temporary[0] = '\0';
        return 0;
    }
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT)
        file->fd = openat(file->dir, file->temporary, O_CREAT | O_EXCL | flags, 0600);
    if (file->fd >= 0)
        return 0;
    file->temporary[0] = '\0';
    return failed(err, errno, "make a file in its folder");
}

static int give_name(struct checkpoint_file *file, const char *name)
{
    char self[64];

    snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, self, file->dir, name, AT_SYMLINK_FOLLOW);
}

int checkpoint_file_commit(struct checkpoint_file *file, struct chaos_error *err)
{
    if (fsync(file->fd) < 0)
        return failed(err, errno, "write it to the disk");
    if (file->temporary[0] == '\0' && give_name(file, file->name) < 0) {
        if (errno != EEXIST)
            return failed(err, errno, "give it its name");
        /* Only a rename takes the place of another file. */
        snprintf(file->temporary, sizeof(file->temporary), ".%s.%d", file->name, (int)getpid());
        unlinkat(file->dir, file->temporary, 0); /* of a process that had our number, and died */
        if (give_name(file, file->temporary) < 0) {
            file->temporary[0] = '\0';
            return failed(err, errno, "give it its name");
        }
    }
    if (file->temporary[0] != '\0') {
        if (renameat(file->dir, file->temporary, file->dir, file->name) < 0)
            return failed(err, errno, "give it its name");
        file->temporary[0] = '\0';
    }
    return fsync(file->dir) < 0 ? failed(err, errno, "write its folder to the disk") : 0;
}

void checkpoint_file_close(struct checkpoint_file *file)
{
    if (file->temporary[0] != '\0')
        unlinkat(file->dir, file->temporary, 0);
    if (file->fd >= 0)
        close(file->fd);
    if (file->dir >= 0)
        close(file->dir);
    file->fd = file->dir = -1;
    file->temporary[0] = '\0';
}
