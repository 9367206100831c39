/* SPDX-License-Identifier: BSD-3-Clause */
/* One chaosd a state directory, and its socket. */
#ifndef CHAOSD_INSTANCE_H
#define CHAOSD_INSTANCE_H

#include <chaos/error.h>

/*
 * Locks DIR/chaosd.pid, which lasts until our death, and writes our pid into it. -EEXIST: another
 * one has it; err tells its pid. Returns a descriptor.
 */
int instance_lock(const char *dir, struct chaos_error *err);

/* A listening socket: the one that the service manager passed, or one made at path, NULL: in dir.
 */
int instance_socket(const char *dir, const char *path, struct chaos_error *err);

#endif
