// SPDX-License-Identifier: BSD-3-Clause
#include "killer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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

bool run_and_kill(life *what, void *opaque, unsigned int n)
{
    const pid_t child = fork();
    unsigned int places = 0;
    bool entry = false;
    int status;

    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(77);
        raise(SIGSTOP);
        what(opaque);
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
