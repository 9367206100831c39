/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts commands and tells how long they took. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "series.h"

#define NS_PER_MS 1e6
#define IDLE_US   5000

static char **expand_all(char **template, unsigned int n)
{
    size_t count = 0;
    char **out;

    while (template[count])
        count++;
    out = calloc(count + 1, sizeof(*out));
    if (!out)
        exit(1);
    for (size_t i = 0; i < count; i++)
        out[i] = expand(template[i], n);
    return out;
}

static void free_all(char **argv)
{
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    free(argv);
}

/* What the commands say on stderr: shown only for one that failed (xl always says something). */
static int messages = -1;

static void messages_forget(void)
{
    if (messages < 0)
        messages = memfd_create("messages", MFD_CLOEXEC);
    if (messages < 0 || ftruncate(messages, 0) || lseek(messages, 0, SEEK_SET)) {
        perror("memfd");
        exit(1);
    }
}

static void messages_show(void)
{
    char text[4096];
    ssize_t size = pread(messages, text, sizeof(text), 0);

    if (size > 0)
        fwrite(text, 1, (size_t)size, stderr);
}

struct running start_command(char **template, unsigned int n, const char *output)
{
    struct running running = {.argv = expand_all(template, n), .n = n};

    messages_forget();
    running.start_ns = monotonic_ns();
    running.pid = fork();
    if (running.pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 0);
        dup2(output ? open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : null, 1);
        dup2(messages, 2);
        execv(running.argv[0], running.argv);
        fprintf(stderr, "cannot run %s: %s\n", running.argv[0], strerror(errno));
        _exit(127);
    }
    if (running.pid < 0) {
        perror("fork");
        exit(1);
    }
    return running;
}

int64_t end_command(struct running *running)
{
    char **argv = running->argv;
    int64_t end;
    int status;

    if (waitpid(running->pid, &status, 0) != running->pid) {
        perror("wait");
        exit(1);
    }
    end = monotonic_ns();
    if (status) {
        messages_show();
        fprintf(stderr, "guest %u: %s %s failed (wait status %d)\n", running->n, argv[0],
                argv[1] ? argv[1] : "", status);
        end = running->start_ns - 1;
    }
    free_all(argv);
    return end - running->start_ns;
}

int64_t run_timed(char **template, unsigned int n, const char *output)
{
    struct running running = start_command(template, n, output);

    return end_command(&running);
}

static int read_domid(char **template, unsigned int n)
{
    char **argv = expand_all(template, n), line[32] = "";
    int out[2], status;
    pid_t pid;

    if (pipe(out))
        return -1;
    pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        execv(argv[0], argv);
        _exit(127);
    }
    close(out[1]);
    if (read(out[0], line, sizeof(line) - 1) < 0)
        line[0] = 0;
    close(out[0]);
    waitpid(pid, &status, 0);
    free_all(argv);
    return status ? -1 : atoi(line);
}

int run_until_up(char **template, unsigned int n, const struct probe *probe, char **domid,
                 const char *output, struct timed *timed)
{
    int64_t start, up;
    int id = -1;

    if (probe->before && probe->before(n))
        return -1;
    start = monotonic_ns();
    timed->up_ns = -1;
    timed->command_ns = run_timed(template, n, output);
    if (timed->command_ns < 0)
        return -1;
    if (!probe->wait_up)
        return 0;
    if (domid && probe->needs_domid) {
        /* The emulator gives the guest's processor a turn when dom0's goes idle: do so before
         * dom0 works on. The guest stamps its time itself. */
        sleep_us(IDLE_US);
        id = read_domid(domid, n);
    }
    up = probe->wait_up(n, id);
    if (up < 0)
        return -1;
    /* Up, and the command has returned: whichever came last. */
    timed->up_ns = up - start > timed->command_ns ? up - start : timed->command_ns;
    return 0;
}

void print_ms(int64_t ns, char end)
{
    if (ns >= 0)
        printf("%.4f", (double)ns / NS_PER_MS);
    putchar(end);
}

char **take_command(int argc, char **argv, int *index)
{
    char **command = argv + *index;

    while (*index < argc && strcmp(argv[*index], ";"))
        ++*index;
    if (*index < argc)
        argv[(*index)++] = NULL;
    return command;
}
