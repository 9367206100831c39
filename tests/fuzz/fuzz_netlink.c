// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rtnl_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_link(void *opaque, const struct rtnl_link *link)
{
    (void)opaque;
    if (strnlen(link->ifname, sizeof(link->ifname)) == sizeof(link->ifname) ||
        strnlen(link->kind, sizeof(link->kind)) == sizeof(link->kind) ||
        strnlen(link->bridge, sizeof(link->bridge)) == sizeof(link->bridge))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtnl_reader reader = {.link = check_link, .left = check_link};
    int rc = rtnl_parse(&reader, data, size);

    if ((rc && rc != -EBADMSG) || reader.error < 0)
        abort();
    return 0;
}
