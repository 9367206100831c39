// SPDX-License-Identifier: BSD-3-Clause
/* A vif is known by its link kind and its attributes. The tests, which can make no link of that
 * kind, have another identify.c. */
#include <string.h>

#include "noxs_ioctl.h"
#include "vif.h"

const char vif_kind[] = NOXS_VIF_KIND;

bool vif_identify(const struct rtnl_link *link, struct vif *vif)
{
    if (strcmp(link->kind, vif_kind) != 0 || !link->has_domid || !link->has_id)
        return false;
    vif->domid = link->domid;
    vif->id = link->id;
    memcpy(vif->bridge, link->bridge, sizeof(vif->bridge));
    return true;
}

/* The address that our back-end and Xen's both give theirs. */
bool vif_is_port(const struct rtnl_link *link)
{
    static const unsigned char address[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};

    return memcmp(link->address, address, sizeof(address)) == 0;
}
