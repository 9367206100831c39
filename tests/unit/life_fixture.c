// SPDX-License-Identifier: BSD-3-Clause
#include "life_fixture.h"

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

#include "chaos.h"
#include "creates.h"
#include "elf_maker.h"
#include "lifecycle.h"
#include "noxs_abi.h"
#include "scratch.h"
#include "server.h"
#include "suspensions.h"
#include "worker.h"

const struct module *const modules[] = {
    &server_module,         &ports_module,       &events_module,
    &consoles_module,       &suspensions_module, &watch_module,
    &consoles_serve_module, &lifecycle_module,   NULL,
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
unsigned int create_failures;
bool hold_jobs;

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
    struct chaos_config own = *config; /* it is taken over */
    struct chaos_domain domain;
    struct chaos_error err;
    int rc = -ENOMEM;

    if (create_failures > 0) {
        create_failures--;
        chaos_error_set(&err, rc, CHAOS_EXIT_RESOURCE, "no memory for it");
    } else {
        rc = chaos_domain_create(daemon->chaos, &own, &options, &domain, &err);
    }
    if (rc == 0)
        daemon_created(daemon, &domain, &own);
    done(opaque, rc == 0 ? &domain : NULL, &err);
    chaos_config_free(&own);
}

void start(struct fixture *f)
{
    const struct module *const *m;

    settings_default(&f->daemon.settings);
    if (f->console_logs)
        strcpy(f->daemon.settings.console_logs, f->console_logs);
    f->daemon.settings.console_log_kib = 1;
    f->daemon.loop = loop_new();
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, f->dir, &f->daemon.chaos, &f->err), 0);
    for (m = modules; *m; m++)
        if ((*m)->init && (*m)->init(&f->daemon, &f->err) < 0)
            fail_msg("%s", f->err.text);
}

void stop(struct fixture *f)
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

int set_up(void **state)
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

int tear_down(void **state)
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

static uint64_t now_ns = 1000000000;

/* In place of loop_clock.c's. */
uint64_t loop_now(void)
{
    return now_ns;
}

void settle(struct fixture *f, unsigned int ms)
{
    unsigned int step, turn;

    for (step = 0; step < ms; step++, now_ns += 1000000)
        for (turn = 0; turn < 20; turn++) {
            assert_int_equal(loop_turn(f->daemon.loop, false), 0);
            run_jobs(f);
        }
}

struct chaos_domain create(struct fixture *f)
{
    struct chaos_domain domain;

    if (chaos_domain_create(f->other, &f->config, NULL, &domain, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return domain;
}

void end(struct fixture *f, uint32_t domid, enum chaos_shutdown reason)
{
    struct fake_domain *domain = fake_domain(f->fake, domid);

    domain->shutdown = true;
    domain->reason = reason;
    fake_note_change(f->fake, domid);
    fake_virq(f->fake, NOXS_VIRQ);
}

uint32_t domid_of(struct fixture *f, const char *name)
{
    struct chaos_domain domain;

    return chaos_domain_find(f->other, name, &domain, &f->err) == 0 ? domain.domid : 0;
}

/* ---------------------------------------------------------------- a client */

void ask(struct fixture *f, uint16_t type, const char *which, uint64_t tail, bool follow,
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

void connect_client(struct fixture *f)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(server_adopt(&f->daemon, pair[0], &f->err), 0);
    f->client = pair[1];
}

bool receive(struct fixture *f, struct wire_header *header, struct wire_reader *fields)
{
    ssize_t length = recv(f->client, f->packet, sizeof(f->packet), MSG_DONTWAIT);

    if (length <= 0)
        return false;
    assert_int_equal(wire_parse(f->packet, (size_t)length, header, fields), 0);
    return true;
}

const char *events_so_far(struct fixture *f)
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

void subscribe(struct fixture *f)
{
    connect_client(f);
    ask(f, WIRE_SUBSCRIBE, NULL, 0, true, NULL);
    settle(f, 1);
    assert_string_equal(events_so_far(f), "");
}

size_t data_so_far(struct fixture *f, char *out, uint64_t *lost, struct wire_header *header)
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
