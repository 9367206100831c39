// SPDX-License-Identifier: BSD-3-Clause
/* For the tests: a veth link called vifDOMID.ID-BRIDGE stands for a vif, since only the module can
 * make links of its kind. */
#include <stdio.h>
#include <string.h>

#include "vif.h"

const char vif_kind[] = "veth";

bool vif_identify(const struct rtnl_link *link, struct vif *vif)
{
    unsigned int domid, id;
    int end = 0;

    if (strcmp(link->kind, vif_kind) != 0 ||
        sscanf(link->ifname, "vif%u.%u-%n", &domid, &id, &end) < 2 || end == 0)
        return false;
    vif->domid = (uint16_t)domid;
    vif->id = (uint16_t)id;
    strcpy(vif->bridge, link->ifname + end);
    return true;
}

bool vif_is_port(const struct rtnl_link *link)
{
    return strncmp(link->ifname, "vif", 3) == 0;
}
