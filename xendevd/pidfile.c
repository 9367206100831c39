// SPDX-License-Identifier: BSD-3-Clause
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static void log_other(const char *path, int fd)
{
    char text[16] = "";
    ssize_t r = pread(fd, text, sizeof(text) - 1, 0);
    long pid = r > 0 ? strtol(text, NULL, 10) : 0;

    if (pid > 0)
        log_error("already running (pid %ld)", pid);
    else
        log_error("already starting (%s is locked)", path);
}

/* Whether path still is the file that fd has locked: its owner may have removed it just before. */
static bool is_current(const char *path, int fd)
{
    struct stat ours, current;

    return fstat(fd, &ours) == 0 && stat(path, &current) == 0 && ours.st_ino == current.st_ino &&
           ours.st_dev == current.st_dev;
}

int pidfile_lock(const char *path)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

        if (fd < 0) {
            log_error("cannot open %s: %s", path, strerror(errno));
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            if (errno == EWOULDBLOCK)
                log_other(path, fd);
            else
                log_error("cannot lock %s: %s", path, strerror(errno));
            close(fd);
            return -1;
        }
        if (is_current(path, fd)) {
            if (ftruncate(fd, 0)) /* a dead daemon's pid must not pass for ours */
                log_error("cannot empty %s: %s", path, strerror(errno));
            return fd;
        }
        close(fd);
    }
}

int pidfile_write(int fd)
{
    char text[16];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)length, 0) == length)
        return 0;
    log_error("cannot write the pid file: %s", strerror(errno));
    return -1;
}

void pidfile_remove(const char *path)
{
    unlink(path);
}
