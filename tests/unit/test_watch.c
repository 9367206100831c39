// SPDX-License-Identifier: BSD-3-Clause
/*
 * chaosd's view of guests, on the hypervisor in memory: who comes and goes, what is done about
 * ends, events, and consoles. Workers and creates are done at once, on the loop.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "consoles.h"
#include "creates.h"
#include "elf_maker.h"
#include "events.h"
#include "fake_hv.h"
#include "lifecycle.h"
#include "noxs_abi.h"
#include "restart.h"
#include "scratch.h"
#include "server.h"
#include "watch.h"
#include "worker.h"

const struct module *const modules[] = {
    &server_module, &ports_module,          &events_module,    &consoles_module,
    &watch_module,  &consoles_serve_module, &lifecycle_module, NULL,
};

void daemon_created(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config)
{
    watch_module.created(daemon, domain, config);
}

void daemon_destroyed(struct daemon *daemon, const struct chaos_domain *domain)
{
    watch_module.destroyed(daemon, domain);
}

static struct job *jobs;
static unsigned int create_failures;
static bool hold_jobs;

void worker_submit(struct daemon *daemon, struct job *job, enum job_class class)
{
    (void)daemon;
    (void)class;
    job->next = jobs;
    jobs = job;
}

void creates_start(struct daemon *daemon, struct chaos_config *config, bool paused,
                   create_done *done, void *opaque)
{
    const struct chaos_create_options options = {.paused = paused};
    struct chaos_domain domain;
    struct chaos_error err;
    int rc = -ENOMEM;

    if (create_failures > 0) {
        create_failures--;
        chaos_error_set(&err, rc, CHAOS_EXIT_RESOURCE, "no memory for it");
    } else {
        rc = chaos_domain_create(daemon->chaos, config, &options, &domain, &err);
    }
    if (rc == 0)
        daemon_created(daemon, &domain, config);
    done(opaque, rc == 0 ? &domain : NULL, &err);
    chaos_config_free(config);
}

/* ---------------------------------------------------------------- fixture */

struct fixture {
    struct fake_hv *fake;
    struct daemon daemon;
    struct chaos *other; /* of another process */
    struct chaos_config config;
    struct chaos_error err;
    char kernel[128];
    const char *dir;
    int client;
    uint8_t packet[WIRE_MESSAGE_MAX];
    char told[4096]; /* events so far */
};

static void start(struct fixture *f)
{
    const struct module *const *m;

    settings_default(&f->daemon.settings);
    f->daemon.loop = loop_new();
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, f->dir, &f->daemon.chaos, &f->err), 0);
    for (m = modules; *m; m++)
        if ((*m)->init && (*m)->init(&f->daemon, &f->err) < 0)
            fail_msg("%s", f->err.text);
}

static void stop(struct fixture *f)
{
    size_t nr = sizeof(modules) / sizeof(modules[0]) - 1;

    while (nr-- > 0)
        if (modules[nr]->fini)
            modules[nr]->fini(&f->daemon);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(f->fake->bound, 0);
    chaos_close(f->daemon.chaos);
    loop_free(f->daemon.loop);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct elf_maker maker;

    f->dir = scratch_make();
    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, f->dir, &f->other, &f->err), 0);
    f->config = (struct chaos_config){.name = "web",
                                      .kernel = f->kernel,
                                      .cmdline = (char *)"x",
                                      .memory_mib = 1,
                                      .vcpus = 1,
                                      .on_poweroff = CHAOS_ACTION_DESTROY,
                                      .on_reboot = CHAOS_ACTION_RESTART,
                                      .on_crash = CHAOS_ACTION_RESTART};
    f->client = -1;
    jobs = NULL;
    create_failures = 0;
    hold_jobs = false;
    start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    stop(f);
    if (f->client >= 0)
        close(f->client);
    chaos_close(f->other);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

static void run_jobs(struct fixture *f)
{
    struct job *job;

    while (!hold_jobs && (job = jobs)) {
        jobs = job->next;
        job->run(job, f->other);
        job->done(job, &f->daemon);
    }
}

/* So long that all timers of up to this have run; the machine may be busy with other things. */
static void settle(struct fixture *f, unsigned int ms)
{
    const uint64_t end = loop_now() + ms * 1000000ull;
    const struct timespec pause = {.tv_nsec = 200000};
    unsigned int round, turn;

    for (round = 0; round < 5 * ms || loop_now() < end; round++) {
        nanosleep(&pause, NULL);
        for (turn = 0; turn < 20; turn++) {
            assert_int_equal(loop_turn(f->daemon.loop, false), 0);
            run_jobs(f);
        }
    }
}

static struct chaos_domain create(struct fixture *f)
{
    struct chaos_domain domain;

    if (chaos_domain_create(f->other, &f->config, NULL, &domain, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return domain;
}

static void end(struct fixture *f, uint32_t domid, enum chaos_shutdown reason)
{
    struct fake_domain *domain = fake_domain(f->fake, domid);

    domain->shutdown = true;
    domain->reason = reason;
    fake_virq(f->fake, NOXS_VIRQ);
}

static uint32_t domid_of(struct fixture *f, const char *name)
{
    struct chaos_domain domain;

    return chaos_domain_find(f->other, name, &domain, &f->err) == 0 ? domain.domid : 0;
}

/* ---------------------------------------------------------------- a client */

static void ask(struct fixture *f, uint16_t type, const char *which, uint64_t tail, bool follow,
                const char *data)
{
    struct wire_writer writer;
    size_t length;

    wire_begin(&writer, f->packet, sizeof(f->packet), type, 0, type);
    if (which)
        wire_put_string(&writer, WIRE_WHICH, which);
    wire_put_u64(&writer, WIRE_TAIL, tail);
    wire_put_u32(&writer, WIRE_FOLLOW, follow);
    if (data)
        wire_put_bytes(&writer, WIRE_DATA, data, strlen(data));
    length = wire_end(&writer);
    assert_int_equal(send(f->client, f->packet, length, 0), length);
}

static void connect_client(struct fixture *f)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(server_adopt(&f->daemon, pair[0], &f->err), 0);
    f->client = pair[1];
}

static bool receive(struct fixture *f, struct wire_header *header, struct wire_reader *fields)
{
    ssize_t length = recv(f->client, f->packet, sizeof(f->packet), MSG_DONTWAIT);

    if (length <= 0)
        return false;
    assert_int_equal(wire_parse(f->packet, (size_t)length, header, fields), 0);
    return true;
}

/* Adds "kind " of all events that came to f->told. */
static const char *events_so_far(struct fixture *f)
{
    struct wire_reader fields, group;
    struct wire_header header;
    struct wire_field field;

    while (receive(f, &header, &fields)) {
        if (!wire_find(&fields, WIRE_EVENT, WIRE_GROUP, &field))
            continue;
        group = wire_group(&field);
        strcat(f->told, wire_find_string(&group, WIRE_KIND, "?"));
        strcat(f->told, " ");
    }
    return f->told;
}

static void subscribe(struct fixture *f)
{
    connect_client(f);
    ask(f, WIRE_SUBSCRIBE, NULL, 0, true, NULL);
    settle(f, 1);
    assert_string_equal(events_so_far(f), "");
}

/* All data that came; *header is that of the last packet. */
static size_t data_so_far(struct fixture *f, char *out, uint64_t *lost, struct wire_header *header)
{
    struct wire_reader fields;
    struct wire_field field;
    size_t total = 0;

    *lost = 0;
    while (receive(f, header, &fields)) {
        *lost += wire_find_number(&fields, WIRE_LOST, 0);
        if (wire_find(&fields, WIRE_DATA, WIRE_BYTES, &field)) {
            memcpy(out + total, field.value, field.length);
            total += field.length;
        }
    }
    out[total] = '\0';
    return total;
}

/* ---------------------------------------------------------------- guests that come and go */

static void test_others_make_and_unmake(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct guest *guest;

    subscribe(f);
    domain = create(f);
    settle(f, 5);
    guest = watch_find(&f->daemon, "web");
    assert_non_null(guest);
    assert_int_equal(guest->domid, domain.domid);
    assert_int_equal(guest->policy.on_crash, CHAOS_ACTION_RESTART);
    assert_int_equal(f->fake->mapped, 1);
    assert_int_equal(f->fake->bound, 2); /* the VIRQ, and its console */
    assert_int_equal(chaos_domain_rename(f->other, &domain, "db", &f->err), 0);
    settle(f, 5);
    assert_null(watch_find(&f->daemon, "web"));
    assert_ptr_equal(watch_find(&f->daemon, "name:db"), guest);
    assert_int_equal(f->fake->mapped, 1);
    /* The fake refuses to destroy a domain of which pages are mapped: we let go in time. */
    strcpy(domain.name, "db");
    consoles_detach(&f->daemon, guest);
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    settle(f, 10);
    assert_null(watch_find(&f->daemon, "db"));
    assert_string_equal(events_so_far(f), "created started renamed destroyed ");
}

static void test_we_make_and_unmake(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    subscribe(f);
    domain = create(f);
    daemon_created(&f->daemon, &domain, &f->config);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "created started ");
    assert_false(watch_find(&f->daemon, "web")->announced);
    consoles_detach(&f->daemon, watch_find(&f->daemon, "web"));
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    daemon_destroyed(&f->daemon, &domain);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "created started destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

/* A domain of our record goes, and nobody told: xl destroy. */
static void test_vanishes(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    subscribe(f);
    domain = create(f);
    settle(f, 5);
    consoles_detach(&f->daemon, watch_find(&f->daemon, "web"));
    assert_int_equal(f->fake->hv.ops->destroy(&f->fake->hv, domain.domid), 0);
    fake_virq(f->fake, NOXS_VIRQ);
    settle(f, 5);
    assert_int_equal(scratch_count("domains"), 0);
    assert_string_equal(events_so_far(f), "created started destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

/* ---------------------------------------------------------------- ends */

static void test_poweroff(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    subscribe(f);
    domid = create(f).domid;
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_null(fake_domain(f->fake, domid));
    assert_string_equal(events_so_far(f), "created started shutdown destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

static void test_preserve_and_suspend(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    f->config.on_crash = CHAOS_ACTION_PRESERVE;
    subscribe(f);
    domid = create(f).domid;
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_SUSPEND);
    settle(f, 5);
    assert_int_equal(f->fake->mapped, 1); /* it may go on */
    fake_domain(f->fake, domid)->shutdown = false;
    fake_virq(f->fake, NOXS_VIRQ);
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_CRASH);
    settle(f, 5);
    fake_virq(f->fake, NOXS_VIRQ);
    settle(f, 5);
    assert_non_null(fake_domain(f->fake, domid));
    assert_int_equal(f->fake->mapped, 0);
    assert_string_equal(events_so_far(f), "created started suspended resumed crashed preserved ");
}

/* It ended before anybody could look at it. */
static void test_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    subscribe(f);
    domain = create(f);
    end(f, domain.domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "created started shutdown destroyed ");
}

static void test_crash_loop(void **state)
{
    struct fixture *f = *state;
    uint32_t domid, first;
    uint8_t uuid[16];

    subscribe(f);
    first = create(f).domid;
    settle(f, 5);
    memcpy(uuid, watch_find(&f->daemon, "web")->uuid, sizeof(uuid));
    end(f, first, CHAOS_SHUTDOWN_CRASH);
    settle(f, 5);
    domid = domid_of(f, "web");
    assert_int_not_equal(domid, first);
    assert_int_not_equal(domid, 0);
    assert_int_equal(scratch_count("restarts"), 0);
    assert_memory_equal(fake_domain(f->fake, domid)->uuid, uuid, sizeof(uuid));
    assert_string_equal(events_so_far(f), "created started crashed restarted ");
    /* The second time within ten seconds it waits. */
    f->told[0] = '\0';
    end(f, domid, CHAOS_SHUTDOWN_CRASH);
    settle(f, 200);
    assert_int_equal(domid_of(f, "web"), domid);
    assert_string_equal(events_so_far(f), "crashed backoff ");
    settle(f, 400);
    assert_int_not_equal(domid_of(f, "web"), domid);
    assert_string_equal(events_so_far(f), "crashed backoff restarted ");
    assert_int_equal(watch_find(&f->daemon, "web")->history.restarts, 2);
}

static void test_destroyed_in_backoff(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    create(f);
    settle(f, 5);
    end(f, domid_of(f, "web"), CHAOS_SHUTDOWN_CRASH);
    settle(f, 5);
    end(f, domid_of(f, "web"), CHAOS_SHUTDOWN_CRASH);
    settle(f, 5);
    subscribe(f);
    assert_int_equal(chaos_domain_find(f->other, "web", &domain, &f->err), 0);
    consoles_detach(&f->daemon, watch_find(&f->daemon, "web"));
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    settle(f, 700);
    assert_int_equal(domid_of(f, "web"), 0);
    assert_string_equal(events_so_far(f), "destroyed ");
}

/* Somebody else restarts it at the same time, and is first. */
static void test_other_restarter(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, again;

    domain = create(f);
    settle(f, 5);
    subscribe(f);
    hold_jobs = true;
    end(f, domain.domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5); /* our job waits */
    assert_int_equal(chaos_domain_destroy(f->other, &domain, false, &f->err), 0);
    memcpy(f->config.uuid, domain.uuid, sizeof(domain.uuid));
    again = create(f);
    hold_jobs = false;
    settle(f, 10);
    assert_int_equal(domid_of(f, "web"), again.domid);
    assert_int_equal(watch_find(&f->daemon, "web")->domid, again.domid);
    assert_int_equal(watch_guests(&f->daemon)->nr, 1);
    assert_int_equal(scratch_count("restarts"), 0);
    assert_int_equal(f->fake->mapped, 1);
}

static void test_restart_fails(void **state)
{
    struct fixture *f = *state;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    subscribe(f);
    create_failures = 1;
    end(f, domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "shutdown failed ");
    assert_int_equal(scratch_count("restarts"), 1);
    assert_int_equal(domid_of(f, "web"), 0);
    settle(f, 600);
    assert_string_equal(events_so_far(f), "shutdown failed restarted ");
    assert_int_equal(scratch_count("restarts"), 0);
}

static void test_restart_called_off(void **state)
{
    struct fixture *f = *state;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    subscribe(f);
    create_failures = 1;
    end(f, domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5);
    assert_true(chaos_domain_call_off_restart(f->other, "web"));
    settle(f, 600);
    assert_string_equal(events_so_far(f), "shutdown failed destroyed ");
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
    assert_int_equal(scratch_count("pending"), 0);
}

/* ---------------------------------------------------------------- chaosd comes later */

static void test_adopts(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct chaos_config config;
    char out[LOG_MAX];
    struct wire_header header;
    uint64_t lost;

    stop(f);
    domain = create(f);
    strcpy(f->config.name, "off");
    end(f, create(f).domid, CHAOS_SHUTDOWN_POWEROFF); /* while nobody looked */
    strcpy(f->config.name, "half");
    {
        struct chaos_domain half = create(f);

        assert_int_equal(restart_begin(f->other, &half, &config, &f->err), 0);
        chaos_config_free(&config);
    }
    start(f);
    settle(f, 10);
    assert_int_equal(watch_find(&f->daemon, "web")->domid, domain.domid);
    assert_null(watch_find(&f->daemon, "off"));
    assert_int_equal(domid_of(f, "off"), 0);
    assert_int_not_equal(domid_of(f, "half"), 0);
    assert_int_equal(watch_find(&f->daemon, "half")->domid, domid_of(f, "half"));
    assert_int_equal(scratch_count("restarts"), 0);
    assert_int_equal(f->fake->mapped, 2);
    connect_client(f);
    ask(f, WIRE_LOGS, "off", UINT32_MAX, false, NULL);
    settle(f, 5);
    data_so_far(f, out, &lost, &header);
    assert_true(header.flags & WIRE_ERROR); /* it never said anything */
}

static void test_polls(void **state)
{
    struct fixture *f = *state;
    uint32_t domid;

    stop(f);
    f->fake->no_virq = 1u << NOXS_VIRQ | 1u << VIRQ_DOM_EXC;
    start(f);
    domid = create(f).domid;
    settle(f, 5);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 250);
    assert_int_equal(domid_of(f, "web"), 0);
}

/* ---------------------------------------------------------------- events */

static void test_slow_subscriber(void **state)
{
    struct fixture *f = *state;
    struct wire_reader fields, group;
    struct wire_header header;
    struct wire_field field;
    uint64_t seen = 0, lost = 0, next = 0, number;
    unsigned int i;

    subscribe(f);
    for (i = 0; i < 5 * EVENTS_KEPT; i++) {
        events_tell(&f->daemon, EVENT_CREATED, NULL, "%u", i);
        if (i % 7 == 0)
            loop_turn(f->daemon.loop, false);
    }
    for (i = 0; i < 200; i++) {
        settle(f, 1);
        while (receive(f, &header, &fields)) {
            if (!wire_find(&fields, WIRE_EVENT, WIRE_GROUP, &field))
                continue;
            group = wire_group(&field);
            number = wire_find_number(&group, WIRE_INDEX, 0);
            lost += wire_find_number(&group, WIRE_LOST, 0);
            if (next)
                assert_int_equal(number, next + wire_find_number(&group, WIRE_LOST, 0));
            next = number + 1;
            seen++;
        }
        if (seen + lost == 5 * EVENTS_KEPT)
            break;
    }
    assert_int_equal(seen + lost, 5 * EVENTS_KEPT);
    assert_true(lost > 0);
}

static void test_event_tail(void **state)
{
    struct fixture *f = *state;

    create(f);
    settle(f, 5);
    connect_client(f);
    ask(f, WIRE_SUBSCRIBE, NULL, 1, false, NULL);
    settle(f, 5);
    assert_string_equal(events_so_far(f), "started ");
}

/* ---------------------------------------------------------------- consoles */

static struct xencons_interface *ring_of(struct fixture *f, uint32_t domid)
{
    struct start_info *info =
        fake_virtual(f->fake, domid, fake_domain(f->fake, domid)->vcpu.start_info, NULL);

    return fake_frame(f->fake, info->console.domU.mfn);
}

static void say(struct fixture *f, uint32_t domid, struct xencons_interface *ring, const char *text)
{
    for (; *text; text++)
        ring->out[ring->out_prod++ % sizeof(ring->out)] = *text;
    fake_event(f->fake, domid, fake_domain(f->fake, domid)->nr_ports);
}

static void test_logs(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring;
    struct wire_header header;
    char out[2 * LOG_MAX];
    uint64_t lost;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    ring = ring_of(f, domid);
    say(f, domid, ring, "one\ntwo\n");
    settle(f, 1);
    connect_client(f);
    ask(f, WIRE_LOGS, "web", 1, false, NULL);
    settle(f, 1);
    assert_int_equal(data_so_far(f, out, &lost, &header), 4);
    assert_string_equal(out, "two\n");
    assert_false(header.flags & WIRE_MORE);
    ask(f, WIRE_LOGS, "web", UINT32_MAX, true, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "one\ntwo\n");
    say(f, domid, ring, "three\n");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "three\n");
    assert_true(header.flags & WIRE_MORE);
    /* Its last words, unannounced, and then the end. */
    memcpy(ring->out + ring->out_prod, "bye", 3);
    ring->out_prod += 3;
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "bye");
    assert_false(header.flags & WIRE_MORE);
    /* It is gone, and can still be read. */
    ask(f, WIRE_LOGS, "web", UINT32_MAX, true, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "one\ntwo\nthree\nbye");
    assert_false(header.flags & WIRE_MORE);
}

/* The log goes on through restarts, and so does who follows it. */
static void test_logs_through_restart(void **state)
{
    struct fixture *f = *state;
    struct wire_header header;
    char out[2 * LOG_MAX];
    uint64_t lost;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    connect_client(f);
    ask(f, WIRE_LOGS, "web", UINT32_MAX, true, NULL);
    say(f, domid, ring_of(f, domid), "first\n");
    settle(f, 1);
    end(f, domid, CHAOS_SHUTDOWN_REBOOT);
    settle(f, 5);
    domid = domid_of(f, "web");
    say(f, domid, ring_of(f, domid), "second\n");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "first\nsecond\n");
    assert_true(header.flags & WIRE_MORE);
}

static void test_flood(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring, *calm;
    struct console *console;
    uint32_t domid = create(f).domid, other, i;
    uint64_t start, before;

    strcpy(f->config.name, "calm");
    other = create(f).domid;
    settle(f, 5);
    ring = ring_of(f, domid);
    calm = ring_of(f, other);
    console = watch_find(&f->daemon, "web")->console;
    start = loop_now();
    for (i = 0; i < 200; i++) {
        ring->out_prod = ring->out_cons + sizeof(ring->out);
        fake_event(f->fake, domid, 1);
        loop_turn(f->daemon.loop, false);
    }
    if (loop_now() - start < CONSOLE_PERIOD_NS)
        assert_in_range(console->log.end, CONSOLE_QUOTA / 2, CONSOLE_QUOTA + sizeof(ring->out));
    assert_true(console->throttled);
    say(f, other, calm, "hello");
    settle(f, 1);
    assert_int_equal(watch_find(&f->daemon, "calm")->console->log.end, 5);
    before = console->log.end;
    settle(f, 150);
    assert_true(console->log.end > before);
    assert_int_equal(console->log.size, LOG_MAX);
}

static void test_broken_ring(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring;
    uint32_t domid = create(f).domid;

    settle(f, 5);
    ring = ring_of(f, domid);
    say(f, domid, ring, "good");
    settle(f, 1);
    ring->out_prod += sizeof(ring->out) + 1;
    fake_event(f->fake, domid, 1);
    settle(f, 1);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(watch_find(&f->daemon, "web")->console->log.end, 4);
    end(f, domid, CHAOS_SHUTDOWN_POWEROFF);
    settle(f, 5);
    assert_int_equal(watch_guests(&f->daemon)->nr, 0);
}

static void test_console(void **state)
{
    struct fixture *f = *state;
    struct xencons_interface *ring;
    struct wire_header header;
    char out[2 * LOG_MAX], many[1501];
    uint64_t lost;
    uint32_t domid = create(f).domid;
    int first;

    settle(f, 5);
    ring = ring_of(f, domid);
    say(f, domid, ring, "hello");
    settle(f, 1);
    connect_client(f);
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "x"); /* not attached */
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_true(header.flags & WIRE_ERROR);
    ask(f, WIRE_CONSOLE, "web", 0, false, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "hello");
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "ls\n");
    settle(f, 1);
    assert_int_equal(ring->in_prod, 3);
    assert_memory_equal(ring->in, "ls\n", 3);
    /* More than there is room for is answered when the guest has taken enough. */
    memset(many, 'y', 1500);
    many[1500] = '\0';
    data_so_far(f, out, &lost, &header);
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, many);
    settle(f, 1);
    assert_int_equal(ring->in_prod, 1024);
    header.type = 0;
    data_so_far(f, out, &lost, &header);
    assert_int_equal(header.type, 0);
    ring->in_cons = 1000;
    fake_event(f->fake, domid, 1);
    settle(f, 1);
    assert_int_equal(ring->in_prod, 1503);
    data_so_far(f, out, &lost, &header);
    assert_int_equal(header.type, WIRE_CONSOLE_INPUT);
    assert_false(header.flags & WIRE_ERROR);
    /* A second one looks on, until the first one leaves. */
    first = f->client;
    connect_client(f);
    ask(f, WIRE_CONSOLE, "web", 0, false, NULL);
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_string_equal(out, "hello");
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "z");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_true(header.flags & WIRE_ERROR);
    close(first);
    settle(f, 1);
    ask(f, WIRE_CONSOLE_INPUT, "web", 0, false, "z");
    settle(f, 1);
    data_so_far(f, out, &lost, &header);
    assert_false(header.flags & WIRE_ERROR);
    assert_int_equal(ring->in_prod, 1504);
}

/* Each call that can fail does in turn: no guest is lost, nothing is left behind. */
static void test_failing_calls(void **state)
{
    struct fixture *f = *state;
    unsigned int n;

    for (n = 1; n < 60; n++) {
        uint32_t domid;

        f->config.on_crash = n % 2 ? CHAOS_ACTION_RESTART : CHAOS_ACTION_DESTROY;
        domid = create(f).domid;
        settle(f, 3);
        f->fake->calls = 0;
        f->fake->fail_at = n;
        end(f, domid, CHAOS_SHUTDOWN_CRASH);
        settle(f, 3);
        fake_virq(f->fake, NOXS_VIRQ); /* if it was the look at the domains that failed */
        settle(f, 3);
        f->fake->fail_at = 0;
        for (int i = 0; i < 100 && (scratch_count("restarts") || domid_of(f, "web") == domid);
             i++) {
            fake_virq(f->fake, NOXS_VIRQ);
            settle(f, 20);
        }
        if (n % 2 == 0) {
            assert_int_equal(domid_of(f, "web"), 0);
            continue;
        }
        assert_int_not_equal(domid_of(f, "web"), 0);
        assert_int_not_equal(domid_of(f, "web"), domid);
        settle(f, 5);
        end(f, domid_of(f, "web"), CHAOS_SHUTDOWN_POWEROFF);
        for (int i = 0; i < 20 && domid_of(f, "web"); i++)
            settle(f, 20);
        assert_int_equal(domid_of(f, "web"), 0);
        assert_int_equal(watch_guests(&f->daemon)->nr, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_others_make_and_unmake),
        TEST(test_we_make_and_unmake),
        TEST(test_vanishes),
        TEST(test_poweroff),
        TEST(test_preserve_and_suspend),
        TEST(test_ends_at_once),
        TEST(test_crash_loop),
        TEST(test_destroyed_in_backoff),
        TEST(test_other_restarter),
        TEST(test_restart_fails),
        TEST(test_restart_called_off),
        TEST(test_adopts),
        TEST(test_polls),
        TEST(test_slow_subscriber),
        TEST(test_event_tail),
        TEST(test_logs),
        TEST(test_logs_through_restart),
        TEST(test_flood),
        TEST(test_broken_ring),
        TEST(test_console),
        TEST(test_failing_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
