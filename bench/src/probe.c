/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of probes. */
#include "probe.h"

#include <stddef.h>
#include <string.h>

const struct probe probe_none = {.name = "none"};

static const struct probe *const probes[] = {&probe_none, &probe_ready, &probe_ping, &probe_stamp,
                                             &probe_udp};

const struct probe *probe_find(const char *name)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        if (!strcmp(probes[i]->name, name))
            return probes[i];
    return NULL;
}
