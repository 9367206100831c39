/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which domains are ours: /run/chaos (or CHAOS_RUN_DIR; a file system that knows O_TMPFILE).
 *
 *   domains/NAME   one record (record.h) per domain
 *   ids/DOMID      symbolic link to the record; may be missing or stale
 *   macs           the next MAC address to be given to a vif (registry_macs.c)
 *   uuids          empty; byte ranges of it are locked for uuids (registry_uuids.c)
 *   pending/NAME   the record of a domain that is being made or unmade. Whoever works on it holds
 *                  its flock, so a record here that is not locked was left by a process that died.
 *   shells/UUID    the record of a shell (shell.h): half made, ready, or becoming a domain; under
 *                  its owner's flock all its life. What a process that died left here ready, a
 *                  later one may take over.
 *   restarts/NAME  second link to the record of a domain that is to be made anew (restart.h)
 *   suspended/UUID a guest that was asked to suspend itself, under the lock of who asked; the
 *                  folder is there while somebody is. What a process that died left here is to go
 *                  on, unless a migration holds it.
 *   migrations/    of guests that go to other hosts, or come from there (migrate_journal.h)
 *
 * A name is taken while it is in domains or pending; in a race the rename to domains/ decides. The
 * cost of an operation does not depend on how many domains there are.
 */
#ifndef CHAOS_REGISTRY_H
#define CHAOS_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/error.h>

#define REGISTRY_PATH       "/run/chaos"
#define REGISTRY_RECORD_MAX (64u << 10)

struct registry {
    int dir; /* -1: not open */
};

enum registry_folder { REGISTRY_PENDING, REGISTRY_SHELLS, REGISTRY_DOMAINS, REGISTRY_SUSPENDED };

/* A record in a folder and its lock; both last until commit, drop, release or our death. */
struct registry_claim {
    int fd; /* -1: none */
    enum registry_folder folder;
    char name[CHAOS_NAME_MAX + 1];
};

#define REGISTRY_CLAIM_NONE                                                                        \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* path NULL: the default. It is made if it is missing. */
int registry_open(struct registry *registry, const char *path, struct chaos_error *err);
void registry_close(struct registry *registry);

/* So many numbers of 24 bits, from *first on (modulo 2^24), that nobody got before. */
int registry_take_macs(struct registry *registry, uint32_t nr, uint32_t *first,
                       struct chaos_error *err);

/*
 * Keeps others from making a domain with this uuid, until *lock is closed or we die. -EBUSY:
 * somebody else does so.
 */
int registry_lock_uuid(struct registry *registry, const uint8_t uuid[16], int *lock,
                       struct chaos_error *err);

/* Takes a new name, with the record in it. CHAOS_EXIT_EXISTS: it is taken. claim->folder and the
 * rest are filled in; the name of a shell is its uuid. */
int registry_claim(struct registry *registry, const char *name, const char *record, size_t length,
                   struct registry_claim *claim, struct chaos_error *err);
int registry_claim_shell(struct registry *registry, const char *uuid, const char *record,
                         size_t length, struct registry_claim *claim, struct chaos_error *err);
/*
 * A shell's name is looked at when its guest is known, and taken by the commit: CHAOS_EXIT_EXISTS
 * from either. The index of ids follows by registry_index, which may be after others know of the
 * domain; the lock lasts until release.
 */
int registry_check_name(struct registry *registry, const char *name, struct chaos_error *err);
int registry_commit_shell(struct registry *registry, struct registry_claim *claim, const char *name,
                          struct chaos_error *err);
int registry_index(struct registry *registry, const struct registry_claim *claim, uint32_t domid);
/*
 * Notes that a guest is asked to suspend itself, under its uuid. A note that was left is taken
 * over; -EBUSY: somebody else has asked it.
 */
int registry_claim_suspended(struct registry *registry, const char *uuid, const char *record,
                             size_t length, struct registry_claim *claim, struct chaos_error *err);
const char *registry_folder_name(enum registry_folder folder);
bool registry_has_shell(struct registry *registry, const char *uuid);
/* Takes the record of an existing domain. CHAOS_EXIT_NOT_FOUND: there is none (any more). */
int registry_take(struct registry *registry, const char *name, struct registry_claim *claim,
                  struct chaos_error *err);
/* Overwrites the beginning of the record. */
int registry_write(struct registry_claim *claim, const char *record, size_t length,
                   struct chaos_error *err);
/* The claimed record becomes that of the running domain domid. */
int registry_commit(struct registry *registry, struct registry_claim *claim, uint32_t domid,
                    struct chaos_error *err);
/* Forgets the claimed name; domid 0: no domain was made. */
void registry_drop(struct registry *registry, struct registry_claim *claim, uint32_t domid);

/* False: the record at path was renamed, removed or replaced between the open of fd and its lock.
 */
bool registry_still_there(int dir, const char *path, int fd);

/* Leaves the claimed record to be found as abandoned. */
void registry_release(struct registry_claim *claim);

/* Reads a record and closes it with a NUL; free(*text). -ENOENT without an error text if absent. */
int registry_read(struct registry *registry, const char *name, char **text, size_t *length,
                  struct chaos_error *err);
int registry_read_claim(const struct registry_claim *claim, char **text, size_t *length,
                        struct chaos_error *err);
/* The name in the id index: to be checked against the record, it may be stale. -ENOENT: none. */
int registry_name_of(struct registry *registry, uint32_t domid, char name[CHAOS_NAME_MAX + 1]);

/* Gives a domain another name. */
int registry_rename(struct registry *registry, const char *from, const char *to, uint32_t domid,
                    struct chaos_error *err);

/*
 * Calls visit for each record in a folder whose owner died, with its lock held: visit drops,
 * releases or keeps the claim. Stops at the first failure.
 */
typedef int registry_visit(void *opaque, struct registry_claim *claim, struct chaos_error *err);
int registry_visit_abandoned(struct registry *registry, enum registry_folder folder,
                             registry_visit *visit, void *opaque, struct chaos_error *err);

/* Calls visit with the name of each record in domains/. */
typedef int registry_visit_name(void *opaque, const char *name, struct chaos_error *err);
int registry_visit_names(struct registry *registry, registry_visit_name *visit, void *opaque,
                         struct chaos_error *err);
/* The same with the uuids in shells/. */
int registry_visit_shells(struct registry *registry, registry_visit_name *visit, void *opaque,
                          struct chaos_error *err);

/* The mark of a domain that is to be made anew; one that stood there is replaced. */
int registry_mark_restart(struct registry *registry, const char *name, struct chaos_error *err);
bool registry_restart_marked(struct registry *registry, const char *name);
/* False: there was none. */
bool registry_unmark_restart(struct registry *registry, const char *name);
/* The marked record; free(*text). CHAOS_EXIT_EXISTS: the domain is there. */
int registry_read_restart(struct registry *registry, const char *name, char **text, size_t *length,
                          struct chaos_error *err);
/* Calls visit with the name of each mark, which it may remove. */
int registry_visit_restarts(struct registry *registry, registry_visit_name *visit, void *opaque,
                            struct chaos_error *err);

/* Calls visit with the name of each file in migrations/ (migrate_journal.h). */
int registry_visit_migrations(struct registry *registry, registry_visit_name *visit, void *opaque,
                              struct chaos_error *err);

/*
 * A descriptor that is readable when records come into domains/, or go from there, whoever does it.
 * -errno.
 */
int registry_watch_open(struct registry *registry);
/*
 * Tells what has happened: names that came and names that went, in order; a domain that was renamed
 * does both. -EOVERFLOW: something was missed, look at all. Otherwise 0 or -errno.
 */
typedef void registry_change(void *opaque, const char *name, bool came);
int registry_watch_read(int fd, registry_change *change, void *opaque);

#endif
