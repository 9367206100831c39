/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guests that have suspended themselves after who asked them gave up, or died: nobody else lets
 * them go on. A kernel whose disk is slow takes as long as that to do as it is asked.
 */
#ifndef CHAOSD_SUSPENSIONS_H
#define CHAOSD_SUSPENSIONS_H

#include "daemon.h"

extern const struct module suspensions_module;

/* The first look; longer than what suspends a guest takes as a rule. Then at most so long. */
#define SUSPENSIONS_FIRST_NS 1000000000u
#define SUSPENSIONS_MOST_NS  16000000000u

/* Some guest has suspended itself. */
void suspensions_note(struct daemon *daemon);

#endif
