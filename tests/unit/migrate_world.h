/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two hosts between which one guest moves: each may die before and after each thing that it does,
 * and the connection may be cut after any byte.
 */
#ifndef MIGRATE_WORLD_H
#define MIGRATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "migrate.h"

#define GUEST_BYTES 70000u
#define NEVER       UINT32_MAX

enum side { SOURCE, TARGET };

struct world {
    pthread_mutex_t mutex;
    const char *dir;
    struct migrate_journal *files[2]; /* the real one */
    struct mortal {
        struct migrate_journal journal;
        struct world *world;
        enum side side;
    } journal[2]; /* in which one can die */
    struct migrate_target target;
    struct {
        bool exists, runs, dead;
        uint32_t calls, die_at; /* at this call, */
        bool die_after;         /* once it is done */
        uint64_t budget;        /* bytes that it can still send */
    } side[2];
    bool was_cut;           /* a budget was spent */
    bool healed;            /* another connection can be made */
    bool refuse;            /* the target cannot prepare */
    bool start_fails;       /* nor start */
    bool stuck;             /* the source's guest cannot be let go on */
    bool half_made;         /* the target's domain: it is reaped after a death */
    bool both;              /* ran at once: the one thing that must not be */
    uint32_t features;      /* of the source's stream */
    struct peer *target_is; /* instead of a connection of its own; closed by move */
    pthread_t server[16];
    unsigned int nr_servers;
};

void world_begin(struct world *w);
void world_end(struct world *w);

/* A connection with a server at its end; join_servers waits for all of them. */
struct peer *dial(struct world *w);
void join_servers(struct world *w);

struct migrate_note note_of_web(void);
int move(struct world *w, struct chaos_error *err);
/* What a daemon does with the source's note, and on an operator's word. */
int resolve(struct world *w, bool forced, struct chaos_error *err);
/* What a daemon does when it starts, and every now and then. */
void restart(struct world *w, enum side side);

void assert_one_runs(const struct world *w);
/* All is said and done. */
void assert_ended(const struct world *w);

#endif
