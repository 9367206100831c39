/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest that is asked to suspend itself is noted first, so that whoever comes after a process
 * that died lets it go on.
 */
#ifndef CHAOS_SUSPENDED_H
#define CHAOS_SUSPENDED_H

#include "chaos.h"

int suspended_note(struct chaos *chaos, const struct hv_info *info, struct registry_claim *claim,
                   struct chaos_error *err);
void suspended_forget(struct chaos *chaos, struct registry_claim *claim);

/* Takes over the note that a process left which died; false: there is none. */
bool suspended_adopt(struct chaos *chaos, const uint8_t uuid[16], struct registry_claim *claim);

/* Lets a suspended guest go on where it is. */
int suspended_resume(struct hv *hv, uint32_t domid, struct chaos_error *err);

/* Lets those go on that processes left which died, unless a migration holds them. */
void suspended_reap(struct chaos *chaos);

#endif
