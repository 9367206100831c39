/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef XENDEVD_BRIDGES_SCAN_H
#define XENDEVD_BRIDGES_SCAN_H

#include "bridges.h"

/* An entry more, of zeros; NULL: no memory. Entries move. */
struct bridge *bridges_append(struct bridges *b);

/* The vif is on that bridge, and on no other. 0 or -ENOMEM. */
int bridges_note(struct bridges *b, int vif, struct bridge *bridge);

#endif
