/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0: starts a command N times, one after another, and prints how long each took until
 * it returned and until its guest was up. All series (xl, chaos, a plain process) go through this
 * one program, so that they share clock, fork and wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"
#include "series.h"

#define NS_PER_MS 1e6
#define IDLE_US   5000

struct series {
    unsigned int count, first; /* guests first, first + 1, ... */
    long gap_us;
    const char *probe_name, *output; /* where the creating commands' stdout is added, or NULL */
    bool stay;
    char **create, **destroy, **domid;
};

struct sample {
    int64_t create_ns, up_ns, destroy_ns; /* -1: not measured */
};

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
        perror("series: memfd");
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

/* fork, exec, wait; negative and a message when the command failed. */
static int64_t run_timed(char **template, unsigned int n, const char *output)
{
    char **argv = expand_all(template, n);
    int64_t start, end;
    int status;
    pid_t pid;

    messages_forget();
    start = monotonic_ns();
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 0);
        dup2(output ? open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : null, 1);
        dup2(messages, 2);
        execv(argv[0], argv);
        fprintf(stderr, "series: cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("series: fork");
        exit(1);
    }
    end = monotonic_ns();
    if (status) {
        messages_show();
        fprintf(stderr, "series: guest %u: %s %s failed (wait status %d)\n", n, argv[0],
                argv[1] ? argv[1] : "", status);
        end = start - 1;
    }
    free_all(argv);
    return end - start;
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

static int create_one(const struct series *series, const struct probe *probe, unsigned int n,
                      struct sample *sample)
{
    int64_t start;

    if (probe->before && probe->before(n))
        return -1;
    start = monotonic_ns();
    sample->create_ns = run_timed(series->create, n, series->output);
    if (sample->create_ns < 0)
        return -1;
    sample->up_ns = -1;
    if (probe->wait_up) {
        int domid = -1;
        int64_t up;

        if (series->domid && probe->needs_domid) {
            /* The emulator gives the guest's processor a turn when dom0's goes idle: do so before
             * dom0 works on. The guest stamps its time itself. */
            sleep_us(IDLE_US);
            domid = read_domid(series->domid, n);
        }
        up = probe->wait_up(n, domid);
        if (up < 0)
            return -1;
        /* Up, and the command has returned: whichever came last. */
        sample->up_ns = up - start > sample->create_ns ? up - start : sample->create_ns;
    }
    return 0;
}

static void print_ms(int64_t ns, char end)
{
    if (ns >= 0)
        printf("%.4f", (double)ns / NS_PER_MS);
    putchar(end);
}

/* Guest 0 is not counted: the first of a kind reads the programs from the disk. */
static int warm_up(const struct series *series)
{
    if (run_timed(series->create, 0, NULL) < 0)
        return -1;
    sleep_us(series->gap_us);
    if (series->destroy && run_timed(series->destroy, 0, NULL) < 0)
        return -1;
    sleep_us(series->gap_us);
    return 0;
}

static int run_series(const struct series *series, const struct probe *probe)
{
    struct sample *samples = calloc(series->count, sizeof(*samples));
    unsigned int done = 0;
    int rc = 0;

    if (!samples || (series->first == 1 && warm_up(series))) {
        free(samples);
        return 1;
    }
    while (done < series->count) {
        if (create_one(series, probe, series->first + done, &samples[done])) {
            rc = 1;
            break;
        }
        done++;
        sleep_us(series->gap_us);
    }
    for (unsigned int i = 0; i < done; i++) {
        samples[i].destroy_ns = -1;
        if (series->destroy && !series->stay) {
            samples[i].destroy_ns = run_timed(series->destroy, series->first + i, NULL);
            rc |= samples[i].destroy_ns < 0;
            sleep_us(series->gap_us);
        }
    }
    printf("n,create_ms,boot_ms,destroy_ms\n");
    for (unsigned int i = 0; i < done; i++) {
        printf("%u,", series->first + i);
        print_ms(samples[i].create_ns, ',');
        print_ms(samples[i].up_ns, ',');
        print_ms(samples[i].destroy_ns, '\n');
    }
    free(samples);
    return rc;
}

/* A command is given as the arguments up to a lone ";". */
static char **take_command(int argc, char **argv, int *index)
{
    char **command = argv + *index;

    while (*index < argc && strcmp(argv[*index], ";"))
        ++*index;
    if (*index < argc)
        argv[(*index)++] = NULL;
    return command;
}

static int usage(void)
{
    fputs(
        "usage: series -n COUNT [-f FIRST] [-s] [-g GAP_US] [-p PROBE] [-o FILE] create CMD... \\; "
        "[destroy CMD... \\;] [domid CMD... \\;]\n"
        "-s: the guests stay; only the one before the first, which is not counted, is destroyed\n",
        stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct series series = {.first = 1, .probe_name = "none", .gap_us = 30000};
    const struct probe *probe;
    int option;

    while ((option = getopt(argc, argv, "+n:f:sg:p:o:")) != -1) {
        if (option == 'n')
            series.count = (unsigned int)atoi(optarg);
        else if (option == 'f')
            series.first = (unsigned int)atoi(optarg);
        else if (option == 's')
            series.stay = true;
        else if (option == 'o')
            series.output = optarg;
        else if (option == 'g')
            series.gap_us = atol(optarg);
        else if (option == 'p')
            series.probe_name = optarg;
        else
            return usage();
    }
    while (optind < argc) {
        const char *what = argv[optind++];
        char **command = take_command(argc, argv, &optind);

        if (!strcmp(what, "create"))
            series.create = command;
        else if (!strcmp(what, "destroy"))
            series.destroy = command;
        else if (!strcmp(what, "domid"))
            series.domid = command;
        else
            return usage();
    }
    probe = probe_find(series.probe_name);
    if (!series.count || !series.create || !probe)
        return usage();
    if (probe->open && probe->open())
        return 1;
    return run_series(&series, probe);
}
