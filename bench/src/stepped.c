/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stepped FILE COMMAND ARGUMENT...: runs a statically linked command one instruction at a time, and
 * adds to FILE the addresses, in units of 16 bytes, at which it was. bench/order says what for.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST 0x400000u /* where ld puts such a program */
#define SPAN  0x400000u
#define UNIT  16u

static unsigned char seen[SPAN / UNIT];

static int child(char **argv)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
        execv(argv[0], argv);
    fprintf(stderr, "stepped: cannot run %s: %s\n", argv[0], strerror(errno));
    return 127;
}

/* Until it ends: its wait status, or -1. */
static int step(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) == pid) {
        struct user_regs_struct registers;
        int signal = 0;

        if (!WIFSTOPPED(status))
            return status;
        if (ptrace(PTRACE_GETREGS, pid, NULL, &registers))
            return -1;
        if (registers.rip - FIRST < SPAN)
            seen[(registers.rip - FIRST) / UNIT] = 1;
        if (WSTOPSIG(status) != SIGTRAP)
            signal = WSTOPSIG(status);
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, signal))
            return -1;
    }
    return -1;
}

int main(int argc, char **argv)
{
    FILE *out;
    pid_t pid;
    int status;

    if (argc < 3) {
        fputs("usage: stepped FILE COMMAND ARGUMENT...\n", stderr);
        return 2;
    }
    out = fopen(argv[1], "a");
    pid = out ? fork() : -1;
    if (pid == 0)
        return child(argv + 2);
    status = pid < 0 ? -1 : step(pid);
    if (status) {
        fprintf(stderr, "stepped: %s failed (wait status %d)\n", argv[2], status);
        return 1;
    }
    for (uint32_t unit = 0; unit < SPAN / UNIT; unit++)
        if (seen[unit])
            fprintf(out, "%" PRIx32 "\n", FIRST + unit * UNIT);
    return fclose(out) ? 1 : 0;
}
