/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guests of a migration: what migrate.h's two structs of functions do with real ones. A handle
 * (struct chaos) is used by one migration at a time.
 */
#ifndef CHAOS_GUEST_MOVE_H
#define CHAOS_GUEST_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/domain.h>
#include <chaos/error.h>

#include "migrate.h"
#include "shell.h"

/* That its disks are such as two hosts can have open: block devices, and files that it only reads.
 * Whether they are the same on both is not to be found out. */
int guest_move_check_disks(const struct chaos_config *config, struct chaos_error *err);

/*
 * Waits for what a suspended guest had them do: a write that came late would undo what the guest
 * writes on the other host, where it asks for it once more and goes on.
 */
int guest_move_wait_disks(const struct chaos_config *config, uint32_t timeout_ms,
                          struct chaos_error *err);

struct guest_source;

struct guest_source_options {
    uint32_t timeout_ms;         /* for it to suspend itself; 0: 10 s */
    bool live;                   /* send memory while it runs, before it suspends itself */
    bool compress;               /* with lz4 */
    struct chaos_timing *timing; /* begun by the caller; may be NULL */
};

/* Fails for a guest that cannot be saved, or whose disks cannot go with it. */
int guest_source_open(struct chaos *chaos, const struct chaos_domain *domain,
                      const struct guest_source_options *how, struct guest_source **out,
                      struct chaos_error *err);
/* After a restart: the guest of a note, or that there is none any more. Only to be let go on, or
 * destroyed. */
int guest_source_reopen(struct chaos *chaos, const struct migrate_note *note,
                        struct guest_source **out, struct chaos_error *err);
void guest_source_close(struct guest_source *source); /* NULL: nothing */
/* What the target must know; points into the source. */
int guest_source_offer(struct guest_source *source, struct migrate_offer *out,
                       struct chaos_error *err);

/* Members of struct migrate_source_ops; reconnect is the caller's, who knows the way. */
int guest_source_send(void *guest, stream_write *write, void *opaque, struct chaos_error *err);
int guest_source_resume(void *guest, struct chaos_error *err);
int guest_source_destroy(void *guest, struct chaos_error *err);

struct guest_target;

/* Gives the guest's configuration what this host calls otherwise; may be NULL. */
typedef void guest_adapt(void *opaque, struct chaos_config *config);

/* A guest to be (domid 0), or, after a restart, the guest of a note. */
int guest_target_open(struct chaos *chaos, const struct migrate_note *note, guest_adapt *adapt,
                      void *opaque, struct guest_target **out, struct chaos_error *err);

/*
 * Shells for guests that come, which need not be made then. take: one in which this guest can be
 * restored (flavour_misfit_restored), which nobody else uses from then on; NULL: there is none.
 * give_back: as it was taken. make_room: whether there is more memory now, for one that had to be
 * made and could not; may be NULL. All are called while the target prepares, by its thread.
 */
struct guest_target_shells {
    struct shell *(*take)(void *opaque, const struct chaos_config *config);
    void (*give_back)(void *opaque, struct shell *shell);
    bool (*make_room)(void *opaque, const struct chaos_config *config);
    void *opaque;
};
/* Before it prepares. */
void guest_target_use_shells(struct guest_target *target, const struct guest_target_shells *shells);
void guest_target_close(struct guest_target *target); /* NULL: nothing; the domain stays */

extern const struct migrate_target_ops guest_target_ops;

#endif
