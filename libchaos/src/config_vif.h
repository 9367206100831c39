/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAOS_CONFIG_VIF_H
#define CHAOS_CONFIG_VIF_H

#include "config_report.h"

/* Parses one vif specification; index is its place in the list and its default id. false: the
 * report says why. */
bool config_vif_parse(struct config_report *report, struct config_place place, unsigned int index,
                      const char *spec, struct chaos_vif_config *vif);

#endif
