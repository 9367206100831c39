/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving a guest to another host: who says what, and who may run the guest when. At every instant
 * at most one side runs it; docs/migration.md has the reasons. Blocking: each migration has a
 * thread of its own.
 *
 *   source                                  target
 *   [sending]
 *   HELLO: token, what the guest is  ----->
 *                                    <----- READY: domain and devices are made, and what streams
 *                                           it reads; or REFUSE and why      [loading]
 *   DATA ... DATA_END                ----->
 *                                    <----- LOADED            [loaded]
 *   [committing]  GO                 ----->                   [starting]
 *                                    <----- RUNNING           [running]
 *   the guest is destroyed, DONE     ----->                   journal entry removed
 *   journal entry removed            <----- DONE
 *
 * In brackets what is in the journal by then. The source takes the guest up again on any failure
 * before "committing"; after it only when the target says that it has no copy. The target never
 * starts its copy without GO; before GO it may drop it at any time. What is not in its journal it
 * does not have.
 */
#ifndef CHAOS_MIGRATE_H
#define CHAOS_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/domain.h>
#include <chaos/error.h>

#include "migrate_journal.h"
#include "peer.h"
#include "stream.h"

#define MIGRATE_VERSION 1

/* What the target must know before anything is sent; valid while `prepare` runs. */
struct migrate_offer {
    const char *config; /* of the guest, as its record has it */
    size_t config_length;
    uint16_t xen_major, xen_minor;
    uint32_t hw_caps[8];
    uint32_t silence_ms; /* that the guest may take to suspend itself, in which nothing is sent */
    uint32_t features;   /* of the stream; not offered, but asked of a target before it gets one */
};
#define MIGRATE_SILENCE_MAX 86400000u

/* The source's guest. Each fills err unless it returns 0. */
struct migrate_source_ops {
    /* Writes the guest as a checkpoint stream; has it suspended before the end of it. */
    int (*send)(void *guest, stream_write *write, void *opaque, struct chaos_error *err);
    /* Lets it go on here, whether it was suspended already or not. -ESRCH: it is no more. */
    int (*resume)(void *guest, struct chaos_error *err);
    /* No error if it is no more. */
    int (*destroy)(void *guest, struct chaos_error *err);
    /* Another connection to the target, after the first one broke. */
    int (*reconnect)(void *guest, struct peer **peer, struct chaos_error *err);
};

struct migrate_source {
    struct migrate_journal *journal;
    struct migrate_note *note; /* all but role and phase is the caller's; kept as the journal's */
    const struct migrate_source_ops *ops;
    void *guest;
    struct chaos_timing *timing; /* begun by the caller; NULL: nobody wants it */
    bool forced; /* an operator says that a target that cannot be asked is lost for good */
};

/* What the other side has still to hear it may never hear: so long that is tried, by the note. */
#define MIGRATE_OWED_S (24 * 3600)

/*
 * Moves a guest. 0: it runs at the target, and here it is no more. -EINPROGRESS: it is paused here,
 * since the target could not be asked whether it has it; or it has it, and what is here could not
 * be destroyed; or it has not, and what is here could not be let go on. Any other failure: it goes
 * on here. In each case there may be a note left in the journal: then migrate_resolve, later, again
 * and again. The peer remains the caller's.
 */
int migrate_send(const struct migrate_source *source, struct peer *peer,
                 const struct migrate_offer *offer, struct chaos_error *err);

/*
 * Ends a migration of which the journal tells: after a restart, or again later. 0: the guest is the
 * target's. -EINPROGRESS and other failures as of migrate_send; -EAGAIN: where it is is known, and
 * the target is still to be told; -ESRCH: there is nothing to be ended (any more). Forced, a guest
 * goes on here if the target cannot be asked, and the target need not be told: first of a copy that
 * is to be dropped, then of nothing.
 */
int migrate_resolve(const struct migrate_source *source, struct chaos_error *err);

/* The target's guest to be. */
struct migrate_target_ops {
    /* Makes domain and devices, and puts domid and uuid into the note; or says why it cannot. */
    int (*prepare)(void *guest, const struct migrate_offer *offer, struct migrate_note *note,
                   struct chaos_error *err);
    /* Reads the stream to its end; the guest could run now. */
    int (*load)(void *guest, stream_read *read, void *opaque, struct chaos_error *err);
    /* Lets it run; to be called again when somebody died in it. -ESRCH: it is no more. */
    int (*start)(void *guest, struct chaos_error *err);
    /* Nothing is left of it; no error if there was nothing. */
    int (*drop)(void *guest, struct chaos_error *err);
};

/*
 * How a target's ops are got: for a guest that is offered (phase MIGRATE_LOADING, domid 0), which
 * may be refused here, or for a migration that is in the journal. release frees *guest.
 */
struct migrate_target {
    struct migrate_journal *journal;
    const struct migrate_target_ops *ops;
    int (*open)(void *opaque, const struct migrate_note *note, void **guest,
                struct chaos_error *err);
    void (*release)(void *opaque, void *guest);
    void *opaque;
};

/*
 * Serves one connection of a source, from its first byte to its last. 0: the guest was taken over;
 * or there was only a question. Failures leave nothing here, but for a guest that was loaded and
 * waits, paused, for the source's decision. from: who that is, for the journal.
 */
int migrate_serve(struct peer *peer, const struct migrate_target *target, const char *from,
                  struct chaos_error *err);

/* Drops a guest that was loaded and waits, since an operator says so. */
int migrate_discard(const struct migrate_target *target, const struct migrate_note *note,
                    struct chaos_error *err);

/*
 * The other way round, since an operator says that the source is lost for good: starts a guest that
 * was loaded and waits; forgets the migration of one that runs.
 */
int migrate_take_over(const struct migrate_target *target, const struct migrate_note *note,
                      struct chaos_error *err);

/* After a restart, for each note of a target: drops what was loading, starts what was to run. */
int migrate_recover(const struct migrate_target *target, const struct migrate_note *note,
                    struct chaos_error *err);

#endif
