/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Domains: make, find, list, change and unmake them.
 *
 * One handle is for one thread at a time; several handles, in one process or many, may be used at
 * once. A handle is not to be used in a child after fork: it opens its own. Structs that are filled
 * in hold no memory unless it is said. Sizes are in KiB, times in nanoseconds.
 */
#ifndef CHAOS_DOMAIN_H
#define CHAOS_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/error.h>

struct chaos;

/*
 * Opens the hypervisor and the state directory (/run/chaos, or what the environment variable
 * CHAOS_RUN_DIR says). CHAOS_EXIT_PRIVILEGE: not root, or not the control domain of a Xen host.
 */
int chaos_open(struct chaos **out, struct chaos_error *err);
void chaos_close(struct chaos *chaos); /* NULL: nothing */

enum chaos_shutdown {
    CHAOS_SHUTDOWN_POWEROFF,
    CHAOS_SHUTDOWN_REBOOT,
    CHAOS_SHUTDOWN_SUSPEND,
    CHAOS_SHUTDOWN_CRASH,
    CHAOS_SHUTDOWN_WATCHDOG,
    CHAOS_SHUTDOWN_SOFT_RESET
};

/* "poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset", or "unknown". */
const char *chaos_shutdown_name(enum chaos_shutdown reason);

struct chaos_domain {
    uint32_t domid;
    uint8_t uuid[16];
    char name[CHAOS_NAME_MAX + 1]; /* "": not a domain of ours */
    bool running, blocked, paused, shutdown, dying;
    bool pvh_or_hvm;
    bool shell;                 /* of chaosd's pools: no guest yet, no name */
    enum chaos_shutdown reason; /* when shutdown */
    uint64_t memory_kib, max_memory_kib;
    uint64_t cpu_ns;
    uint32_t vcpus;
};

/*
 * Finds one domain by its id (1 to 32751; 0 is the control domain), name or uuid: "web", "5",
 * "id:5", "name:web", "uuid:...". CHAOS_EXIT_NOT_FOUND, or CHAOS_EXIT_USAGE for what cannot be any.
 */
int chaos_domain_find(struct chaos *chaos, const char *which, struct chaos_domain *out,
                      struct chaos_error *err);

/* All domains of the host, by id; free(*list). Forgets records of domains that are gone. */
int chaos_domain_list(struct chaos *chaos, struct chaos_domain **list, size_t *nr,
                      struct chaos_error *err);

#define CHAOS_TIMING_MAX 16

/* Where the time of a create went, in order. CLOCK_MONOTONIC. */
struct chaos_timing {
    uint64_t start_ns;
    unsigned int nr;
    struct {
        const char *name;
        uint64_t end_ns; /* it began at the end of the one before it */
    } step[CHAOS_TIMING_MAX];
};

struct chaos_create_options {
    bool paused;                 /* do not let it run yet */
    struct chaos_timing *timing; /* may be NULL */
};

/*
 * Makes a domain and lets it run; returns when it does, not when its guest has booted. All or
 * nothing: on failure nothing of it is left. A uuid and MAC addresses that the configuration does
 * not give are chosen. options may be NULL.
 */
int chaos_domain_create(struct chaos *chaos, const struct chaos_config *config,
                        const struct chaos_create_options *options, struct chaos_domain *out,
                        struct chaos_error *err);

/*
 * Unmakes a domain at once. One that is not ours is refused unless force: its toolstack would not
 * know.
 */
int chaos_domain_destroy(struct chaos *chaos, const struct chaos_domain *domain, bool force,
                         struct chaos_error *err);

int chaos_domain_pause(struct chaos *chaos, const struct chaos_domain *domain,
                       struct chaos_error *err);
int chaos_domain_unpause(struct chaos *chaos, const struct chaos_domain *domain,
                         struct chaos_error *err);

/* Asks the guest to shut down (POWEROFF or REBOOT); returns at once. */
int chaos_domain_request(struct chaos *chaos, const struct chaos_domain *domain,
                         enum chaos_shutdown request, struct chaos_error *err);

/*
 * Waits until the domain has shut down or is gone (then domain->dying is set); refreshes *domain.
 * timeout_ms UINT32_MAX: for ever. CHAOS_EXIT_TIMEOUT: it did not.
 */
int chaos_domain_wait(struct chaos *chaos, struct chaos_domain *domain, uint32_t timeout_ms,
                      struct chaos_error *err);

/* The configuration that it was created from, with the uuid and MACs chosen; chaos_config_free. */
int chaos_domain_config(struct chaos *chaos, const struct chaos_domain *domain,
                        struct chaos_config *out, struct chaos_error *err);

/*
 * Calls off the restart of a guest which chaosd, or one that died, has unmade and not yet made
 * anew. False: none is under way.
 */
bool chaos_domain_call_off_restart(struct chaos *chaos, const char *name);

int chaos_domain_rename(struct chaos *chaos, const struct chaos_domain *domain, const char *name,
                        struct chaos_error *err);

/* How long the guest took: from the domain's making to its word that it is up. */
struct chaos_domain_times {
    bool known;        /* this Xen keeps them */
    uint64_t age_ns;   /* since it was made */
    uint64_t ready_ns; /* from then to ready; 0: not yet */
    uint32_t devices;  /* in its device page */
    uint32_t device_generation;
};
int chaos_domain_times(struct chaos *chaos, const struct chaos_domain *domain,
                       struct chaos_domain_times *out, struct chaos_error *err);

/* 36 characters and a NUL */
void chaos_uuid_format(const uint8_t uuid[16], char text[37]);

#endif
