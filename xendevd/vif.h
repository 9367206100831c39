/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done with a vif: on its bridge, up. */
#ifndef XENDEVD_VIF_H
#define XENDEVD_VIF_H

#include "bridges.h"
#include "rtnl_parse.h"

struct vif {
    uint16_t domid, id;
    char bridge[16]; /* "": on none */
};

/* identify.c: the kind of link that we look after, and what one says of itself. */
extern const char vif_kind[];
bool vif_identify(const struct rtnl_link *link, struct vif *vif);
/* Known by less: is it a vif of any kind, if it is the port of a bridge? */
bool vif_is_port(const struct rtnl_link *link);

/*
 * Does what is left to do for a link; nothing if it is no vif of ours. A failure is logged and
 * told to the module, which wakes the command that waits for the vif.
 */
void vif_handle(struct bridges *bridges, const struct rtnl_link *link);

#endif
