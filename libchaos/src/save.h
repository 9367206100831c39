/* SPDX-License-Identifier: BSD-3-Clause */
/* Having a guest suspend itself, and writing its checkpoint to any stream. */
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
    const uint64_t *wanted; /* bit n: page n is to be written now; NULL: all are */
    bool running;           /* the guest may change a page between two looks at it */
    bool compress;          /* contents of pages, where they get shorter */
};

/* Configuration and what the host is: all that is known while the guest still runs. */
int save_head(struct save *save, const struct chaos_config *config, struct chaos_error *err);
/* Its memory, or what is wanted of it; save->frames is read already. save_pages.c */
int save_pages(struct save *save, struct chaos_error *err);
/* Which pages those are that it shares with dom0; saves of a suspended guest. save_guest.c */
int save_find_pages(struct save *save, const struct record *record, enum chaos_bus bus,
                    struct checkpoint_guest *out, struct chaos_error *err);
/* What is left of it, and the end. save_guest.c */
int save_tail(struct save *save, const struct record *record, enum chaos_bus bus,
              struct chaos_error *err);

/* What was sent of a guest while it ran. save_live.c */
struct save_live {
    bool logging;    /* Xen notes what it writes to */
    uint64_t *dirty; /* bit n: page n may not be what was sent */
    uint64_t *taken, *wanted;
    uint64_t *sent; /* the frame that each page had as it was sent; 0: it was not */
};

/* A guest that is saved: to a file, or to another host. save_source.c */
struct save_source {
    struct chaos *chaos;
    struct chaos_domain domain;
    struct chaos_config config; /* as it was made, under the name that it has now */
    struct record record;
    char *record_text;
    struct stream_writer writer;
    struct save save;
    bool live;  /* set before it begins, as save.compress: most of its memory goes while it runs */
    bool begun; /* it took too long, and is still at it */
    struct save_live log;
};

/* Fails for a guest that cannot be saved. save_source_close in any case. */
int save_source_open(struct save_source *source, struct chaos *chaos,
                     const struct chaos_domain *domain, struct chaos_error *err);
void save_source_close(struct save_source *source);
/* What its stream needs of a reader: of STREAM_FEATURES. */
uint32_t save_source_features(const struct save_source *source);
/* Begins the stream, while the guest runs. */
int save_source_begin(struct save_source *source, stream_write *write, void *opaque,
                      struct chaos_error *err);
/* Asks the guest, and waits until it has suspended itself. -ETIMEDOUT: it may still do it later. */
int save_source_ask(struct save_source *source, struct chaos_error *err);
int save_source_wait(struct save_source *source, uint32_t timeout_ms, struct chaos_error *err);
/* If a step failed because somebody destroyed the guest, err says that instead; else rc as it is.
 */
int save_source_why(const struct save_source *source, int rc, struct chaos_error *err);
/* After -ETIMEDOUT: until a guest that has begun is done or has given up, so that it can be let go
 * on. */
void save_source_linger(struct save_source *source);
/*
 * If it is live, once it is noted as one that suspends itself: its memory, and what it writes to
 * meanwhile, until that is little or does not get less. Else nothing. save_live.c
 */
int save_live_rounds(struct save_source *source, struct chaos_error *err);
/* Its memory, or what is still to be sent of it; then the rest, to the end of the stream. */
int save_source_memory(struct save_source *source, struct chaos_error *err);
int save_source_rest(struct save_source *source, struct chaos_error *err);

/* The last round, of a suspended guest; save_source_memory calls it. */
int save_live_last(struct save_source *source, struct chaos_error *err);
/* After it, or after a failure: Xen notes nothing any more. */
void save_live_end(struct save_source *source);

#endif
