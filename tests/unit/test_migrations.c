// SPDX-License-Identifier: BSD-3-Clause
/*
 * Two chaosd in this process, each on a hypervisor in memory of its own, that move a guest over
 * TLS: what is asked of them, who is refused, and what they make of a journal that they find.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrivals.h"
#include "chaos.h"
#include "checkpoint_maker.h"
#include "departures.h"
#include "elf_maker.h"
#include "fake_hv.h"
#include "guest_move.h"
#include "holds.h"
#include "migrations.h"
#include "movers.h"
#include "scratch.h"
#include "server.h"

#define PATIENCE_NS 20000000000u /* the machine may be busy with other things */

const struct module *const modules[] = {
    &server_module, &movers_module, &migrations_module, &departures_module, &arrivals_module, NULL,
};

/* Nobody here makes or unmakes domains for chaosd's clients. */
void daemon_created(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config)
{
    (void)config;
    fail_msg("%p was told of %s", (void *)daemon, domain->name);
}

void daemon_destroyed(struct daemon *daemon, const struct chaos_domain *domain)
{
    fail_msg("%p was told of %s", (void *)daemon, domain->name);
}

struct host {
    struct daemon daemon;
    struct fake_hv *fake;
    struct chaos *chaos; /* the test's own handle, while no mover runs */
    char dir[96];
    int client;
    struct wire_header header; /* of what was received last */
    struct wire_reader fields;
    uint8_t packet[WIRE_MESSAGE_MAX + 1];
};

static struct host here, there;
static struct chaos_domain guest;
static struct chaos_error err;
static char address[64]; /* where the host there listens */
static const char *dir;

static int open_here(struct chaos **out, struct chaos_error *error)
{
    return chaos_new(&here.fake->hv, &here.fake->bus, here.dir, out, error);
}

static int open_there(struct chaos **out, struct chaos_error *error)
{
    return chaos_new(&there.fake->hv, &there.fake->bus, there.dir, out, error);
}

/* ---------------------------------------------------------------- hosts */

static int start_with(struct host *host)
{
    int pair[2];

    host->daemon.loop = loop_new();
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->init && (*m)->init(&host->daemon, &err) < 0) {
            while (m-- != modules)
                (*m)->fini(&host->daemon);
            loop_free(host->daemon.loop);
            return err.code;
        }
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(server_adopt(&host->daemon, pair[0], &err), 0);
    host->client = pair[1];
    return 0;
}

static void start(struct host *host)
{
    if (start_with(host) < 0)
        fail_msg("%s", err.text);
}

static void stop(struct host *host)
{
    size_t nr = sizeof(modules) / sizeof(modules[0]) - 1;

    for (size_t i = 0; i < nr; i++)
        if (modules[i]->quiesce)
            modules[i]->quiesce(&host->daemon);
    while (movers_load(&host->daemon) > 0)
        assert_int_equal(loop_turn(host->daemon.loop, true), 0);
    while (nr-- > 0)
        modules[nr]->fini(&host->daemon);
    loop_free(host->daemon.loop);
    close(host->client);
}

static void set_file(char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", dir, name);
}

static void make_host(struct host *host, const char *name, chaos_opener *open)
{
    struct migration_settings *migration = &host->daemon.settings.migration;

    memset(host, 0, sizeof(*host));
    snprintf(host->dir, sizeof(host->dir), "%s/%s", dir, name);
    assert_int_equal(mkdir(host->dir, 0700), 0);
    host->fake = fake_hv_new();
    host->daemon.open = open;
    host->daemon.run_dir = host->dir;
    settings_default(&host->daemon.settings);
    set_file(migration->authority, "ours-ca.pem");
    set_file(migration->certificate, "ours.pem");
    set_file(migration->key, "ours.key");
    assert_int_equal(open(&host->chaos, &err), 0);
}

static unsigned int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static int set_up(void **state)
{
    static char kernel[128];
    struct chaos_config config = {.name = "web",
                                  .kernel = kernel,
                                  .cmdline = (char *)"x",
                                  .memory_mib = 1,
                                  .vcpus = 1,
                                  .nr_vifs = 1};
    char command[1024];
    struct elf_maker maker;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    dir = scratch_make();
    snprintf(command, sizeof(command), "%s %s", MAKE_CERTIFICATES, dir);
    assert_int_equal(system(command), 0); // NOLINT: the test's own words
    make_host(&here, "here", open_here);
    make_host(&there, "there", open_there);
    snprintf(address, sizeof(address), "127.0.0.1:%u", free_port());
    assert_true(settings_listen(&there.daemon.settings, address));
    elf_make(&maker);
    strcpy(kernel, scratch_file("kernel", maker.bytes, maker.size));
    strcpy(config.vifs[0].bridge, "xenbr0");
    assert_int_equal(chaos_domain_create(here.chaos, &config, NULL, &guest, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    chaos_close(here.chaos);
    chaos_close(there.chaos);
    fake_hv_free(here.fake);
    fake_hv_free(there.fake);
    scratch_remove();
    return 0;
}

static struct fake_domain *guest_here(void)
{
    return fake_domain(here.fake, guest.domid);
}

/* NULL: there is none. */
static struct fake_domain *guest_there(void)
{
    struct chaos_domain domain;

    return chaos_domain_find(there.chaos, "web", &domain, &err) == 0
               ? fake_domain(there.fake, domain.domid)
               : NULL;
}

/* ---------------------------------------------------------------- clients */

static void turn(void)
{
    if (here.daemon.migrations)
        assert_int_equal(loop_turn(here.daemon.loop, false), 0);
    if (there.daemon.migrations)
        assert_int_equal(loop_turn(there.daemon.loop, false), 0);
    usleep(200);
}

static bool receive(struct host *host)
{
    ssize_t r = recv(host->client, host->packet, sizeof(host->packet), MSG_DONTWAIT);

    if (r <= 0)
        return false;
    assert_int_equal(wire_parse(host->packet, (size_t)r, &host->header, &host->fields), 0);
    return true;
}

static void ask(struct host *host, uint16_t type, const char *which, const char *to)
{
    struct wire_writer writer;
    size_t length;

    wire_begin(&writer, host->packet, WIRE_MESSAGE_MAX, type, 0, 42);
    if (which)
        wire_put_string(&writer, WIRE_WHICH, which);
    if (to)
        wire_put_string(&writer, WIRE_HOST, to);
    wire_put_u32(&writer, WIRE_TIMEOUT_MS, 50);
    length = wire_end(&writer);
    assert_int_equal(send(host->client, host->packet, length, 0), length);
}

static void await_answer(struct host *host)
{
    const uint64_t end = loop_now() + PATIENCE_NS;

    while (!receive(host)) {
        assert_true(loop_now() < end);
        turn();
    }
}

/* And until all that it set going has ended. */
static void settle(void)
{
    const uint64_t end = loop_now() + PATIENCE_NS;
    unsigned int calm = 0;

    while (calm++ < 5) {
        assert_true(loop_now() < end);
        turn();
        if ((here.daemon.migrations && movers_load(&here.daemon) > 0) ||
            (there.daemon.migrations && movers_load(&there.daemon) > 0))
            calm = 0;
    }
}

static void refused(struct host *host, uint16_t type, const char *which, const char *to, int code,
                    const char *text)
{
    ask(host, type, which, to);
    await_answer(host);
    settle();
    assert_true(host->header.flags & WIRE_ERROR);
    if (wire_find_number(&host->fields, WIRE_ERROR_CODE, 0) != (uint64_t)-code ||
        !strstr(wire_find_string(&host->fields, WIRE_ERROR_TEXT, ""), text))
        fail_msg("%s", wire_find_string(&host->fields, WIRE_ERROR_TEXT, ""));
}

static void granted(struct host *host, uint16_t type, const char *which, const char *to)
{
    ask(host, type, which, to);
    await_answer(host);
    if (host->header.flags & WIRE_ERROR)
        fail_msg("%s", wire_find_string(&host->fields, WIRE_ERROR_TEXT, ""));
    settle();
}

static void both_start(void)
{
    start(&there);
    start(&here);
}

static void both_stop(void)
{
    stop(&here);
    stop(&there);
}

static void assert_no_notes(void)
{
    assert_int_equal(scratch_count("here/migrations"), 0);
    assert_int_equal(scratch_count("there/migrations"), 0);
    assert_int_equal(scratch_count("here/suspended"), 0);
}

static void assert_moved(void)
{
    fake_hv_assert_empty(here.fake);
    assert_non_null(guest_there());
    assert_true(guest_there()->started);
    assert_no_notes();
}

static void assert_stayed(void)
{
    assert_non_null(guest_here());
    assert_false(guest_here()->shutdown);
    assert_false(guest_here()->paused);
    fake_hv_assert_empty(there.fake);
    assert_no_notes();
}

/* Until the journals are empty: a try may come too early for the other side. */
static void await_end(void)
{
    const uint64_t end = loop_now() + PATIENCE_NS;

    while (scratch_count("here/migrations") + scratch_count("there/migrations") > 0) {
        assert_true(loop_now() < end);
        turn();
    }
    settle();
}

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
    both_start();
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
