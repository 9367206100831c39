/* SPDX-License-Identifier: BSD-3-Clause */
/* The host: what it is, and whether it has what guests need. */
#ifndef CHAOS_HOST_H
#define CHAOS_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/domain.h>
#include <chaos/error.h>

struct chaos_host {
    uint32_t xen_major, xen_minor;
    char xen_extra[16], xen_caps[1024], xen_changeset[64], xen_commandline[1024];
    char compiler[64], compile_date[32];
    uint32_t page_size;
    uint32_t cpus, nodes, cores_per_socket, threads_per_core, cpu_khz;
    uint32_t hw_caps[8];
    uint64_t total_kib, free_kib;
    uint32_t noxs_version; /* 0: this Xen has no device pages */
};

int chaos_host_info(struct chaos *chaos, struct chaos_host *out, struct chaos_error *err);

/*
 * Where a configuration gives no bus: what the environment variable CHAOS_BUS says, else noxs, or
 * XenStore on a host that has only that. True in the last case. Creating a domain does this, too.
 */
bool chaos_config_choose_bus(struct chaos_config *config);

enum chaos_finding_state {
    CHAOS_FINDING_GOOD,
    CHAOS_FINDING_ABSENT, /* not to be had here, and not needed: the other bus is there */
    CHAOS_FINDING_BAD
};

/* Called with each finding: what was looked at, how it is, and what there is or to do. */
typedef void chaos_finding(void *opaque, const char *subject, enum chaos_finding_state state,
                           const char *text);

/*
 * Looks at everything that a create needs, also where chaos_open fails. True if all is well. Opens
 * its own handles.
 */
bool chaos_doctor(chaos_finding *finding, void *opaque);

#endif
