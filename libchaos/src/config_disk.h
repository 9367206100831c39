/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAOS_CONFIG_DISK_H
#define CHAOS_CONFIG_DISK_H

#include "config_report.h"

/* Parses one disk specification; index is its place in the list. false: the report says why, or
 * memory was short (then *out_of_memory). disk->target is the caller's to free. */
bool config_disk_parse(struct config_report *report, struct config_place place, unsigned int index,
                       const char *spec, struct chaos_disk_config *disk, bool *out_of_memory);

#endif
