// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sending memory while its guest runs. Page tables and the table of frames, which name machine
 * frames that mean nothing elsewhere, wait for the last round: then they stay as they are.
 */
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 8u  /* while it runs, the first with all of its memory */
#define FEW    64u /* pages that are sent sooner than it suspends itself */

_Static_assert(ROUNDS + 1 <= CHECKPOINT_TIMES_MAX, "a reader takes as many");

static bool bit(const uint64_t *bits, uint64_t n)
{
    return bits[n / 64] >> n % 64 & 1;
}

static void set(uint64_t *bits, uint64_t n)
{
    bits[n / 64] |= 1ull << n % 64;
}

static size_t words(const struct save *save)
{
    return (size_t)((save->info.pages + 63) / 64);
}

/* Xen starts with all of them clean; all of them are to be sent. */
static int start(struct save_source *source, struct chaos_error *err)
{
    struct save_live *live = &source->log;
    struct save *save = &source->save;
    int rc;

    live->dirty = calloc(words(save), sizeof(uint64_t));
    live->taken = calloc(words(save), sizeof(uint64_t));
    live->wanted = calloc(words(save), sizeof(uint64_t));
    live->sent = calloc(save->info.pages, sizeof(uint64_t));
    if (!live->dirty || !live->taken || !live->wanted || !live->sent)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = save->hv->ops->dirty_start(save->hv, save->info.domid, save->info.pages);
    if (rc < 0)
        return hv_error(err, rc, "have Xen note what it writes to");
    live->logging = true;
    return 0;
}

static int stop(struct save_source *source, struct chaos_error *err)
{
    struct hv *hv = source->save.hv;
    int rc = source->log.logging ? hv->ops->dirty_stop(hv, source->save.info.domid) : 0;

    if (rc < 0)
        return hv_error(err, rc, "have Xen not note any more what it writes to");
    source->log.logging = false;
    return 0;
}

void save_live_end(struct save_source *source)
{
    struct save_live *live = &source->log;
    struct chaos_error ignored;

    stop(source, &ignored);
    free(live->dirty);
    free(live->taken);
    free(live->wanted);
    free(live->sent);
    *live = (struct save_live){.logging = live->logging};
}

/* Adds what was written to since the last time; *nr: how many pages are dirty now. */
static int take(struct save_source *source, uint64_t *nr, struct chaos_error *err)
{
    struct save_live *live = &source->log;
    struct save *save = &source->save;
    uint64_t pfn;
    int rc = save->hv->ops->dirty_take(save->hv, save->info.domid, save->info.pages, live->taken);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen what it wrote to");
    for (pfn = 0, *nr = 0; pfn < save->info.pages; pfn++) {
        if (bit(live->taken, pfn))
            set(live->dirty, pfn);
        *nr += bit(live->dirty, pfn);
    }
    return 0;
}

static int read_frames(struct save *save, struct chaos_error *err)
{
    guest_frames_release(&save->frames);
    return guest_frames_read(save->hv, &save->info, &save->frames, err);
}

/* It may have another frame by now, or have been a page table the last time. */
static bool is_due(const struct save_live *live, const struct guest_frames *frames, uint64_t pfn)
{
    return bit(live->dirty, pfn) || live->sent[pfn] != frames->frame[pfn];
}

/* What a guest said that it does not use was said before it went on: it is not to be relied on. */
static bool must_wait(const struct guest_frames *frames, uint64_t pfn)
{
    return guest_frames_level(frames, pfn) > 0 ||
           frames->type[pfn] & (GUEST_PAGE_P2M | GUEST_PAGE_UNUSED);
}

/* What changes after this is dirty again: it is taken before the frames, and they before pages. */
static int round_running(struct save_source *source, struct chaos_error *err)
{
    struct save_live *live = &source->log;
    struct save *save = &source->save;
    uint64_t pfn;
    int rc = read_frames(save, err);

    if (rc < 0)
        return rc;
    memset(live->wanted, 0, words(save) * sizeof(uint64_t));
    for (pfn = 0; pfn < save->frames.pages; pfn++) {
        if (!is_due(live, &save->frames, pfn))
            continue;
        live->sent[pfn] = 0;
        if (must_wait(&save->frames, pfn))
            continue;
        set(live->wanted, pfn);
        live->sent[pfn] = save->frames.frame[pfn];
    }
    memset(live->dirty, 0, words(save) * sizeof(uint64_t));
    save->wanted = live->wanted;
    save->running = true;
    rc = save_pages(save, err);
    save->running = false;
    return rc;
}

int save_live_rounds(struct save_source *source, struct chaos_error *err)
{
    uint64_t nr, before = source->save.info.pages;
    unsigned int i;
    int rc;

    if (!source->live)
        return 0;
    rc = start(source, err);
    for (i = 0; rc == 0 && i < ROUNDS; i++) {
        rc = round_running(source, err);
        if (rc == 0)
            rc = take(source, &nr, err);
        if (rc == 0 && (nr <= FEW || nr > before - before / 4))
            break; /* another round would not make what is left much less */
        before = nr;
    }
    return rc;
}

/* Pages that dom0, which Xen does not watch, writes to: they count as written. */
static int add_shared(struct save_source *source, struct chaos_error *err)
{
    struct checkpoint_guest guest;
    int rc = save_find_pages(&source->save, &source->record, source->config.bus, &guest, err);

    if (rc < 0)
        return rc;
    set(source->log.dirty, guest.start_info);
    set(source->log.dirty, guest.console);
    if (guest.store != CHECKPOINT_NO_PAGE)
        set(source->log.dirty, guest.store);
    return 0;
}

int save_live_last(struct save_source *source, struct chaos_error *err)
{
    struct save_live *live = &source->log;
    struct save *save = &source->save;
    uint64_t pfn, nr;
    int rc = take(source, &nr, err);

    if (rc == 0)
        rc = stop(source, err);
    if (rc == 0)
        rc = read_frames(save, err);
    if (rc == 0)
        rc = add_shared(source, err);
    if (rc < 0)
        return rc;
    memset(live->wanted, 0, words(save) * sizeof(uint64_t));
    for (pfn = 0; pfn < save->frames.pages; pfn++)
        if (is_due(live, &save->frames, pfn) || must_wait(&save->frames, pfn))
            set(live->wanted, pfn);
    return save_pages(save, err);
}
