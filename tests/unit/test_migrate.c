// SPDX-License-Identifier: BSD-3-Clause
/*
 * The handshake of a migration against cuts of the connection at every byte, and deaths of either
 * side before and after each thing that it does: never do both run the guest, and in the end one
 * does.
 */
#include <errno.h>
#include <string.h>

#include "migrate_world.h"

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
        cmocka_unit_test(test_cut_source),
        cmocka_unit_test(test_cut_target),
        cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_discarded),
        cmocka_unit_test(test_running_is_kept),
        cmocka_unit_test(test_destroyed_in_doubt),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
