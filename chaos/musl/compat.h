/* SPDX-License-Identifier: BSD-3-Clause */
/* Put before each file that is compiled against musl: what it lacks of glibc's interface. */
#ifndef CHAOS_MUSL_COMPAT_H
#define CHAOS_MUSL_COMPAT_H

#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1

static inline int renameat2(int old_dir, const char *old_path, int new_dir, const char *new_path,
                            unsigned int flags)
{
    return (int)syscall(SYS_renameat2, old_dir, old_path, new_dir, new_path, flags);
}
#endif

#endif
