/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0: starts a command N times, one after another, and prints how long each took until
 * it returned and until its guest was up. All series (xl, chaos, a plain process) go through this
 * one program, so that they share clock, fork and wait.
 */
#include "series.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

struct series {
    unsigned int count, first; /* guests first, first + 1, ... */
    long gap_us;
    const struct probe *probe;
    const char *output; /* where the creating commands' stdout is added, or NULL */
    bool stay;
    char **create, **destroy, **domid;
};

struct sample {
    struct timed create;
    int64_t destroy_ns; /* -1: not measured */
};

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

static int run_series(const struct series *series)
{
    struct sample *samples = calloc(series->count, sizeof(*samples));
    unsigned int done = 0;
    int rc = 0;

    if (!samples || (series->first == 1 && warm_up(series))) {
        free(samples);
        return 1;
    }
    while (done < series->count) {
        if (run_until_up(series->create, series->first + done, series->probe, series->domid,
                         series->output, &samples[done].create)) {
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
        print_ms(samples[i].create.command_ns, ',');
        print_ms(samples[i].create.up_ns, ',');
        print_ms(samples[i].destroy_ns, '\n');
    }
    free(samples);
    return rc;
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
    struct series series = {.first = 1, .probe = &probe_none, .gap_us = 30000};
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
            series.probe = probe_open(optarg);
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
    if (!series.count || !series.create || !series.probe)
        return usage();
    return run_series(&series);
}
