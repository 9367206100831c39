/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that is to go from one state folder to another on the hypervisor in memory, which is both
 * hosts. */
#ifndef MOVE_FIXTURE_H
#define MOVE_FIXTURE_H

#include "chaos.h"
#include "checkpoint_maker.h"
#include "fake_hv.h"
#include "guest_move.h"

struct fixture {
    struct fake_hv *fake;
    struct chaos *here, *there;
    struct chaos_config config;
    struct chaos_error err;
    char kernel[128];
    const char *dir;
    struct chaos_domain domain;
    struct guest_source *source;
    struct guest_target *target;
    struct migrate_note note; /* the target's */
    struct maker_bytes bytes;
    unsigned int taken, given_back; /* shells */
};

int set_up(void **state);
int set_up_xenstore(void **state);
int tear_down(void **state);

void open_target(struct fixture *f);
void prepare(struct fixture *f);
void transfer(struct fixture *f);
struct fake_domain *copy_of(struct fixture *f); /* NULL: there is none */

#endif
