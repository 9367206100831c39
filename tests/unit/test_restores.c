// SPDX-License-Identifier: BSD-3-Clause
/* chaosd's restores: of files that clients have open, good, bad and hostile, in shells and cold. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaos.h"
#include "chaosd_model.h"
#include "creates.h"
#include "refill.h"
#include "scratch.h"
#include "wire_parts.h"

#include <chaos/checkpoint.h>

static char file[160];

/* A guest with a vif is saved and gone; then there is its file only. */
static void make_checkpoint(struct fixture *f, const char *name, const char *path)
{
    struct chaos_config config = {.memory_mib = 1, .vcpus = 1, .nr_vifs = 1};
    struct chaos_domain domain;

    strcpy(config.name, name);
    config.kernel = f->kernel;
    config.cmdline = (char *)"one two";
    strcpy(config.vifs[0].bridge, "xenbr0");
    if (chaos_domain_create(f->daemon.chaos, &config, NULL, &domain, &f->err) < 0 ||
        chaos_domain_save(f->daemon.chaos, &domain, path, NULL, NULL, &f->err) < 0)
        fail_msg("%s", f->err.text);
}

static int set_up(void **state)
{
    struct fixture *f;

    model_set_up(state);
    f = *state;
    snprintf(file, sizeof(file), "%s/checkpoint", f->dir);
    make_checkpoint(f, "web", file);
    return 0;
}

/* What is done a little after the answers has been done. */
static unsigned int descriptors(struct fixture *f)
{
    usleep(3000);
    model_turn(f);
    return model_descriptors();
}

/* ---------------------------------------------------------------- requests */

static void put_restore(struct fixture *f, struct wire_writer *writer, const char *override)
{
    model_begin(f, WIRE_RESTORE, writer);
    wire_put_string(writer, WIRE_SOURCE, "the file");
    if (override)
        wire_put_string(writer, WIRE_OVERRIDE, override);
}

static void send_restore(struct fixture *f, int client, int fd, const char *override)
{
    struct wire_writer writer;

    put_restore(f, &writer, override);
    model_send_with(f, client, &writer, &fd, 1);
}

/* Asks for one guest of what is open, and waits for the answer. */
static void ask_with(struct fixture *f, int fd, const char *override)
{
    send_restore(f, f->client, fd, override);
    model_turn_many(f, 3);
    assert_true(model_receive(f, f->client));
    assert_int_equal(f->header.type, WIRE_RESTORE);
}

static void ask(struct fixture *f, const char *override)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    ask_with(f, fd, override);
    close(fd);
}

static struct chaos_domain answered(struct fixture *f, bool warm)
{
    struct chaos_domain domain;
    struct wire_reader group;
    struct wire_field field;

    if (f->header.flags & WIRE_ERROR)
        fail_msg("%s", model_error(f));
    assert_int_equal(wire_find_number(&f->fields, WIRE_WARM, 9), warm);
    assert_true(wire_find(&f->fields, WIRE_DOMAIN, WIRE_GROUP, &field));
    group = wire_group(&field);
    wire_get_domain(&group, &domain);
    assert_true(fake_domain(f->fake, domain.domid)->started);
    return domain;
}

static void assert_failed(struct fixture *f, enum chaos_exit exit, const char *pattern)
{
    assert_non_null(strstr(model_error(f), "checkpoint \"the file\": "));
    if (!strstr(model_error(f), pattern))
        fail_msg("\"%s\" does not say \"%s\"", model_error(f), pattern);
    assert_int_equal(wire_find_number(&f->fields, WIRE_ERROR_EXIT, 99), exit);
}

static void destroy(struct fixture *f, const char *name)
{
    struct wire_writer writer;

    model_begin(f, WIRE_DESTROY, &writer);
    wire_put_string(&writer, WIRE_WHICH, name);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_int_equal(f->header.flags, WIRE_REPLY);
}

/* ---------------------------------------------------------------- guests */

static void test_cold(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain first;

    ask(f, NULL);
    first = answered(f, false);
    assert_string_equal(first.name, "web");
    assert_int_equal(fake_domain(f->fake, first.domid)->devices, 2);
    ask(f, NULL);
    assert_failed(f, CHAOS_EXIT_EXISTS, "exists already");
    ask(f, "name=\"second\"");
    assert_memory_not_equal(answered(f, false).uuid, first.uuid, 16);
    destroy(f, "web");
    destroy(f, "second");
    assert_int_equal(model_created, 2);
}

static void test_warm(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain first;

    model_set_pool(f, 1, "xenbr0", 3);
    ask(f, NULL);
    first = answered(f, true);
    assert_string_equal(first.name, "web");
    model_turn_many(f, 3);
    usleep(POOLS_CALM_NS / 1000 + 1000);
    model_turn_many(f, 3);
    assert_int_equal(model_level(f), 3); /* filled up again */
    /* A shell that was not touched is as good as before. */
    ask(f, NULL);
    assert_failed(f, CHAOS_EXIT_EXISTS, "exists already");
    assert_int_equal(model_level(f), 3);
    ask(f, "name=\"second\"");
    assert_memory_not_equal(answered(f, true).uuid, first.uuid, 16);
    ask(f, "name=\"third\"; memory=2");
    assert_failed(f, CHAOS_EXIT_CONFIG, "memory=1");
    ask(f, "name=\"third\"; vif=[]"); /* no shell is so */
    answered(f, false);
    destroy(f, "web");
    destroy(f, "second");
    destroy(f, "third");
    assert_int_equal(model_created, 3);
}

/* Whatever call fails: one answer, nothing left, and the pool is back at its level. */
static void test_every_call_fails(void **state)
{
    struct fixture *f = *state;
    unsigned int failures, before;

    model_set_pool(f, 1, "xenbr0", 2);
    before = model_descriptors();
    assert_int_equal(model_level(f), 2);
    failures = model_fail_each_call(f, ask);
    assert_true(failures > 10);
    assert_int_equal(model_created, 1);
    assert_int_equal(descriptors(f), before);
    destroy(f, "web");
}

/* ---------------------------------------------------------------- several */

static void ask_several(struct fixture *f, uint32_t count, const char *override)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct wire_writer writer;

    put_restore(f, &writer, override);
    wire_put_u32(&writer, WIRE_COUNT, count);
    model_send_with(f, f->client, &writer, &fd, 1);
    close(fd);
    model_turn_many(f, count + 4);
}

static void test_several(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain[4];
    struct chaos_config config[4];
    char name[16];

    model_set_pool(f, 1, "xenbr0", 2);
    ask_several(f, 4, "cmdline=\"ip=10.0.0.{n}\"");
    for (unsigned int i = 0; i < 4; i++) {
        assert_true(model_receive(f, f->client));
        assert_int_equal(wire_find_number(&f->fields, WIRE_INDEX, 9), i);
        assert_int_equal(f->header.flags, WIRE_REPLY | (i < 3 ? WIRE_MORE : 0));
        domain[i] = answered(f, wire_find_number(&f->fields, WIRE_WARM, 9));
        snprintf(name, sizeof(name), "web-%u", i + 1);
        assert_string_equal(domain[i].name, name);
        assert_int_equal(chaos_domain_config(f->daemon.chaos, &domain[i], &config[i], &f->err), 0);
        assert_int_equal(config[i].cmdline[strlen(config[i].cmdline) - 1], '1' + (int)i);
        for (unsigned int j = 0; j < i; j++) {
            assert_memory_not_equal(domain[j].uuid, domain[i].uuid, 16);
            assert_memory_not_equal(config[j].vifs[0].mac, config[i].vifs[0].mac, 6);
        }
    }
    for (unsigned int i = 0; i < 4; i++) {
        chaos_config_free(&config[i]);
        destroy(f, domain[i].name);
    }
    assert_int_equal(model_created, 4);
}

/* One that fails does not keep the others from being made; what is refused is answered once. */
static void test_several_that_fail(void **state)
{
    struct fixture *f = *state;

    ask(f, "name=\"web-2\"");
    answered(f, false);
    ask_several(f, 3, NULL);
    for (unsigned int i = 0; i < 3; i++) {
        assert_true(model_receive(f, f->client));
        assert_int_equal(f->header.flags & WIRE_ERROR, i == 1 ? WIRE_ERROR : 0);
    }
    ask_several(f, 3, "uuid=\"00112233-4455-6677-8899-aabbccddeeff\"");
    assert_true(model_receive(f, f->client));
    assert_failed(f, CHAOS_EXIT_CONFIG, "uuid is given");
    assert_int_equal(f->header.flags, WIRE_REPLY | WIRE_ERROR);
    assert_false(model_receive(f, f->client));
    destroy(f, "web-1");
    destroy(f, "web-2");
    destroy(f, "web-3");
}

/* ---------------------------------------------------------------- files */

static void test_no_file(void **state)
{
    struct fixture *f = *state;
    unsigned int before = model_descriptors();
    struct wire_writer writer;
    int fds[2];

    put_restore(f, &writer, NULL);
    model_send(f, f->client, &writer);
    model_turn(f);
    assert_true(model_receive(f, f->client));
    assert_non_null(strstr(model_error(f), "no file"));

    assert_int_equal(pipe(fds), 0); /* it would block for ever */
    ask_with(f, fds[0], NULL);
    assert_failed(f, CHAOS_EXIT_CONFIG, "not a regular file");
    close(fds[0]);
    close(fds[1]);
    fds[0] = open(f->dir, O_RDONLY | O_DIRECTORY);
    ask_with(f, fds[0], NULL);
    assert_failed(f, CHAOS_EXIT_CONFIG, "not a regular file");
    close(fds[0]);
    fds[0] = open(file, O_PATH);
    ask_with(f, fds[0], NULL);
    assert_failed(f, CHAOS_EXIT_USAGE, "not open for reading");
    close(fds[0]);
    fds[0] = open(file, O_WRONLY);
    ask_with(f, fds[0], NULL);
    assert_failed(f, CHAOS_EXIT_USAGE, "not open for reading");
    close(fds[0]);
    fds[0] = open(f->kernel, O_RDONLY);
    ask_with(f, fds[0], NULL);
    assert_failed(f, CHAOS_EXIT_CONFIG, "no checkpoint of chaos");
    close(fds[0]);
    assert_int_equal(descriptors(f), before);
}

/* Where the client has read to is of no matter, and does not change. */
static void test_offset(void **state)
{
    struct fixture *f = *state;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    assert_int_equal(lseek(fd, 12345, SEEK_SET), 12345);
    ask_with(f, fd, NULL);
    answered(f, false);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 12345);
    close(fd);
    destroy(f, "web");
}

static void test_damaged(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(stat(file, &st), 0);
    model_set_pool(f, 1, "xenbr0", 2);
    for (off_t length = st.st_size - 1; length > 0; length -= length > 9000 ? 12000 : 700) {
        assert_int_equal(truncate(file, length), 0);
        ask(f, NULL);
        assert_failed(f, CHAOS_EXIT_CONFIG, "byte ");
        usleep(POOLS_CALM_NS / 1000 + 1000);
        model_turn_many(f, 5);
        assert_int_equal(model_level(f), 2); /* a shell that was used up is replaced */
    }
    assert_int_equal(scratch_count("domains") + scratch_count("pending"), 0);
    assert_int_equal(scratch_count("shells"), 2);
}

static void copy_of(const char *name, char *path, size_t size)
{
    char command[400];

    snprintf(path, size, "%s.%s", file, name);
    snprintf(command, sizeof(command), "cp %s %s", file, path);
    assert_int_equal(system(command), 0);
}

/* Another file takes its name: the one that was opened is meant. */
static void test_replaced(void **state)
{
    struct fixture *f = *state;
    char other[200];
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    copy_of("other", other, sizeof(other));
    assert_int_equal(truncate(other, 5), 0);
    send_restore(f, f->client, fd, NULL);
    close(fd);
    assert_int_equal(rename(other, file), 0);
    model_turn_many(f, 3);
    assert_true(model_receive(f, f->client));
    answered(f, false);
    destroy(f, "web");
}

/* It is written over between two looks at it: no guest of one half and the other is made. */
static void write_over(struct fixture *f, const char *by)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct wire_writer writer;
    char command[400];

    put_restore(f, &writer, NULL);
    wire_put_u32(&writer, WIRE_COUNT, 2);
    model_send_with(f, f->client, &writer, &fd, 1);
    close(fd);
    assert_int_equal(loop_turn(f->daemon.loop, false), 0);
    assert_true(model_run_job(f)); /* the head */
    assert_true(model_run_job(f)); /* the first guest */
    snprintf(command, sizeof(command), "cd %s && %s", f->dir, by);
    assert_int_equal(system(command), 0);
    model_turn_many(f, 3);
    assert_true(model_receive(f, f->client));
    answered(f, false);
    assert_true(model_receive(f, f->client));
}

static const char flip[] = "printf x | dd of=checkpoint bs=1 seek=100 conv=notrunc status=none";

static void test_written_over(void **state)
{
    struct fixture *f = *state;
    char other[200];

    close(f->client);
    model_stop(f);
    f->daemon.settings.checkpoint_cache_mib = 0; /* it is read again for each guest */
    model_start(f);
    f->client = model_connect(f);
    write_over(f, flip);
    assert_failed(f, CHAOS_EXIT_CONFIG, "byte ");
    destroy(f, "web-1");
    /* By the checkpoint of another guest, which is as good. */
    make_checkpoint(f, "web", file);
    snprintf(other, sizeof(other), "%s/other", f->dir);
    make_checkpoint(f, "other", other);
    write_over(f, "cat other > checkpoint");
    assert_failed(f, CHAOS_EXIT_CONFIG, "it changes while it is read");
    destroy(f, "web-1");
}

/* One that is kept in memory is what it was when it was asked for; and then it is read anew. */
static void test_written_over_in_memory(void **state)
{
    struct fixture *f = *state;

    usleep(20000); /* its times are not of this moment any more */
    write_over(f, flip);
    answered(f, false);
    destroy(f, "web-1");
    destroy(f, "web-2");
    ask(f, NULL);
    assert_failed(f, CHAOS_EXIT_CONFIG, "byte ");
}

/* Asked for again and again, out of memory by then. */
static void test_again(void **state)
{
    struct fixture *f = *state;

    usleep(20000);
    model_set_pool(f, 1, "xenbr0", 1);
    for (unsigned int i = 0; i < 6; i++) {
        ask(f, NULL);
        answered(f, wire_find_number(&f->fields, WIRE_WARM, 9));
        destroy(f, "web");
        usleep(POOLS_CALM_NS / 1000 + 1000);
        model_turn_many(f, 3);
    }
}

/* ---------------------------------------------------------------- clients */

static void test_client_gone_before_the_answer(void **state)
{
    struct fixture *f = *state;
    unsigned int before = model_descriptors();
    int client = model_connect(f), fd = open(file, O_RDONLY | O_CLOEXEC);

    send_restore(f, client, fd, NULL);
    assert_int_equal(loop_turn(f->daemon.loop, false), 0);
    assert_int_equal(model_jobs(), 1);
    close(fd);
    close(client);
    model_turn_many(f, 3);
    destroy(f, "web");
    assert_int_equal(model_created, 1);
    assert_int_equal(descriptors(f), before);
}

/* So many that descriptors would run out: those beyond are refused, and the rest is done. */
static void test_too_many(void **state)
{
    struct fixture *f = *state;
    unsigned int refused = 0, answers = 0, before = model_descriptors();
    int client[5], fd = open(file, O_RDONLY | O_CLOEXEC);

    for (unsigned int i = 0; i < 5; i++) {
        client[i] = model_connect(f);
        for (unsigned int j = 0; j < 60; j++) {
            send_restore(f, client[i], fd, "name=\"/\"");
            assert_int_equal(loop_turn(f->daemon.loop, false), 0);
        }
    }
    assert_in_range(model_descriptors(), before, before + 5 + 1 + 5 + 256);
    model_turn_many(f, 10);
    for (unsigned int i = 0; i < 5; i++) {
        while (model_receive(f, client[i])) {
            answers++;
            refused += strstr(model_error(f), "opens no more") != NULL;
        }
        close(client[i]);
    }
    close(fd);
    model_turn(f);
    assert_int_equal(answers, 300);
    assert_int_equal(refused, 300 - 256);
    assert_int_equal(descriptors(f), before);
    ask(f, NULL); /* there is room again */
    answered(f, false);
    destroy(f, "web");
}

static void test_at_the_end(void **state)
{
    struct fixture *f = *state;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    send_restore(f, f->client, fd, NULL);
    close(fd);
    assert_int_equal(loop_turn(f->daemon.loop, false), 0);
    creates_module.quiesce(&f->daemon);
    assert_true(creates_busy(&f->daemon));
    model_turn_many(f, 3);
    assert_false(creates_busy(&f->daemon));
    assert_true(model_receive(f, f->client));
    assert_failed(f, CHAOS_EXIT_DAEMON, "is stopping");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, model_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_cold),       TEST(test_warm),
        TEST(test_several),    TEST(test_several_that_fail),
        TEST(test_no_file),    TEST(test_every_call_fails),
        TEST(test_offset),     TEST(test_damaged),
        TEST(test_replaced),   TEST(test_written_over),
        TEST(test_again),      TEST(test_written_over_in_memory),
        TEST(test_too_many),   TEST(test_client_gone_before_the_answer),
        TEST(test_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
