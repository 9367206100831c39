// SPDX-License-Identifier: BSD-3-Clause
#include "two_hosts.h"

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
#include "departures.h"
#include "elf_maker.h"
#include "migrations.h"
#include "refill.h"
#include "scratch.h"
#include "server.h"
#include "stats.h"
#include "worker.h"

const struct module *const modules[] = {
    &worker_module,     &server_module,     &stats_module,    &refill_module, &movers_module,
    &migrations_module, &departures_module, &arrivals_module, NULL,
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

struct host here, there;
struct chaos_domain guest;
struct chaos_error err;
char address[64];
char guest_kernel[128];
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

int start_with(struct host *host)
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

void start(struct host *host)
{
    if (start_with(host) < 0)
        fail_msg("%s", err.text);
}

/* What other threads are at. */
static size_t load(const struct host *host)
{
    return movers_load(&host->daemon) + worker_load(&host->daemon);
}

void stop(struct host *host)
{
    size_t nr = sizeof(modules) / sizeof(modules[0]) - 1;

    for (size_t i = 0; i < nr; i++)
        if (modules[i]->quiesce)
            modules[i]->quiesce(&host->daemon);
    while (load(host) > 0)
        assert_int_equal(loop_turn(host->daemon.loop, true), 0);
    while (nr-- > 0)
        modules[nr]->fini(&host->daemon);
    loop_free(host->daemon.loop);
    close(host->client);
}

void set_file(char out[256], const char *name)
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
    host->daemon.settings.adaptive = false;
    set_file(migration->authority, "ours-ca.pem");
    set_file(migration->certificate, "ours.pem");
    set_file(migration->key, "ours.key");
    assert_int_equal(open(&host->chaos, &err), 0);
    host->daemon.chaos = host->chaos;
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

struct chaos_config guest_config(void)
{
    return (struct chaos_config){.name = "web",
                                 .kernel = guest_kernel,
                                 .cmdline = (char *)"x",
                                 .memory_mib = 1,
                                 .vcpus = 1,
                                 .nr_vifs = 1,
                                 .vifs = {{.bridge = "xenbr0"}}};
}

int set_up(void **state)
{
    struct chaos_config config;
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
    strcpy(guest_kernel, scratch_file("kernel", maker.bytes, maker.size));
    config = guest_config();
    assert_int_equal(chaos_domain_create(here.chaos, &config, NULL, &guest, &err), 0);
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    chaos_close(here.chaos);
    chaos_close(there.chaos);
    fake_hv_free(here.fake);
    fake_hv_free(there.fake);
    scratch_remove();
    return 0;
}

struct fake_domain *guest_here(void)
{
    return fake_domain(here.fake, guest.domid);
}

struct fake_domain *guest_there(void)
{
    struct chaos_domain domain;

    return chaos_domain_find(there.chaos, "web", &domain, &err) == 0
               ? fake_domain(there.fake, domain.domid)
               : NULL;
}

/* ---------------------------------------------------------------- clients */

void turn(void)
{
    if (here.daemon.migrations)
        assert_int_equal(loop_turn(here.daemon.loop, false), 0);
    if (there.daemon.migrations)
        assert_int_equal(loop_turn(there.daemon.loop, false), 0);
    usleep(200);
}

bool receive(struct host *host)
{
    ssize_t r = recv(host->client, host->packet, sizeof(host->packet), MSG_DONTWAIT);

    if (r <= 0)
        return false;
    assert_int_equal(wire_parse(host->packet, (size_t)r, &host->header, &host->fields), 0);
    return true;
}

void ask(struct host *host, uint16_t type, const char *which, const char *to)
{
    ask_with(host, type, which, to, 0);
}

void ask_with(struct host *host, uint16_t type, const char *which, const char *to, uint32_t options)
{
    struct wire_writer writer;
    size_t length;

    wire_begin(&writer, host->packet, WIRE_MESSAGE_MAX, type, 0, 42);
    if (which)
        wire_put_string(&writer, WIRE_WHICH, which);
    if (to)
        wire_put_string(&writer, WIRE_HOST, to);
    wire_put_u32(&writer, WIRE_TIMEOUT_MS, 50);
    wire_put_u32(&writer, WIRE_OPTIONS, options);
    length = wire_end(&writer);
    assert_int_equal(send(host->client, host->packet, length, 0), length);
}

void await_answer(struct host *host)
{
    const uint64_t end = loop_now() + PATIENCE_NS;

    while (!receive(host)) {
        assert_true(loop_now() < end);
        turn();
    }
}

void settle(void)
{
    const uint64_t end = loop_now() + PATIENCE_NS;
    unsigned int calm = 0;

    while (calm++ < 5) {
        assert_true(loop_now() < end);
        turn();
        if ((here.daemon.migrations && load(&here) > 0) ||
            (there.daemon.migrations && load(&there) > 0))
            calm = 0;
    }
}

void refused(struct host *host, uint16_t type, const char *which, const char *to, int code,
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

void granted(struct host *host, uint16_t type, const char *which, const char *to)
{
    ask(host, type, which, to);
    await_answer(host);
    if (host->header.flags & WIRE_ERROR)
        fail_msg("%s", wire_find_string(&host->fields, WIRE_ERROR_TEXT, ""));
    settle();
}

void both_start(void)
{
    start(&there);
    start(&here);
}

void both_stop(void)
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

void assert_moved(void)
{
    fake_hv_assert_empty(here.fake);
    assert_non_null(guest_there());
    assert_true(guest_there()->started);
    assert_no_notes();
}

void assert_stayed(void)
{
    assert_non_null(guest_here());
    assert_false(guest_here()->shutdown);
    assert_false(guest_here()->paused);
    fake_hv_assert_empty(there.fake);
    assert_no_notes();
}

void await_end(void)
{
    const uint64_t end = loop_now() + PATIENCE_NS;

    while (scratch_count("here/migrations") + scratch_count("there/migrations") > 0) {
        assert_true(loop_now() < end);
        turn();
    }
    settle();
}
