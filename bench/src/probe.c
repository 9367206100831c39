/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of probes. */
#include "probe.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const struct probe probe_none = {.name = "none"};

static const struct probe *const probes[] = {&probe_none, &probe_ready, &probe_ping, &probe_stamp,
                                             &probe_udp};

#define NR (sizeof(probes) / sizeof(probes[0]))

static bool is_open[NR];

const struct probe *probe_open(const char *name)
{
    for (size_t i = 0; i < NR; i++) {
        if (strcmp(probes[i]->name, name))
            continue;
        if (!is_open[i] && probes[i]->open && probes[i]->open())
            return NULL;
        is_open[i] = true;
        return probes[i];
    }
    fprintf(stderr, "no probe '%s'\n", name);
    return NULL;
}
