// SPDX-License-Identifier: BSD-3-Clause
/* The console ring, with guests that keep to its protocol and guests that do not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <chaos/console.h>
#include <xen/xen.h>
#include <xen/io/console.h>

#include "chaos.h"
#include "elf_maker.h"
#include "fake_hv.h"
#include "scratch.h"

struct fixture {
    struct fake_hv *fake;
    struct chaos *chaos;
    struct chaos_domain domain;
    struct xencons_interface *ring; /* the guest's view */
    struct chaos_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *dir = scratch_make();
    struct chaos_config config = {
        .name = "guest", .cmdline = (char *)"", .memory_mib = 1, .vcpus = 1};
    struct start_info *info;
    struct elf_maker maker;

    f->fake = fake_hv_new();
    elf_make(&maker);
    config.kernel = (char *)scratch_file("kernel", maker.bytes, maker.size);
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, dir, &f->chaos, &f->err), 0);
    assert_int_equal(chaos_domain_create(f->chaos, &config, NULL, &f->domain, &f->err), 0);
    info = fake_virtual(f->fake, f->domain.domid,
                        fake_domain(f->fake, f->domain.domid)->vcpu.start_info, NULL);
    f->ring = fake_frame(f->fake, info->console.domU.mfn);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(f->fake->bound, 0);
    chaos_close(f->chaos);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

static void guest_says(struct fixture *f, const char *text)
{
    for (; *text; text++)
        f->ring->out[f->ring->out_prod++ % sizeof(f->ring->out)] = *text;
}

static struct chaos_console *attach(struct fixture *f, bool follow)
{
    struct chaos_console *console;

    if (chaos_console_open(f->chaos, &f->domain, follow, &console, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return console;
}

static void test_follow(void **state)
{
    struct fixture *f = *state;
    struct chaos_console *console;
    char buffer[8];
    size_t length;

    f->ring->out_cons = f->ring->out_prod = UINT32_MAX - 3; /* across the wrap of the indices */
    guest_says(f, "hello, world");
    console = attach(f, true);
    assert_true(chaos_console_fd(console) >= 0);
    assert_int_equal(chaos_console_read(console, buffer, 8, &length, &f->err), 0);
    assert_int_equal(length, 8);
    assert_memory_equal(buffer, "hello, w", 8);
    assert_int_equal(chaos_console_read(console, buffer, 8, &length, &f->err), 0);
    assert_int_equal(length, 4);
    assert_memory_equal(buffer, "orld", 4);
    assert_int_equal(chaos_console_read(console, buffer, 8, &length, &f->err), 0);
    assert_int_equal(length, 0);
    assert_int_equal(f->ring->out_cons, f->ring->out_prod);
    assert_int_equal(f->fake->notified, 2);
    chaos_console_close(console);
}

static void test_look(void **state)
{
    struct fixture *f = *state;
    struct chaos_console *console;
    char buffer[64];
    size_t length;
    int turn;

    guest_says(f, "still here");
    for (turn = 0; turn < 2; turn++) {
        console = attach(f, false);
        assert_int_equal(chaos_console_read(console, buffer, 64, &length, &f->err), 0);
        assert_int_equal(length, 10);
        assert_int_equal(chaos_console_read(console, buffer, 64, &length, &f->err), 0);
        assert_int_equal(length, 0);
        chaos_console_close(console);
    }
    assert_int_equal(f->ring->out_cons, 0);
    assert_int_equal(f->fake->notified, 0);
}

static void test_input(void **state)
{
    struct fixture *f = *state;
    struct chaos_console *console = attach(f, true);
    char many[2000];
    size_t taken;

    memset(many, 'x', sizeof(many));
    assert_int_equal(chaos_console_write(console, many, sizeof(many), &taken, &f->err), 0);
    assert_int_equal(taken, sizeof(f->ring->in));
    assert_int_equal(chaos_console_write(console, many, 1, &taken, &f->err), 0);
    assert_int_equal(taken, 0);
    f->ring->in_cons += 1;
    assert_int_equal(chaos_console_write(console, "y", 1, &taken, &f->err), 0);
    assert_int_equal(taken, 1);
    assert_int_equal(f->ring->in[0], 'y');
    chaos_console_close(console);
}

static void test_hostile(void **state)
{
    struct fixture *f = *state;
    struct chaos_console *console = attach(f, true);
    char buffer[4096];
    size_t length;

    f->ring->out_prod = sizeof(f->ring->out);
    assert_int_equal(chaos_console_read(console, buffer, sizeof(buffer), &length, &f->err), 0);
    assert_int_equal(length, sizeof(f->ring->out));
    f->ring->out_prod += sizeof(f->ring->out) + 1;
    assert_int_equal(chaos_console_read(console, buffer, sizeof(buffer), &length, &f->err),
                     -EPROTO);
    f->ring->out_prod = f->ring->out_cons - 1; /* backwards */
    assert_int_equal(chaos_console_read(console, buffer, sizeof(buffer), &length, &f->err),
                     -EPROTO);
    f->ring->in_cons = f->ring->in_prod + 1;
    assert_int_equal(chaos_console_write(console, "x", 1, &length, &f->err), -EPROTO);
    chaos_console_close(console);
}

static void test_second_and_alive(void **state)
{
    struct fixture *f = *state;
    struct chaos_console *console = attach(f, true), *second;

    assert_int_equal(chaos_console_open(f->chaos, &f->domain, true, &second, &f->err), -EINVAL);
    assert_non_null(strstr(f->err.text, "attached already"));
    assert_true(chaos_console_alive(console));
    fake_domain(f->fake, f->domain.domid)->shutdown = true;
    assert_false(chaos_console_alive(console));
    chaos_console_close(console);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_follow),           TEST(test_look), TEST(test_input), TEST(test_hostile),
        TEST(test_second_and_alive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
