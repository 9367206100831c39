// SPDX-License-Identifier: BSD-3-Clause
#include "follow.h"

#include <errno.h>
#include <poll.h>

#include "output.h"

int follow_on(struct chaos_client *client, int rc, struct chaos_error *err)
{
    struct pollfd ready = {.fd = chaos_client_fd(client), .events = POLLIN};

    if (rc == -ENODATA)
        return 0;
    if (rc != -EAGAIN)
        return rc;
    rc = out_flush(err);
    if (rc < 0)
        return rc;
    poll(&ready, 1, -1);
    return 1;
}
