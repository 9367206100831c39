// SPDX-License-Identifier: BSD-3-Clause
/*
 * Two chaosd that move a guest over TLS: what is asked of them, who is refused, and what they make
 * of a journal that they find.
 */
#include "two_hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arrivals.h"
#include "checkpoint_maker.h"
#include "guest_move.h"
#include "holds.h"
#include "migrate_journal.h"
#include "migrations.h"
#include "refill.h"
#include "scratch.h"
#include "worker.h"

/* ---------------------------------------------------------------- moving */

static void test_moves(void **state)
{
    struct wire_field field;

    (void)state;
    both_start();
    granted(&here, WIRE_MIGRATE, "web", address);
    assert_true(wire_find(&here.fields, WIRE_DOMAIN, WIRE_GROUP, &field));
    both_stop();
    assert_moved();
}

/* There is one bridge on either host, and it is called xenbr0. */
static void test_bridge_of_another_name(void **state)
{
    struct migration_settings *migration = &there.daemon.settings.migration;

    (void)state;
    strcpy(migration->bridge[0].theirs, "br7");
    strcpy(migration->bridge[0].ours, "lan");
    strcpy(migration->bridge[1].theirs, "xenbr0");
    strcpy(migration->bridge[1].ours, "lan");
    both_start();
    migration->nr_bridges = 2;
    refused(&here, WIRE_MIGRATE, "web", address, -ENODEV, "no such bridge");
    migration->nr_bridges = 1;
    granted(&here, WIRE_MIGRATE, "web", address);
    both_stop();
    assert_moved();
}

/* ---------------------------------------------------------------- shells */

/* A pool of the host there; its shells have one vif, or none. */
static void add_pool(const char *name, uint32_t mib, uint32_t vifs, uint32_t level)
{
    static struct pool_settings pools[2];
    struct settings *settings = &there.daemon.settings;
    struct pool_settings *pool = &pools[settings->nr_pools++];

    settings->pools = pools;
    *pool = (struct pool_settings){.low = level, .high = level};
    strcpy(pool->name, name);
    pool->flavour = (struct flavour){.memory_mib = mib, .vcpus = 1, .nr_vifs = vifs};
    strcpy(pool->flavour.bridge[0], vifs ? "xenbr0" : "");
}

static struct pool *pool_of(const char *name)
{
    return pools_find(refill_pools(&there.daemon), name);
}

static void await_level(const char *name, uint32_t level)
{
    const uint64_t end = loop_now() + PATIENCE_NS;

    while (pool_of(name)->level != level || worker_load(&there.daemon) > 0) {
        assert_true(loop_now() < end);
        turn();
    }
}

static void let_shells_go(void)
{
    both_stop();
    assert_int_equal(shell_adopt(there.chaos, NULL, NULL, &err), 0);
}

/* The guest comes into a shell, in whose place there is another one then. */
static void test_into_shell(void **state)
{
    uint32_t domid;

    (void)state;
    add_pool("small", 1, 1, 1);
    both_start();
    await_level("small", 1);
    domid = shell_domid(pool_of("small")->shells[0]);
    granted(&here, WIRE_MIGRATE, "web", address);
    assert_int_equal(guest_there()->domid, domid);
    assert_int_equal(pool_of("small")->counts.hits, 1);
    await_level("small", 1);
    let_shells_go();
    assert_moved();
}

/* What is refused leaves the shell to others. */
static void test_shell_is_given_back(void **state)
{
    struct chaos_config config = {.name = "web", .memory_mib = 1, .vcpus = 1};
    struct chaos_domain other;
    uint32_t domid;

    (void)state;
    add_pool("small", 1, 1, 1);
    both_start();
    await_level("small", 1);
    domid = shell_domid(pool_of("small")->shells[0]);
    config.kernel = guest_kernel;
    config.cmdline = (char *)"";
    assert_int_equal(chaos_domain_create(there.chaos, &config, NULL, &other, &err), 0);
    refused(&here, WIRE_MIGRATE, "web", address, -EEXIST, "exists");
    assert_int_equal(pool_of("small")->level, 1);
    assert_int_equal(pool_of("small")->counts.hits, 0);
    assert_int_equal(chaos_domain_destroy(there.chaos, &other, false, &err), 0);
    granted(&here, WIRE_MIGRATE, "web", address);
    assert_int_equal(guest_there()->domid, domid);
    await_level("small", 1);
    let_shells_go();
    assert_moved();
}

/* The guest goes away there, and is made here anew. */
static void guest_again(void)
{
    const struct chaos_config config = guest_config();
    struct chaos_domain domain;

    assert_int_equal(chaos_domain_find(there.chaos, "web", &domain, &err), 0);
    assert_int_equal(chaos_domain_destroy(there.chaos, &domain, false, &err), 0);
    assert_int_equal(chaos_domain_create(here.chaos, &config, NULL, &guest, &err), 0);
}

/* Guests that come are demand like others: from the second on there are shells for them. */
static void test_demand_for_shells(void **state)
{
    struct chaos_config config = {.name = "web", .memory_mib = 1, .vcpus = 1};
    struct chaos_domain other;

    (void)state;
    there.daemon.settings.adaptive = true;
    both_start();
    config.kernel = guest_kernel;
    config.cmdline = (char *)"";
    assert_int_equal(chaos_domain_create(there.chaos, &config, NULL, &other, &err), 0);
    refused(&here, WIRE_MIGRATE, "web", address, -EEXIST, "exists");
    assert_null(pool_of("auto-1")); /* one that did not come is none */
    assert_int_equal(chaos_domain_destroy(there.chaos, &other, false, &err), 0);
    granted(&here, WIRE_MIGRATE, "web", address);
    assert_non_null(pool_of("auto-1"));
    assert_int_equal(pool_of("auto-1")->counts.misses, 1);
    guest_again();
    granted(&here, WIRE_MIGRATE, "web", address);
    await_level("auto-1", 1);
    assert_int_equal(pool_of("auto-1")->counts.misses, 2);
    guest_again();
    granted(&here, WIRE_MIGRATE, "web", address);
    assert_int_equal(pool_of("auto-1")->counts.hits, 1);
    assert_int_equal(pool_of("auto-1")->counts.misses, 2);
    let_shells_go();
    assert_moved();
}

/* None fits, and they have all the memory: then the largest goes. */
static void test_shells_make_room(void **state)
{
    const uint64_t end = loop_now() + PATIENCE_NS;

    (void)state;
    add_pool("large", 60, 0, 1);
    add_pool("small", 1, 0, 5);
    both_start();
    await_level("large", 1);
    while (pool_of("small")->why[0] == '\0') {
        assert_true(loop_now() < end);
        turn();
    }
    granted(&here, WIRE_MIGRATE, "web", address);
    assert_int_equal(pool_of("large")->level, 0);
    let_shells_go();
    assert_moved();
}

static void test_refused(void **state)
{
    char longest[200];

    (void)state;
    both_start();
    refused(&here, WIRE_MIGRATE, "web", "", -EINVAL, "HOST[:PORT]");
    refused(&here, WIRE_MIGRATE, "web", "-oProxyCommand=x", -EINVAL, "HOST[:PORT]");
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    refused(&here, WIRE_MIGRATE, longest, address, -EINVAL, "so long");
    refused(&here, WIRE_MIGRATE, "nobody", address, -ENOENT, "no domain");
    refused(&here, WIRE_MIGRATE, "0", address, -EPERM, "control domain");
    refused(&here, WIRE_MIGRATE_FINISH, "web", NULL, -ENOENT, "no migration of \"web\"");
    refused(&here, WIRE_MIGRATE_DISCARD, "web", NULL, -ENOENT, "no copy of \"web\"");
    here.daemon.settings.migration.outgoing = 0;
    refused(&here, WIRE_MIGRATE, "web", address, -EUSERS, "no more at once");
    here.daemon.settings.migration.outgoing = 1;
    there.daemon.settings.migration.incoming = 0;
    refused(&here, WIRE_MIGRATE, "web", address, -EUSERS, "takes no guests");
    there.daemon.settings.migration.incoming = 1;
    guest_here()->deaf = true;
    refused(&here, WIRE_MIGRATE, "web", address, -ETIMEDOUT, "did not suspend itself");
    guest_here()->deaf = false;
    granted(&here, WIRE_MIGRATE, "web", address);
    both_stop();
    assert_moved();
}

/* Each call of the host's hypervisor fails in its turn: then the guest goes on here, or has moved.
 */
static void moves_despite_failures(struct host *host)
{
    unsigned int nr;
    bool moved = false;

    both_start();
    for (nr = 1; !moved; nr++) {
        host->fake->calls = 0;
        host->fake->fail_at = nr;
        host->fake->fail_with = -ENOMEM;
        ask(&here, WIRE_MIGRATE, "web", address);
        await_answer(&here);
        settle();
        host->fake->fail_at = 0;
        await_end(); /* what could not be resumed, or destroyed, is tried again */
        moved = !guest_here();
        if (!moved) {
            assert_false(guest_here()->shutdown);
            assert_null(guest_there());
        }
    }
    assert_true(nr > 5);
    await_end();
    both_stop();
    assert_moved();
}

static void test_failures_here(void **state)
{
    (void)state;
    moves_despite_failures(&here);
}

static void test_failures_there(void **state)
{
    (void)state;
    moves_despite_failures(&there);
}

static void test_without_certificates(void **state)
{
    (void)state;
    there.daemon.settings.migration.authority[0] = '\0';
    assert_int_equal(start_with(&there), -EINVAL);
    assert_non_null(strstr(err.text, "needs authority, certificate and key"));
    set_file(there.daemon.settings.migration.authority, "none.pem");
    assert_int_equal(start_with(&there), -EINVAL);
    here.daemon.settings.migration.authority[0] = '\0';
    start(&here);
    refused(&here, WIRE_MIGRATE, "web", address, -EPERM, "no certificates");
    stop(&here);
    assert_stayed();
}

/* ---------------------------------------------------------------- strangers */

static int connect_there(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_port = htons(arrivals_port(&there.daemon));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void test_strangers(void **state)
{
    int fd[ARRIVALS_STRANGERS + 4], i;
    uint64_t before;

    (void)state;
    both_start();
    for (i = 0; i < ARRIVALS_STRANGERS + 4; i++)
        fd[i] = connect_there();
    for (i = 0; i < 300; i++)
        turn();
    assert_int_equal(movers_load(&there.daemon), ARRIVALS_STRANGERS); /* the others wait */
    ask(&there, WIRE_MIGRATIONS, NULL, NULL);
    await_answer(&there); /* it has time for others */
    assert_int_equal(write(fd[0], "GET / HTTP/1.0\r\n\r\n", 18), 18);
    for (i = 0; i < ARRIVALS_STRANGERS + 4; i++)
        close(fd[i]);
    granted(&here, WIRE_MIGRATE, "web", address);
    fd[0] = connect_there();
    for (i = 0; i < 20; i++)
        turn();
    assert_int_equal(movers_load(&there.daemon), 1);
    before = loop_now();
    both_stop(); /* without waiting for it */
    assert_true(loop_now() - before < ARRIVALS_GREET_MS * 700000ull);
    close(fd[0]);
    assert_moved();
}

/* Who shows another authority's certificate is refused by either side. */
static void test_other_authority(void **state)
{
    struct migration_settings *migration = &here.daemon.settings.migration;

    (void)state;
    set_file(migration->certificate, "theirs.pem");
    set_file(migration->key, "theirs.key");
    both_start();
    ask(&here, WIRE_MIGRATE, "web", address);
    await_answer(&here);
    assert_true(here.header.flags & WIRE_ERROR);
    settle();
    stop(&here);
    set_file(migration->authority, "theirs-ca.pem");
    start(&here);
    refused(&here, WIRE_MIGRATE, "web", address, -EACCES, "certificate is not accepted");
    both_stop();
    assert_stayed();
}

/* ---------------------------------------------------------------- what is found in the journal */

static void note(struct host *host, struct migrate_note *of, enum migrate_phase phase)
{
    struct migrate_journal *journal;

    assert_int_equal(migrate_journal_open(host->dir, &journal, &err), 0);
    of->phase = phase;
    assert_int_equal(journal->ops->write(journal, of, &err), 0);
    journal->ops->close(journal);
}

static struct migrate_note note_of(enum migrate_role role)
{
    struct migrate_note of = {.role = role, .name = "web", .token = "123456789abcdef"};

    strcpy(of.peer, address);
    if (role == MIGRATE_SOURCE) {
        of.domid = guest.domid;
        memcpy(of.uuid, guest.uuid, sizeof(of.uuid));
    }
    return of;
}

/* As far as a migration gets until its source says GO; then both daemons die. */
static void load_copy(enum migrate_phase phase_here, enum migrate_phase phase_there)
{
    struct migrate_note source = note_of(MIGRATE_SOURCE), target = note_of(MIGRATE_TARGET);
    const struct guest_source_options how = {.timeout_ms = 50};
    static struct maker_bytes bytes;
    struct guest_source *leaving;
    struct guest_target *coming;
    struct migrate_offer offer;

    bytes.length = bytes.read = 0;
    assert_int_equal(guest_source_open(here.chaos, &guest, &how, &leaving, &err), 0);
    assert_int_equal(guest_target_open(there.chaos, &target, NULL, NULL, &coming, &err), 0);
    assert_int_equal(guest_source_offer(leaving, &offer, &err), 0);
    assert_int_equal(guest_target_ops.prepare(coming, &offer, &target, &err), 0);
    note(&here, &source, MIGRATE_SENDING);
    assert_int_equal(guest_source_send(leaving, maker_write, &bytes, &err), 0);
    assert_int_equal(guest_target_ops.load(coming, maker_read, &bytes, &err), 0);
    note(&here, &source, phase_here);
    note(&there, &target, phase_there);
    guest_source_close(leaving);
    guest_target_close(coming);
    assert_true(guest_here()->shutdown);
    assert_false(guest_there()->started);
}

static void both_go_on(void)
{
    start(&there);
    settle(); /* its hypervisor in memory is for one thread at a time */
    start(&here);
    await_end();
    both_stop();
}

static void test_died_while_sending(void **state)
{
    (void)state;
    load_copy(MIGRATE_SENDING, MIGRATE_LOADING);
    both_go_on();
    assert_stayed();
    load_copy(MIGRATE_SENDING, MIGRATE_LOADED);
    both_go_on();
    assert_stayed();
}

static void test_died_in_doubt(void **state)
{
    (void)state;
    load_copy(MIGRATE_COMMITTING, MIGRATE_LOADED);
    both_go_on();
    assert_moved();
}

static void test_died_while_starting(void **state)
{
    (void)state;
    load_copy(MIGRATE_COMMITTING, MIGRATE_STARTING);
    start(&there);
    settle();
    assert_true(guest_there()->started); /* whether or not anybody asks */
    start(&here);
    await_end();
    both_stop();
    assert_moved();
}

static void test_target_lost_it(void **state)
{
    struct migrate_note source = note_of(MIGRATE_SOURCE);

    (void)state;
    fake_guest_suspend(here.fake, guest.domid);
    note(&here, &source, MIGRATE_COMMITTING);
    both_go_on();
    assert_stayed();
}

/* The note of a guest that is gone, and whose name another one has. */
static void test_died_after_destroying(void **state)
{
    struct migrate_note source = note_of(MIGRATE_SOURCE);

    (void)state;
    source.domid += 1;
    note(&here, &source, MIGRATE_COMMITTING);
    both_go_on();
    assert_stayed();
    source.domid -= 1;
    note(&here, &source, MIGRATE_LEFT);
    both_go_on();
    assert_stayed();
}

static bool is_held(void)
{
    const struct hold *hold = here.daemon.holds;

    while (hold && hold->domid != guest.domid)
        hold = hold->next;
    return hold != NULL;
}

/* A guest that went on is its own, however long it takes to tell the target. */
static void test_target_is_not_heard_of(void **state)
{
    (void)state;
    load_copy(MIGRATE_SENDING, MIGRATE_LOADED);
    start(&here);
    assert_true(is_held());
    refused(&here, WIRE_MIGRATE_FINISH, "web", NULL, -EAGAIN, "web went on here");
    assert_false(guest_here()->shutdown);
    assert_false(is_held());
    assert_int_equal(chaos_domain_pause(here.chaos, &guest, &err), 0);
    assert_int_equal(chaos_domain_unpause(here.chaos, &guest, &err), 0);
    start(&there);
    await_end();
    both_stop();
    assert_stayed();
}

/* ---------------------------------------------------------------- in doubt */

static unsigned int notes_listed(struct host *host, const char *phase)
{
    struct wire_field field;
    unsigned int nr = 0;

    ask(host, WIRE_MIGRATIONS, NULL, NULL);
    await_answer(host);
    do {
        while (wire_next(&host->fields, &field)) {
            const struct wire_reader group = wire_group(&field);

            assert_int_equal(field.tag, WIRE_MIGRATION);
            assert_string_equal(wire_find_string(&group, WIRE_NAME, ""), "web");
            assert_string_equal(wire_find_string(&group, WIRE_PHASE, ""), phase);
            assert_string_equal(wire_find_string(&group, WIRE_HOST, ""), address);
            nr++;
        }
    } while (host->header.flags & WIRE_MORE && receive(host));
    return nr;
}

static void test_in_doubt(void **state)
{
    (void)state;
    load_copy(MIGRATE_COMMITTING, MIGRATE_LOADED);
    start(&here); /* and nobody there */
    assert_true(is_held());
    refused(&here, WIRE_MIGRATE_FINISH, "web", NULL, -EINPROGRESS, "chaos migrate --finish web");
    assert_true(guest_here()->shutdown);
    assert_int_equal(notes_listed(&here, "committing"), 1);
    refused(&here, WIRE_MIGRATE, "web", address, -EBUSY, "--finish web");
    assert_int_equal(chaos_domain_unpause(here.chaos, &guest, &err), -EBUSY);
    assert_int_equal(chaos_domain_destroy(here.chaos, &guest, false, &err), -EBUSY);
    start(&there);
    granted(&here, WIRE_MIGRATE_FINISH, "web", NULL);
    assert_false(is_held());
    assert_string_equal(wire_find_string(&here.fields, WIRE_HOST, ""), address);
    assert_int_equal(notes_listed(&here, ""), 0);
    both_stop();
    assert_moved();
}

static void test_discarded(void **state)
{
    (void)state;
    load_copy(MIGRATE_COMMITTING, MIGRATE_LOADED);
    start(&there);
    settle();
    assert_int_equal(notes_listed(&there, "loaded"), 1);
    granted(&there, WIRE_MIGRATE_DISCARD, "web", NULL);
    start(&here);
    granted(&here, WIRE_MIGRATE_FINISH, "web", NULL);
    assert_string_equal(wire_find_string(&here.fields, WIRE_HOST, ""), "");
    both_stop();
    assert_stayed();
}

static void finish_forced(struct host *host)
{
    ask_with(host, WIRE_MIGRATE_FINISH, "web", NULL, WIRE_OPTION_FORCE);
    await_answer(host);
    settle();
    if (host->header.flags & WIRE_ERROR)
        fail_msg("%s", wire_find_string(&host->fields, WIRE_ERROR_TEXT, ""));
    assert_string_equal(wire_find_string(&host->fields, WIRE_HOST, ""), "");
}

/* At the address of the host there: somebody who says nothing. */
static int be_silent(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    at.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Said in the midst of a try, which was begun without that word. */
static void test_target_is_lost(void **state)
{
    int silent;

    (void)state;
    load_copy(MIGRATE_COMMITTING, MIGRATE_LOADED);
    silent = be_silent();
    here.daemon.settings.migration.timeout_s = 1;
    start(&here);
    while (movers_load(&here.daemon) == 0)
        turn();
    finish_forced(&here);
    close(silent);
    assert_false(guest_here()->shutdown);
    assert_false(is_held());
    assert_int_equal(notes_listed(&here, "stayed"), 1);
    finish_forced(&here);
    assert_int_equal(notes_listed(&here, ""), 0);
    start(&there); /* where it waits until somebody decides */
    settle();
    granted(&there, WIRE_MIGRATE_DISCARD, "web", NULL);
    both_stop();
    assert_stayed();
}

static void test_source_is_lost(void **state)
{
    (void)state;
    load_copy(MIGRATE_COMMITTING, MIGRATE_LOADED);
    start(&there);
    settle();
    refused(&there, WIRE_MIGRATE_FINISH, "web", NULL, -EBUSY, "waits for the host");
    finish_forced(&there);
    assert_true(guest_there()->started);
    assert_int_equal(notes_listed(&there, "running"), 1);
    refused(&there, WIRE_MIGRATE_FINISH, "web", NULL, -EBUSY, "runs here");
    start(&here); /* not lost after all: it hears that its own has to go */
    await_end();
    both_stop();
    assert_moved();
}

/* A guest has two migrations, one of which is over but for a word: the other one is meant. */
static void test_the_one_that_holds_is_meant(void **state)
{
    struct migrate_note older = note_of(MIGRATE_SOURCE), newer = note_of(MIGRATE_SOURCE), found;
    struct migrate_journal *journal;

    (void)state;
    for (int round = 0; round <= 1; round++) { /* whichever is found first */
        older.token[0] = round ? 'z' : 'a';
        newer.token[0] = round ? 'a' : 'z';
        note(&here, &older, MIGRATE_STAYED);
        note(&here, &newer, MIGRATE_COMMITTING);
        start(&here);
        assert_int_equal(migrations_find(&here.daemon, false, "web", &found, &err), 0);
        assert_int_equal(found.phase, MIGRATE_COMMITTING);
        journal = here.daemon.migrations->journal;
        journal->ops->remove(journal, &older);
        journal->ops->remove(journal, &newer);
        stop(&here);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_into_shell),
        TEST(test_shell_is_given_back),
        TEST(test_demand_for_shells),
        TEST(test_shells_make_room),
        TEST(test_moves),
        TEST(test_bridge_of_another_name),
        TEST(test_refused),
        TEST(test_failures_here),
        TEST(test_failures_there),
        TEST(test_without_certificates),
        TEST(test_strangers),
        TEST(test_other_authority),
        TEST(test_died_while_sending),
        TEST(test_died_in_doubt),
        TEST(test_died_while_starting),
        TEST(test_target_lost_it),
        TEST(test_died_after_destroying),
        TEST(test_target_is_not_heard_of),
        TEST(test_in_doubt),
        TEST(test_discarded),
        TEST(test_target_is_lost),
        TEST(test_source_is_lost),
        TEST(test_the_one_that_holds_is_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
