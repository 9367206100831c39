/* SPDX-License-Identifier: BSD-3-Clause */
/* The lock that keeps a second daemon from starting, and tells that the first is ready. */
#ifndef XENDEVD_PIDFILE_H
#define XENDEVD_PIDFILE_H

/* Locks path. A descriptor, or -1 after logging why not. */
int pidfile_lock(const char *path);

/* Writes our pid: from now on we are ready. */
int pidfile_write(int fd);

void pidfile_remove(const char *path);

#endif
