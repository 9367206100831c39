// SPDX-License-Identifier: BSD-3-Clause
/*
 * The handshake of a migration against cuts of the connection at every byte, and deaths of either
 * side before and after each thing that it does: never do both run the guest, and in the end one
 * does.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "migrate_link.h"
#include "migrate_world.h"
#include "record.h"

static void test_moves(void **state)
{
    struct chaos_error err;
    struct world w;

    (void)state;
    world_begin(&w);
    assert_int_equal(move(&w, &err), 0);
    assert_ended(&w);
    assert_true(w.side[TARGET].runs);
    world_end(&w);
}

static void test_refused(void **state)
{
    struct chaos_error err;
    struct world w;

    (void)state;
    world_begin(&w);
    w.refuse = true;
    assert_int_equal(move(&w, &err), -ENOMEM);
    assert_string_equal(err.text, "the other host refuses: as the test wants");
    assert_ended(&w);
    assert_true(w.side[SOURCE].runs);
    world_end(&w);
}

static void test_start_fails(void **state)
{
    struct chaos_error err;
    struct world w;

    (void)state;
    world_begin(&w);
    w.start_fails = true;
    assert_true(move(&w, &err) < 0);
    assert_ended(&w);
    assert_true(w.side[SOURCE].runs);
    world_end(&w);
}

/* Nobody has it, and nobody is told that it goes on. */
static void test_cannot_go_on(void **state)
{
    struct chaos_error err;
    struct world w;

    (void)state;
    world_begin(&w);
    w.start_fails = w.stuck = true;
    assert_int_equal(move(&w, &err), -EINPROGRESS);
    assert_non_null(strstr(err.text, "cannot be let go on"));
    assert_false(w.side[SOURCE].runs || w.side[TARGET].exists);
    w.stuck = false;
    restart(&w, SOURCE);
    assert_ended(&w);
    world_end(&w);
}

/* Returns whether the cut was beyond all that this side sends. */
static bool cut_at(enum side side, uint64_t at, bool healed)
{
    struct chaos_error err;
    struct world w;
    bool beyond;
    int rc;

    world_begin(&w);
    w.side[side].budget = at;
    w.healed = healed;
    rc = move(&w, &err);
    beyond = !w.was_cut;
    assert_false(w.both);
    if (rc == -EINPROGRESS) {
        assert_false(healed);
        assert_false(w.side[SOURCE].runs);
    } else {
        assert_true(w.side[TARGET].runs == (rc == 0));
        assert_true(w.side[SOURCE].runs == (rc != 0));
    }
    restart(&w, SOURCE);
    assert_ended(&w);
    world_end(&w);
    return beyond;
}

static void cut_everywhere(enum side side, bool healed)
{
    uint64_t at;

    /* The pages themselves are alike: a few cuts among them do. */
    for (at = 0; !cut_at(side, at, healed); at += at > 300 && at < GUEST_BYTES ? 6997 : 1)
        ;
    assert_true(at > 16);
}

static void test_cut_source(void **state)
{
    (void)state;
    cut_everywhere(SOURCE, false);
    cut_everywhere(SOURCE, true);
}

static void test_cut_target(void **state)
{
    (void)state;
    cut_everywhere(TARGET, false);
    cut_everywhere(TARGET, true);
}

/* Returns false when this side does not do so many things. */
static bool die_at(enum side side, uint32_t call, bool after, enum side first)
{
    struct chaos_error err;
    struct world w;
    bool died;

    world_begin(&w);
    w.side[side].die_at = call;
    w.side[side].die_after = after;
    w.healed = true;
    move(&w, &err);
    died = w.side[side].dead;
    assert_false(w.both);
    restart(&w, first);
    restart(&w, first == SOURCE ? TARGET : SOURCE);
    restart(&w, SOURCE); /* once more, since the target was not there yet */
    assert_ended(&w);
    world_end(&w);
    return died;
}

static void test_deaths(void **state)
{
    enum side side, first;
    uint32_t call;
    int after;

    (void)state;
    for (side = SOURCE; side <= TARGET; side++)
        for (first = SOURCE; first <= TARGET; first++)
            for (after = 0; after <= 1; after++) {
                for (call = 1; die_at(side, call, after, first); call++)
                    ;
                assert_true(call > 4);
            }
}

/* The target is loaded, and the source silent: an operator may have the copy dropped. */
static void test_discarded(void **state)
{
    struct migrate_note note;
    struct chaos_error err;
    struct world w;

    (void)state;
    world_begin(&w);
    w.side[SOURCE].die_at = 3; /* sending, send, and now it is committing */
    w.side[SOURCE].die_after = true;
    assert_true(move(&w, &err) < 0);
    note = note_of_web();
    note.role = MIGRATE_TARGET;
    assert_true(w.side[TARGET].exists);
    assert_int_equal(migrate_discard(&w.target, &note, &err), 0);
    assert_false(w.side[TARGET].exists);
    assert_int_equal(migrate_discard(&w.target, &note, &err), -ESRCH);
    restart(&w, SOURCE);
    assert_ended(&w);
    assert_true(w.side[SOURCE].runs);
    world_end(&w);
}

/* What runs is no copy that could be dropped. */
static void test_running_is_kept(void **state)
{
    struct migrate_note note;
    struct chaos_error err;
    struct world w;

    (void)state;
    world_begin(&w);
    w.side[SOURCE].die_at = 4; /* at the destruction of its own */
    move(&w, &err);
    note = note_of_web();
    note.role = MIGRATE_TARGET;
    assert_true(w.side[TARGET].runs);
    assert_int_equal(migrate_discard(&w.target, &note, &err), -EBUSY);
    restart(&w, SOURCE);
    assert_ended(&w);
    world_end(&w);
}

/* GO was not heard, and the target cannot be asked: it is loaded there, and paused here. */
static void get_in_doubt(struct world *w)
{
    struct chaos_error err;

    world_begin(w);
    w->side[SOURCE].die_at = 3; /* sending, send, and now it is committing */
    w->side[SOURCE].die_after = true;
    assert_true(move(w, &err) < 0);
    w->side[SOURCE].dead = false;
    assert_int_equal(resolve(w, false, &err), -EINPROGRESS);
    assert_false(w->side[SOURCE].runs || w->side[TARGET].runs);
    assert_true(w->side[TARGET].exists);
}

static enum migrate_phase phase_of(struct world *w, enum migrate_role role)
{
    const struct migrate_note name = note_of_web();
    struct migrate_note note;
    struct chaos_error err;

    assert_int_equal(w->files[role]->ops->read(w->files[role], name.token, role, &note, &err), 0);
    return note.phase;
}

/* The operator is right, or was wrong: then the copy goes, since it never heard that it may run. */
static void test_target_is_lost(void **state)
{
    struct chaos_error err;
    struct world w;
    int back;

    (void)state;
    for (back = 0; back <= 1; back++) {
        get_in_doubt(&w);
        assert_int_equal(resolve(&w, true, &err), -ECONNABORTED);
        assert_non_null(strstr(err.text, "b:8002 is said to be lost"));
        assert_true(w.side[SOURCE].runs);
        assert_int_equal(phase_of(&w, MIGRATE_SOURCE), MIGRATE_STAYED);
        assert_int_equal(resolve(&w, false, &err), -EAGAIN);
        if (back) {
            restart(&w, SOURCE);
            assert_ended(&w);
        } else {
            assert_int_equal(resolve(&w, true, &err), -ECONNABORTED);
            assert_int_equal(resolve(&w, true, &err), -ESRCH); /* nothing is left to be done */
            assert_true(w.side[SOURCE].runs);
        }
        world_end(&w);
    }
}

/* Who can be asked is not lost, whatever is said. */
static void test_target_is_not_lost(void **state)
{
    struct chaos_error err;
    struct world w;

    (void)state;
    get_in_doubt(&w);
    w.healed = true;
    assert_int_equal(resolve(&w, true, &err), 0);
    assert_ended(&w);
    assert_true(w.side[TARGET].runs);
    world_end(&w);
}

/* The copy is all that there is; a source that comes back, in doubt, drops its own. */
static void test_source_is_lost(void **state)
{
    struct migrate_note note = note_of_web();
    struct chaos_error err;
    struct world w;
    int back;

    (void)state;
    note.role = MIGRATE_TARGET;
    for (back = 0; back <= 1; back++) {
        get_in_doubt(&w);
        assert_int_equal(migrate_take_over(&w.target, &note, &err), 0);
        assert_true(w.side[TARGET].runs);
        assert_int_equal(phase_of(&w, MIGRATE_TARGET), MIGRATE_RUNNING);
        if (back) {
            restart(&w, SOURCE);
            assert_ended(&w);
        } else {
            assert_int_equal(migrate_take_over(&w.target, &note, &err), 0);
            assert_int_equal(migrate_take_over(&w.target, &note, &err), -ESRCH);
            assert_true(w.side[TARGET].runs);
        }
        world_end(&w);
    }
}

static void test_copy_is_lost_as_well(void **state)
{
    struct migrate_note note = note_of_web();
    struct chaos_error err;
    struct world w;

    (void)state;
    note.role = MIGRATE_TARGET;
    get_in_doubt(&w);
    w.start_fails = true;
    assert_int_equal(migrate_take_over(&w.target, &note, &err), -ENOSPC);
    assert_int_equal(phase_of(&w, MIGRATE_TARGET), MIGRATE_STARTING); /* to be tried again */
    w.side[TARGET].exists = false;
    assert_int_equal(migrate_take_over(&w.target, &note, &err), -ESRCH);
    assert_int_equal(
        w.files[TARGET]->ops->read(w.files[TARGET], note.token, MIGRATE_TARGET, &note, &err),
        -ENOENT);
    restart(&w, SOURCE);
    assert_ended(&w);
    assert_true(w.side[SOURCE].runs);
    world_end(&w);
}

static void grow_old(const struct world *w, int64_t by_s)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - by_s}};
    char path[256], uuid[UUID_TEXT];

    uuid_format(note_of_web().token, uuid);
    snprintf(path, sizeof(path), "%s/migrations/%s.source", w->dir, uuid);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A target that never hears that the guest went on is told for a day; one that has it is asked for
 * ever. */
static void test_debts_end(void **state)
{
    struct chaos_error err;
    struct world w;

    (void)state;
    get_in_doubt(&w);
    grow_old(&w, 2 * MIGRATE_OWED_S);
    assert_int_equal(resolve(&w, false, &err), -EINPROGRESS);
    assert_int_equal(resolve(&w, true, &err), -ECONNABORTED);
    grow_old(&w, MIGRATE_OWED_S - 60);
    assert_int_equal(resolve(&w, false, &err), -EAGAIN);
    grow_old(&w, MIGRATE_OWED_S + 60);
    assert_int_equal(resolve(&w, false, &err), -ECONNABORTED);
    assert_int_equal(resolve(&w, false, &err), -ESRCH);
    world_end(&w);
}

/* So many notes, and no more. */
static void test_journal_is_bounded(void **state)
{
    struct migrate_note note = note_of_web();
    struct migrate_journal *journal;
    struct chaos_error err;
    struct world w;
    unsigned int nr;

    (void)state;
    world_begin(&w);
    journal = w.files[SOURCE];
    for (nr = 0; nr < MIGRATE_NOTES_MAX; nr++) {
        assert_int_equal(migrate_journal_room(journal, &err), 0);
        memcpy(note.token, &nr, sizeof(nr));
        assert_int_equal(journal->ops->write(journal, &note, &err), 0);
    }
    assert_int_equal(migrate_journal_room(journal, &err), -EUSERS);
    journal->ops->remove(journal, &note);
    assert_int_equal(migrate_journal_room(journal, &err), 0);
    world_end(&w);
}

/* Who destroyed the guest while it was in doubt has nothing to be resumed: the target has it. */
static void test_destroyed_in_doubt(void **state)
{
    struct chaos_error err;
    struct world w;

    (void)state;
    world_begin(&w);
    w.side[TARGET].die_at =
        6; /* prepare, loading, load, loaded, starting, and now it is to start */
    assert_int_equal(move(&w, &err), -EINPROGRESS);
    w.side[SOURCE].exists = false;
    restart(&w, TARGET);
    restart(&w, SOURCE);
    assert_ended(&w);
    assert_true(w.side[TARGET].runs);
    world_end(&w);
}

/* A target that says READY and this behind it; what it is sent then, by type. */
static int move_to(const void *ready, size_t length, uint32_t features, uint16_t *types,
                   struct chaos_error *err)
{
    struct migrate_header header = {.magic = htole32(MIGRATE_MAGIC),
                                    .version = htole16(MIGRATE_VERSION),
                                    .type = htole16(MIGRATE_READY),
                                    .length = htole32((uint32_t)length)};
    static char skipped[MIGRATE_PAYLOAD_MAX];
    struct world w;
    int pair[2], rc;

    world_begin(&w);
    w.features = features;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(peer_fd_new(pair[0], pair[0], 1000, &w.target_is, err), 0);
    assert_int_equal(write(pair[1], &header, sizeof(header)), sizeof(header));
    assert_int_equal(write(pair[1], ready, length), length);
    assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    rc = move(&w, err);
    while (read(pair[1], &header, sizeof(header)) == sizeof(header)) {
        *types++ = le16toh(header.type);
        assert_int_equal(recv(pair[1], skipped, le32toh(header.length), MSG_WAITALL),
                         le32toh(header.length));
    }
    *types = 0;
    close(pair[1]);
    assert_one_runs(&w);
    assert_true(w.side[SOURCE].runs);
    world_end(&w);
    return rc;
}

/* No target gets a stream that it does not say it reads. */
static void test_features(void **state)
{
    const uint32_t all[] = {htole32(STREAM_FEATURES), 7, 7}, live[] = {htole32(STREAM_LIVE)};
    struct chaos_error err;
    uint16_t types[64];
    struct world w;

    (void)state;
    world_begin(&w);
    w.features = STREAM_FEATURES;
    assert_int_equal(move(&w, &err), 0);
    world_end(&w);
    assert_int_equal(move_to("", 0, STREAM_LZ4, types, &err), -EPROTONOSUPPORT);
    assert_non_null(strstr(err.text, "cannot read what --compress sends"));
    assert_int_equal(types[0], MIGRATE_HELLO);
    assert_int_equal(types[1], MIGRATE_ABORT);
    assert_int_equal(types[2], 0);
    assert_int_equal(move_to("abc", 3, STREAM_LIVE, types, &err), -EPROTONOSUPPORT);
    assert_non_null(strstr(err.text, "cannot read what --live sends"));
    assert_int_equal(move_to(live, sizeof(live), STREAM_LZ4, types, &err), -EPROTONOSUPPORT);
    assert_int_equal(types[1], MIGRATE_ABORT);
    /* The rest may come: until the connection ends. */
    assert_int_equal(move_to(all, sizeof(all), STREAM_FEATURES, types, &err), -ECONNRESET);
    assert_int_equal(types[1], MIGRATE_DATA);
    assert_int_equal(move_to("", 0, 0, types, &err), -ECONNRESET);
    assert_int_equal(types[1], MIGRATE_DATA);
}

/* What is no migration at all. */
static void test_garbage(void **state)
{
    static const char garbage[4096] = "GET / HTTP/1.0\r\n\r\n";
    const struct iovec part = {(void *)garbage, sizeof(garbage)};
    struct peer *peer;
    struct world w;

    (void)state;
    world_begin(&w);
    peer = dial(&w);
    peer->ops->write(peer, &part, 1);
    join_servers(&w);
    peer->ops->close(peer);
    assert_int_equal(w.side[TARGET].calls, 0);
    assert_ended(&w);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_start_fails),
        cmocka_unit_test(test_cannot_go_on),
        cmocka_unit_test(test_cut_source),
        cmocka_unit_test(test_cut_target),
        cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_discarded),
        cmocka_unit_test(test_running_is_kept),
        cmocka_unit_test(test_target_is_lost),
        cmocka_unit_test(test_target_is_not_lost),
        cmocka_unit_test(test_source_is_lost),
        cmocka_unit_test(test_copy_is_lost_as_well),
        cmocka_unit_test(test_debts_end),
        cmocka_unit_test(test_journal_is_bounded),
        cmocka_unit_test(test_destroyed_in_doubt),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
