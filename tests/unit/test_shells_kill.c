// SPDX-License-Identifier: BSD-3-Clause
/*
 * The owner of shells is killed at each of its system calls on the registry, and before each call
 * of the hypervisor: the next one finds every shell once, or nothing of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "shell_fixture.h"

/* Where the child is killed. The hypervisor in memory calls getppid before each of its calls. */
static bool is_place(long number)
{
    static const long places[] = {SYS_getppid,   SYS_flock,     SYS_pwrite64, SYS_linkat,
                                  SYS_renameat2, SYS_symlinkat, SYS_unlinkat, SYS_close};
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i] == number)
            return true;
    return false;
}

typedef void life(struct fixture *f);

/* Runs `life` in a child that dies before the n-th place. False: it came to its end. */
static bool run_and_kill(struct fixture *f, life *what, unsigned int n)
{
    const pid_t child = fork();
    unsigned int places = 0;
    bool entry = false;
    int status;

    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(77);
        raise(SIGSTOP);
        what(f);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        exit(77); /* no tracing here: skipped */
    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (!WIFEXITED(status)) {
        assert_true(WIFSTOPPED(status));
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            entry = !entry;
            if (entry &&
                is_place(ptrace(PTRACE_PEEKUSER, child,
                                (void *)offsetof(struct user_regs_struct, orig_rax), NULL)) &&
                ++places == n)
                break;
        }
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        return false;
    }
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) == child && !WIFSIGNALED(status))
        ;
    return true;
}

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
    for (n = 1; run_and_kill(f, what, n); n++)
        start_again(f);
    start_again(f);
    assert_in_range(n, places, 1000);
}

static void live_and_prepare(struct fixture *f)
{
    shell_finish(f->chaos, fixture_prepare(f, &f->flavour));
    shell_destroy(f->chaos, fixture_prepare(f, &f->warm));
}

static void test_killed_in_prepare(void **state)
{
    kill_everywhere(*state, live_and_prepare, 30);
}

static void live_and_execute(struct fixture *f)
{
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

static void live_and_adopt(struct fixture *f)
{
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
