/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing the checkpoint of a guest that has suspended itself to any stream. */
#ifndef CHAOS_SAVE_H
#define CHAOS_SAVE_H

#include "chaos.h"
#include "checkpoint_format.h"
#include "guest_frames.h"
#include "stream.h"

struct save {
    struct hv *hv;
    struct hv_info info; /* of the domain */
    struct checkpoint_domain domain;
    struct guest_frames frames;
    struct stream_writer *writer;
    uint64_t stored_pages;
};

/* Configuration and what the host is: all that is known while the guest still runs. */
int save_head(struct save *save, const struct chaos_config *config, struct chaos_error *err);
/* Its memory; save->frames is read already. save_pages.c */
int save_pages(struct save *save, struct chaos_error *err);
/* What is left of it, and the end. save_guest.c */
int save_tail(struct save *save, const struct record *record, enum chaos_bus bus,
              struct chaos_error *err);

#endif
