// SPDX-License-Identifier: BSD-3-Clause
/*
 * The owner of shells is killed at each of its system calls on the registry, and before each call
 * of the hypervisor: the next one finds every shell once, or nothing of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "killer.h"
#include "scratch.h"
#include "shell_fixture.h"

struct taken {
    struct shell *shell[4];
    size_t nr;
};

static void take(void *opaque, struct shell *shell)
{
    struct taken *taken = opaque;
    size_t i;

    for (i = 0; i < taken->nr; i++)
        assert_int_not_equal(shell_domid(taken->shell[i]), shell_domid(shell));
    assert_in_range(taken->nr, 0, 3);
    taken->shell[taken->nr++] = shell;
}

static size_t count_domains(const struct fake_hv *fake)
{
    size_t i, nr = 0;

    for (i = 1; i < FAKE_DOMAINS; i++)
        nr += fake->domain[i].used;
    return nr;
}

/* What the next process finds is whole, is used, and is all there is. */
static void start_again(struct fixture *f)
{
    struct taken taken = {.nr = 0};
    struct chaos_domain domain;
    size_t i, guests;

    fake_hv_forget_mappings(f->fake);
    assert_int_equal(shell_adopt(f->chaos, take, &taken, &f->err), 0);
    chaos_reap(f->chaos);
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(scratch_count("shells"), taken.nr);
    guests = scratch_count("domains");
    assert_int_equal(count_domains(f->fake), taken.nr + guests);
    if (guests > 0) {
        assert_int_equal(chaos_domain_find(f->chaos, "guest", &domain, &f->err), 0);
        fixture_check_guest(f, &domain);
        fixture_destroy(f, "guest");
    }
    for (i = 0; i < taken.nr; i++) {
        fixture_execute(f, taken.shell[i], &domain);
        shell_finish(f->chaos, taken.shell[i]);
        fixture_check_guest(f, &domain);
        fixture_destroy(f, "guest");
    }
    fixture_assert_nothing_left(f);
}

static void kill_everywhere(struct fixture *f, life *what, unsigned int places)
{
    unsigned int n;

    f->fake->fast = false;
    for (n = 1; run_and_kill(what, f, n); n++)
        start_again(f);
    start_again(f);
    assert_in_range(n, places, 1000);
}

static void live_and_prepare(void *opaque)
{
    struct fixture *f = opaque;
    shell_finish(f->chaos, fixture_prepare(f, &f->flavour));
    shell_destroy(f->chaos, fixture_prepare(f, &f->warm));
}

static void test_killed_in_prepare(void **state)
{
    kill_everywhere(*state, live_and_prepare, 30);
}

static void live_and_execute(void *opaque)
{
    struct fixture *f = opaque;
    struct shell *shell = fixture_prepare(f, &f->warm);
    struct chaos_domain domain;
    bool intact;

    if (shell_execute(f->chaos, shell, &f->config, NULL, &domain, &intact, &f->err) < 0)
        _exit(1);
    shell_finish(f->chaos, shell);
}

static void test_killed_in_execute(void **state)
{
    kill_everywhere(*state, live_and_execute, 20);
}

static void test_killed_with_a_uuid(void **state)
{
    struct fixture *f = *state;

    memcpy(f->config.uuid, "0123456789abcdef", 16);
    f->warm = f->flavour;
    kill_everywhere(f, live_and_execute, 20);
}

static void live_and_adopt(void *opaque)
{
    struct fixture *f = opaque;
    struct taken taken = {.nr = 0};

    shell_finish(f->chaos, fixture_prepare(f, &f->flavour));
    shell_finish(f->chaos, fixture_prepare(f, &f->warm));
    shell_adopt(f->chaos, take, &taken, &f->err);
    shell_destroy(f->chaos, taken.shell[0]);
}

static void test_killed_in_adopt(void **state)
{
    kill_everywhere(*state, live_and_adopt, 40);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_killed_in_prepare),
        TEST(test_killed_in_execute),
        TEST(test_killed_with_a_uuid),
        TEST(test_killed_in_adopt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
