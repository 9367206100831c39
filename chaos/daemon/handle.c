// SPDX-License-Identifier: BSD-3-Clause
/* A handle on the hypervisor is one thread's; what is read from files is kept for all of them. */
#include "daemon.h"
#include "shell.h"

int daemon_open(const struct daemon *daemon, struct chaos **out, struct chaos_error *err)
{
    int rc = daemon->open(out, err);

    if (rc == 0)
        shell_keep_images(*out, daemon->images);
    return rc;
}
