// SPDX-License-Identifier: BSD-3-Clause
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "wire.h"

#define PIDFILE         "chaosd.pid"
#define GROUP           "chaos"
#define BACKLOG         128
#define FIRST_PASSED_FD 3 /* SD_LISTEN_FDS_START */

static int failed(struct chaos_error *err, const char *what, const char *object)
{
    int error = errno;

    return chaos_error_set(
        err, -error, error == EACCES || error == EPERM ? CHAOS_EXIT_PRIVILEGE : CHAOS_EXIT_FAILURE,
        "cannot %s %s: %s", what, object, strerror(error));
}

static int already_running(int fd, const char *path, struct chaos_error *err)
{
    char text[16] = "";
    ssize_t r = pread(fd, text, sizeof(text) - 1, 0);
    long pid = r > 0 ? strtol(text, NULL, 10) : 0;

    if (pid > 0)
        return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS, "already running (pid %ld)", pid);
    return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS, "already starting (%s is locked)",
                           path);
}

/* The file stays when we end: removing it would race with the next one that locks it. */
int instance_lock(const char *dir, struct chaos_error *err)
{
    cleanup_close int fd = -1;
    char path[4096], text[16];
    int length;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return failed(err, "make the directory", dir);
    snprintf(path, sizeof(path), "%s/" PIDFILE, dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return failed(err, "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? already_running(fd, path, err) : failed(err, "lock", path);
    length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)length, 0) != length)
        return failed(err, "write", path);
    return take_fd(&fd);
}

/* What systemd passed: exactly one listening SOCK_SEQPACKET socket; -1: nothing. */
static int passed_socket(void)
{
    const char *pid = getenv("LISTEN_PID"), *nr = getenv("LISTEN_FDS");
    int type = 0, listening = 0;
    socklen_t length = sizeof(int);

    if (!pid || !nr || strtol(pid, NULL, 10) != (long)getpid() || strcmp(nr, "1") != 0)
        return -1;
    if (getsockopt(FIRST_PASSED_FD, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
        getsockopt(FIRST_PASSED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0 ||
        type != SOCK_SEQPACKET || !listening)
        return -1;
    fcntl(FIRST_PASSED_FD, F_SETFD, FD_CLOEXEC);
    fcntl(FIRST_PASSED_FD, F_SETFL, O_NONBLOCK);
    return FIRST_PASSED_FD;
}

/* root and the group may connect, from the moment that the socket is there. */
static int bind_protected(int fd, const struct sockaddr_un *address, struct chaos_error *err)
{
    const struct group *group = getgrnam(GROUP);
    const mode_t before = umask(0177);
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address));

    umask(before);
    if (r < 0)
        return failed(err, "make the socket", address->sun_path);
    if (!group)
        return 0;
    if (chown(address->sun_path, (uid_t)-1, group->gr_gid) < 0 ||
        chmod(address->sun_path, 0660) < 0)
        return failed(err, "give the group " GROUP " the socket", address->sun_path);
    return 0;
}

/* A socket that is there is a dead one's, or that of a chaosd with another state directory, which
 * may have more who wait than it lets in (EAGAIN). */
static int remove_old(int fd, const struct sockaddr_un *address, struct chaos_error *err)
{
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return chaos_error_set(err, -EADDRINUSE, CHAOS_EXIT_EXISTS,
                               "another process answers on %s already", address->sun_path);
    if (unlink(address->sun_path) < 0 && errno != ENOENT)
        return failed(err, "remove the old socket", address->sun_path);
    return 0;
}

int instance_socket(const char *dir, const char *path, struct chaos_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = passed_socket();
    int rc;

    if (fd >= 0)
        return take_fd(&fd);
    if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s%s", path ? "" : dir,
                         path ? path : "/" WIRE_SOCKET_NAME) >= sizeof(address.sun_path))
        return chaos_error_set(err, -ENAMETOOLONG, CHAOS_EXIT_USAGE,
                               "the path of the socket is longer than %zu bytes",
                               sizeof(address.sun_path) - 1);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(err, "make the socket", address.sun_path);
    rc = remove_old(fd, &address, err);
    if (rc == 0)
        rc = bind_protected(fd, &address, err);
    if (rc < 0)
        return rc;
    if (listen(fd, BACKLOG) < 0)
        return failed(err, "listen on", address.sun_path);
    return take_fd(&fd);
}
