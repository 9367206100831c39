/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading what chaosd tells without end. */
#ifndef CHAOS_CLI_FOLLOW_H
#define CHAOS_CLI_FOLLOW_H

#include <chaos/client.h>

/*
 * After a call for the next piece that returned rc < 0. 1: it may be called again (what was written
 * is out, and there is more to read); 0: that was all; or a negative errno with err filled in.
 */
int follow_on(struct chaos_client *client, int rc, struct chaos_error *err);

#endif
