// SPDX-License-Identifier: BSD-3-Clause
#include "migrate_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scratch.h"

#define TIMEOUT_MS 2000

/* ---------------------------------------------------------------- dying */

/* Before each thing that a side does. True: it is dead, and does nothing. */
static bool begin(struct world *w, enum side side)
{
    pthread_mutex_lock(&w->mutex);
    if (++w->side[side].calls == w->side[side].die_at && !w->side[side].die_after)
        w->side[side].dead = true;
    return w->side[side].dead;
}

static int end(struct world *w, enum side side, int rc, struct chaos_error *err)
{
    if (w->side[side].calls == w->side[side].die_at)
        w->side[side].dead = true;
    w->both |= w->side[SOURCE].runs && w->side[TARGET].runs;
    if (w->side[side].dead)
        rc = -EIO;
    pthread_mutex_unlock(&w->mutex);
    return rc < 0 ? chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "as the test wants") : 0;
}

/* ---------------------------------------------------------------- the connection */

struct thin_peer { /* breaks when its side's budget is spent, or its side is dead */
    struct peer peer;
    struct peer *real;
    struct world *world;
    enum side side;
    int fd;
};

static int thin_write(struct peer *peer, const struct iovec *parts, int nr)
{
    struct thin_peer *thin = (struct thin_peer *)peer;
    struct world *w = thin->world;
    char bytes[160 << 10];
    struct iovec all = {bytes, 0};
    size_t wanted = 0;
    int i;

    for (i = 0; i < nr; i++) {
        if (parts[i].iov_len > 0)
            memcpy(bytes + wanted, parts[i].iov_base, parts[i].iov_len);
        wanted += parts[i].iov_len;
    }
    pthread_mutex_lock(&w->mutex);
    all.iov_len = wanted < w->side[thin->side].budget ? wanted : w->side[thin->side].budget;
    if (w->side[thin->side].dead)
        all.iov_len = 0;
    else
        w->was_cut |= all.iov_len < wanted;
    w->side[thin->side].budget -= all.iov_len;
    pthread_mutex_unlock(&w->mutex);
    if (all.iov_len > 0 && thin->real->ops->write(thin->real, &all, 1) < 0)
        return -EPIPE;
    if (all.iov_len == wanted)
        return 0;
    shutdown(thin->fd, SHUT_RDWR);
    return -EPIPE;
}

static ssize_t thin_read(struct peer *peer, void *buffer, size_t size)
{
    struct thin_peer *thin = (struct thin_peer *)peer;
    bool dead;

    pthread_mutex_lock(&thin->world->mutex);
    dead = thin->world->side[thin->side].dead;
    pthread_mutex_unlock(&thin->world->mutex);
    return dead ? -EIO : thin->real->ops->read(thin->real, buffer, size);
}

static void thin_close(struct peer *peer)
{
    struct thin_peer *thin = (struct thin_peer *)peer;

    thin->real->ops->close(thin->real);
    free(thin);
}

static const struct peer_ops thin_ops = {thin_write, thin_read, thin_close};

static struct peer *thin_peer(struct world *w, enum side side, int fd)
{
    struct thin_peer *thin = calloc(1, sizeof(*thin));
    struct chaos_error err;

    thin->peer.ops = &thin_ops;
    thin->world = w;
    thin->side = side;
    thin->fd = fd;
    assert_int_equal(peer_fd_new(fd, fd, TIMEOUT_MS, &thin->real, &err), 0);
    return &thin->peer;
}

struct service {
    struct world *world;
    struct peer *peer;
};

static void *serve(void *opaque)
{
    struct service *service = opaque;
    struct chaos_error err;

    migrate_serve(service->peer, &service->world->target, "a", &err);
    service->peer->ops->close(service->peer);
    free(service);
    return NULL;
}

struct peer *dial(struct world *w)
{
    struct service *service = malloc(sizeof(*service));
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    service->world = w;
    service->peer = thin_peer(w, TARGET, pair[1]);
    assert_true(w->nr_servers < 16);
    assert_int_equal(pthread_create(&w->server[w->nr_servers++], NULL, serve, service), 0);
    return thin_peer(w, SOURCE, pair[0]);
}

void join_servers(struct world *w)
{
    while (w->nr_servers > 0)
        pthread_join(w->server[--w->nr_servers], NULL);
}

/* ---------------------------------------------------------------- the guest */

static int guest_send(void *guest, stream_write *write, void *opaque, struct chaos_error *err)
{
    struct world *w = guest;
    uint8_t bytes[GUEST_BYTES];
    const struct iovec part = {bytes, sizeof(bytes)};
    int rc;

    memset(bytes, 0x5a, sizeof(bytes));
    if (!begin(w, SOURCE))
        w->side[SOURCE].runs = false;
    rc = end(w, SOURCE, 0, err);
    if (rc == 0 && write(opaque, &part, 1) < 0)
        rc = chaos_error_set(err, -EPIPE, CHAOS_EXIT_FAILURE, "the connection was cut");
    return rc;
}

static int guest_resume(void *guest, struct chaos_error *err)
{
    struct world *w = guest;
    int rc = 0;

    if (!begin(w, SOURCE)) {
        rc = !w->side[SOURCE].exists ? -ESRCH : w->stuck ? -EBUSY : 0;
        w->side[SOURCE].runs |= rc == 0;
    }
    return end(w, SOURCE, rc, err);
}

static int guest_destroy(void *guest, struct chaos_error *err)
{
    struct world *w = guest;

    if (!begin(w, SOURCE))
        w->side[SOURCE].runs = w->side[SOURCE].exists = false;
    return end(w, SOURCE, 0, err);
}

static int guest_reconnect(void *guest, struct peer **peer, struct chaos_error *err)
{
    struct world *w = guest;
    bool can;

    pthread_mutex_lock(&w->mutex);
    can = w->healed && !w->side[SOURCE].dead;
    if (can)
        w->side[SOURCE].budget = w->side[TARGET].budget = NEVER;
    pthread_mutex_unlock(&w->mutex);
    if (!can)
        return chaos_error_set(err, -EHOSTUNREACH, CHAOS_EXIT_FAILURE, "no route");
    join_servers(w); /* or the one before is still at it */
    *peer = dial(w);
    return 0;
}

static const struct migrate_source_ops source_ops = {
    .send = guest_send,
    .resume = guest_resume,
    .destroy = guest_destroy,
    .reconnect = guest_reconnect,
};

static int copy_prepare(void *guest, const struct migrate_offer *offer, struct migrate_note *note,
                        struct chaos_error *err)
{
    struct world *w = guest;
    bool good = offer->config_length == 6 && memcmp(offer->config, "config", 6) == 0;

    assert_int_equal(note->domid, 0);
    note->domid = 5;
    if (!begin(w, TARGET) && !w->refuse)
        w->side[TARGET].exists = w->half_made = true;
    return end(w, TARGET, good && !w->refuse ? 0 : -ENOMEM, err);
}

static int copy_load(void *guest, stream_read *read, void *opaque, struct chaos_error *err)
{
    struct world *w = guest;
    uint8_t bytes[1000];
    size_t total = 0;
    ssize_t got, i;

    while (total < GUEST_BYTES && (got = read(opaque, bytes, sizeof(bytes))) > 0)
        for (i = 0, total += (size_t)got; i < got; i++)
            if (bytes[i] != 0x5a)
                total = SIZE_MAX / 2;
    if (!begin(w, TARGET) && total == GUEST_BYTES)
        w->half_made = false;
    return end(w, TARGET, total == GUEST_BYTES ? 0 : -EBADMSG, err);
}

static int copy_start(void *guest, struct chaos_error *err)
{
    struct world *w = guest;
    int rc = 0;

    if (!begin(w, TARGET)) {
        rc = !w->side[TARGET].exists ? -ESRCH : w->start_fails ? -ENOSPC : 0;
        if (rc == 0)
            w->side[TARGET].runs = true;
    }
    return end(w, TARGET, rc, err);
}

static int copy_drop(void *guest, struct chaos_error *err)
{
    struct world *w = guest;

    if (!begin(w, TARGET))
        w->side[TARGET].runs = w->side[TARGET].exists = false;
    return end(w, TARGET, 0, err);
}

static const struct migrate_target_ops target_ops = {
    .prepare = copy_prepare,
    .load = copy_load,
    .start = copy_start,
    .drop = copy_drop,
};

static int copy_open(void *opaque, const struct migrate_note *note, void **guest,
                     struct chaos_error *err)
{
    (void)err;
    assert_string_equal(note->name, "web");
    *guest = opaque;
    return 0;
}

static void copy_release(void *opaque, void *guest)
{
    assert_ptr_equal(opaque, guest);
}

/* ---------------------------------------------------------------- the journals */

static int journal_write(struct migrate_journal *base, const struct migrate_note *note,
                         struct chaos_error *err)
{
    const struct mortal *mortal = (const struct mortal *)base;
    struct world *w = mortal->world;
    const enum side side = mortal->side;
    int rc = 0;

    if (!begin(w, side))
        rc = w->files[side]->ops->write(w->files[side], note, err);
    return end(w, side, rc, err);
}

static void journal_remove(struct migrate_journal *base, const struct migrate_note *note)
{
    const struct mortal *mortal = (const struct mortal *)base;
    struct world *w = mortal->world;
    const enum side side = mortal->side;
    struct chaos_error ignored;

    if (!begin(w, side))
        w->files[side]->ops->remove(w->files[side], note);
    end(w, side, 0, &ignored);
}

static int journal_read(struct migrate_journal *base, const uint8_t token[MIGRATE_TOKEN],
                        enum migrate_role role, struct migrate_note *note, struct chaos_error *err)
{
    const struct mortal *mortal = (const struct mortal *)base;
    struct world *w = mortal->world;
    const enum side side = mortal->side;

    return w->files[side]->ops->read(w->files[side], token, role, note, err);
}

static int journal_lock(struct migrate_journal *base, const struct migrate_note *note,
                        struct chaos_error *err)
{
    const struct mortal *mortal = (const struct mortal *)base;
    struct world *w = mortal->world;
    const enum side side = mortal->side;

    return w->files[side]->ops->lock(w->files[side], note, err);
}

static void journal_unlock(struct migrate_journal *base, const struct migrate_note *note, int lock)
{
    const struct mortal *mortal = (const struct mortal *)base;
    struct world *w = mortal->world;
    const enum side side = mortal->side;

    w->files[side]->ops->unlock(w->files[side], note, lock);
}

static const struct migrate_journal_ops mortal_ops = {
    .write = journal_write,
    .remove = journal_remove,
    .read = journal_read,
    .lock = journal_lock,
    .unlock = journal_unlock,
};

/* ---------------------------------------------------------------- a try */

struct migrate_note note_of_web(void)
{
    struct migrate_note note = {.name = "web", .peer = "b:8002"};

    memset(note.token, 7, sizeof(note.token));
    memset(note.uuid, 9, sizeof(note.uuid));
    return note;
}

void world_begin(struct world *w)
{
    struct chaos_error err;
    enum side side;

    memset(w, 0, sizeof(*w));
    pthread_mutex_init(&w->mutex, NULL);
    w->dir = scratch_make();
    for (side = SOURCE; side <= TARGET; side++) {
        assert_int_equal(migrate_journal_open(w->dir, &w->files[side], &err), 0);
        w->journal[side].journal.ops = &mortal_ops;
        w->journal[side].world = w;
        w->journal[side].side = side;
        w->side[side].die_at = NEVER;
        w->side[side].budget = NEVER;
    }
    w->side[SOURCE].exists = w->side[SOURCE].runs = true;
    w->target = (struct migrate_target){
        .journal = &w->journal[TARGET].journal,
        .ops = &target_ops,
        .open = copy_open,
        .release = copy_release,
        .opaque = w,
    };
}

void world_end(struct world *w)
{
    enum side side;

    for (side = SOURCE; side <= TARGET; side++)
        w->files[side]->ops->close(w->files[side]);
    scratch_remove();
    pthread_mutex_destroy(&w->mutex);
}

static struct migrate_source source_of(struct world *w, struct migrate_note *note)
{
    return (struct migrate_source){
        .journal = &w->journal[SOURCE].journal, .note = note, .ops = &source_ops, .guest = w};
}

int move(struct world *w, struct chaos_error *err)
{
    const struct migrate_offer offer = {
        .config = "config", .config_length = 6, .silence_ms = 20, .features = w->features};
    struct migrate_note note = note_of_web();
    struct peer *peer = w->target_is ? w->target_is : dial(w);
    const struct migrate_source source = source_of(w, &note);
    int rc = migrate_send(&source, peer, &offer, err);

    peer->ops->close(peer);
    join_servers(w);
    return rc;
}

int resolve(struct world *w, bool forced, struct chaos_error *err)
{
    struct migrate_note note = note_of_web();
    struct migrate_source source = source_of(w, &note);
    int rc;

    source.forced = forced;
    rc = migrate_resolve(&source, err);
    join_servers(w);
    return rc;
}

void restart(struct world *w, enum side side)
{
    const struct migrate_note name = note_of_web();
    struct migrate_note note;
    struct chaos_error err;

    w->side[side].dead = false;
    w->side[side].die_at = NEVER;
    w->side[SOURCE].budget = w->side[TARGET].budget = NEVER;
    w->healed = true;
    if (side == TARGET && w->half_made)
        w->side[TARGET].exists = w->half_made = false;
    if (w->files[side]->ops->read(w->files[side], name.token,
                                  side == SOURCE ? MIGRATE_SOURCE : MIGRATE_TARGET, &note,
                                  &err) < 0)
        return;
    if (side == SOURCE)
        resolve(w, false, &err);
    else
        migrate_recover(&w->target, &note, &err);
}

void assert_one_runs(const struct world *w)
{
    assert_false(w->both);
    assert_true(w->side[SOURCE].runs != w->side[TARGET].runs);
    assert_true(w->side[SOURCE].exists == w->side[SOURCE].runs);
    assert_true(w->side[TARGET].exists == w->side[TARGET].runs);
}

static void assert_journal_empty(void)
{
    assert_int_equal(scratch_count("migrations"), 0);
}

void assert_ended(const struct world *w)
{
    assert_one_runs(w);
    assert_journal_empty();
}
