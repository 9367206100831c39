/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checkpoints: a guest's state in a file, from which it goes on later, here or elsewhere, once or
 * several times. Rules for handles as in domain.h.
 */
#ifndef CHAOS_CHECKPOINT_H
#define CHAOS_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/domain.h>
#include <chaos/error.h>

/* What is in a checkpoint. */
struct chaos_checkpoint {
    char name[CHAOS_NAME_MAX + 1];
    uint8_t uuid[16];
    uint32_t memory_mib, vcpus;
    uint32_t xen_major, xen_minor; /* that it was saved on */
    uint32_t records;
    uint64_t pages;        /* of the guest */
    uint64_t stored_pages; /* neither zero nor the same as another */
    uint64_t bytes;        /* all of it */
    bool compressed;       /* with lz4, where that is shorter */
};

/*
 * Checks a file from the first byte to the last as a restore would; needs no hypervisor. A flaw is
 * told with its offset (CHAOS_EXIT_CONFIG).
 */
int chaos_checkpoint_verify(const char *path, struct chaos_checkpoint *out,
                            struct chaos_error *err);

enum chaos_save_after {
    CHAOS_SAVE_DESTROY, /* the guest is in the file only */
    CHAOS_SAVE_CONTINUE,
    CHAOS_SAVE_PAUSE
};

struct chaos_save_options {
    enum chaos_save_after after;
    uint32_t timeout_ms; /* for the guest to suspend itself; 0: 10 s */
    bool compress;       /* with lz4: a smaller file, which takes longer to write and to restore */
    struct chaos_timing *timing;
};

/*
 * Asks the guest to suspend itself and writes it to path (0600), which it replaces only when all is
 * written. On failure the guest goes on and a file that was there is as it was.
 * CHAOS_EXIT_TIMEOUT: the guest did not do as it was asked. options and out may be NULL.
 */
int chaos_domain_save(struct chaos *chaos, const struct chaos_domain *domain, const char *path,
                      const struct chaos_save_options *options, struct chaos_checkpoint *out,
                      struct chaos_error *err);

struct chaos_restore_options {
    bool paused;
    const char *const *overrides; /* "key=value", as for create: name, vif, ... */
    size_t nr_overrides;
    struct chaos_timing *timing;
};

/*
 * Makes a domain of a checkpoint and lets it go on; all or nothing. It keeps its uuid unless a
 * domain has it: then it gets a new one, and new MAC addresses where overrides give none. options
 * may be NULL.
 */
int chaos_domain_restore(struct chaos *chaos, const char *path,
                         const struct chaos_restore_options *options, struct chaos_domain *out,
                         struct chaos_error *err);

#endif
