/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What has to survive the death of a daemon in the midst of a migration: one file a migration and
 * side, migrations/TOKEN.source or .target in the state directory. It goes with the host's reboot,
 * as the guests do.
 */
#ifndef CHAOS_MIGRATE_JOURNAL_H
#define CHAOS_MIGRATE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/error.h>

#define MIGRATE_TOKEN    16
#define MIGRATE_PEER_MAX 255

enum migrate_role { MIGRATE_SOURCE, MIGRATE_TARGET };

enum migrate_phase {
    MIGRATE_SENDING,    /* source: the guest is its own */
    MIGRATE_COMMITTING, /* source: the target may have it */
    MIGRATE_STAYED,     /* source: its own again, which the target may not know */
    MIGRATE_LEFT,       /* source: the target's, which may not know that it is gone here */
    MIGRATE_LOADING,    /* target: nothing that counts */
    MIGRATE_LOADED,     /* target: paused, for the source to decide */
    MIGRATE_STARTING,   /* target: about to be its own */
    MIGRATE_RUNNING     /* target: its own, which the source may not know */
};

struct migrate_note {
    uint8_t token[MIGRATE_TOKEN];
    enum migrate_role role;
    enum migrate_phase phase;
    char name[CHAOS_NAME_MAX + 1];
    /* This side's domain. A name may become another's, an id and a uuid together do not. */
    uint32_t domid; /* 0: a target that has not made it yet */
    uint8_t uuid[16];
    char peer[MIGRATE_PEER_MAX + 1]; /* source: where the target is, to ask it; target: who came */
    int64_t written_s;               /* CLOCK_REALTIME: when its phase became this; as it is read */
};

/* Of both roles. One that is held against the source's return is a file for ever. */
#define MIGRATE_NOTES_MAX 1024

/* A struct of functions, so that a test can die in them. */
struct migrate_journal;

struct migrate_journal_ops {
    /* Writes the note in place of the last one with its token and role, in one piece. */
    int (*write)(struct migrate_journal *journal, const struct migrate_note *note,
                 struct chaos_error *err);
    void (*remove)(struct migrate_journal *journal, const struct migrate_note *note);
    /* -ENOENT: there is none. */
    int (*read)(struct migrate_journal *journal, const uint8_t token[MIGRATE_TOKEN],
                enum migrate_role role, struct migrate_note *note, struct chaos_error *err);
    /*
     * Keeps others, threads or processes, from working on a migration until unlock, to which the
     * result (>= 0) is given; -EBUSY when somebody does. Gone with the process.
     */
    int (*lock)(struct migrate_journal *journal, const struct migrate_note *note,
                struct chaos_error *err);
    void (*unlock)(struct migrate_journal *journal, const struct migrate_note *note, int lock);
    void (*close)(struct migrate_journal *journal);
};

struct migrate_journal {
    const struct migrate_journal_ops *ops;
};

/* run_dir NULL: /run/chaos. Thread-safe. */
int migrate_journal_open(const char *run_dir, struct migrate_journal **out,
                         struct chaos_error *err);

/* Removes what processes left which died over a note. */
void migrate_journal_tidy(struct migrate_journal *journal);

/* 0: there is room for another note; or why not. */
int migrate_journal_room(struct migrate_journal *journal, struct chaos_error *err);

/* Calls visit with each note. */
typedef void migrate_visit(void *opaque, const struct migrate_note *note);
int migrate_journal_visit(struct migrate_journal *journal, migrate_visit *visit, void *opaque,
                          struct chaos_error *err);

/* Reads a note, all but its token and role, from a text that it changes. */
bool migrate_note_parse(char *text, struct migrate_note *note);
/* The note in a file of the folder, TOKEN.source or TOKEN.target; -EINVAL: it is another file. */
int migrate_note_load(int dir, const char *file, struct migrate_note *note,
                      struct chaos_error *err);

/* The guest of such a note is left alone by all but the migration. */
bool migrate_is_held(enum migrate_phase phase);

const char *migrate_role_name(enum migrate_role role);
const char *migrate_phase_name(enum migrate_phase phase);

#endif
