/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting the guest of a checkpoint into a domain that has memory and devices but no guest yet. */
#ifndef CHAOS_RESTORE_H
#define CHAOS_RESTORE_H

#include <stddef.h>

#include <chaos/checkpoint.h>

#include "checkpoint_reader.h"
#include "create.h"

struct restore {
    struct creation creation;
    struct checkpoint_reader *reader;
    const struct checkpoint_domain *domain; /* what the guest was; before the reader, perhaps */
    bool moved;        /* from another host, and no more there: it keeps its MAC addresses */
    bool clear_unused; /* as if they were zero: pages that the guest did not use */
    bool told_unused;  /* the guest is one of those that tell which they are */
    const struct chaos_restore_options *options; /* or NULL */

    struct hv_mmu_op *pins;
    size_t nr_pins, room_pins;
    uint64_t start_info_frame;
};

static inline struct restore *restore_of(struct creation *c)
{
    return (struct restore *)((char *)c - offsetof(struct restore, creation));
}

/*
 * Whether this host can have it, and its identity; what its pages come to; its devices. In a shell
 * other steps come before that: those that find that it cannot be, and those that use the shell up.
 */
extern const struct phase restore_inputs, restore_shell_inputs, restore_shell_use_up, restore_fill,
    restore_hotplug;

/*
 * Makes a guest of a checkpoint that was read as far as its domain; config is the checkpoint's,
 * with what is asked for. An own uuid is chosen where it has none, or one that is taken, unless
 * options->overrides give it. options and out may be NULL.
 */
int restore_cold(struct chaos *chaos, struct checkpoint_reader *reader,
                 const struct chaos_config *config, const struct chaos_restore_options *options,
                 struct chaos_domain *out, struct chaos_error *err);
/* The same in a shell; *intact as in shell_execute. */
int restore_in_shell(struct chaos *chaos, struct shell *shell, struct checkpoint_reader *reader,
                     const struct chaos_config *config, const struct chaos_restore_options *options,
                     struct chaos_domain *out, bool *intact, struct chaos_error *err);

/* Steps; restore_inputs.c */
int restore_check(struct creation *c, struct chaos_error *err);
int restore_choose_identity(struct creation *c, struct chaos_error *err);

/* PAGES and DATA; restore_pages.c */
int restore_window(struct restore *restore, struct chaos_error *err);
int restore_data(struct restore *restore, const struct checkpoint_item *item,
                 struct chaos_error *err);
/* After the last write to its memory: page tables become page tables. */
int restore_pin(struct restore *restore, struct chaos_error *err);
void restore_pages_release(struct restore *restore);

/* GUEST and VCPU; restore_guest.c */
int restore_guest(struct restore *restore, const struct checkpoint_item *item,
                  struct chaos_error *err);
int restore_vcpu(struct restore *restore, const struct checkpoint_item *item,
                 struct chaos_error *err);

#endif
