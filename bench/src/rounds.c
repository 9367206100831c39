/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0, for what is done to guests that are there: creates STEP guests more, picks ten of
 * all at random, does something to each of them that takes it away (save, migrate), brings each
 * back, and prints how long both took; and so on, up to N guests. What must be cleared away before
 * a guest is brought back, or after that, is not timed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "series.h"

#define PICKED 10
#define SEED   1 /* the same guests each time */

struct rounds {
    unsigned int count, step;
    long gap_us;
    const struct probe *create_probe, *away_probe, *back_probe;
    char **create, **away, **clear, **back, **after;
};

struct sample {
    unsigned int present, guest;
    struct timed away, back;
};

/* The numbers of all guests; the first PICKED of them are those of this round. */
static void pick(unsigned int *numbers, unsigned int nr)
{
    for (unsigned int i = 0; i < PICKED && i < nr; i++) {
        unsigned int j = i + (unsigned int)random() % (nr - i), number = numbers[i];

        numbers[i] = numbers[j];
        numbers[j] = number;
    }
}

static int do_one(const struct rounds *rounds, char **command, const struct probe *probe,
                  unsigned int guest, struct timed *timed)
{
    int rc;

    *timed = (struct timed){.command_ns = -1, .up_ns = -1};
    if (!command)
        return 0;
    rc = run_until_up(command, guest, probe, NULL, NULL, timed);
    sleep_us(rounds->gap_us);
    return rc;
}

static int bring_back(const struct rounds *rounds, unsigned int guest, struct timed *timed)
{
    struct timed ignored;

    return do_one(rounds, rounds->clear, &probe_none, guest, &ignored) ||
           do_one(rounds, rounds->back, rounds->back_probe, guest, timed) ||
           do_one(rounds, rounds->after, &probe_none, guest, &ignored);
}

/* A warm-up: what it reads from the disk is in memory when the clock counts. */
static int warm_up(const struct rounds *rounds)
{
    struct timed timed;

    return do_one(rounds, rounds->create, rounds->create_probe, 1, &timed) ||
           do_one(rounds, rounds->away, rounds->away_probe, 1, &timed) ||
           bring_back(rounds, 1, &timed);
}

/* All ten are away at the same time. */
static int one_round(const struct rounds *rounds, const unsigned int *numbers, unsigned int present,
                     struct sample *samples)
{
    for (unsigned int i = 0; i < PICKED; i++) {
        samples[i].present = present;
        samples[i].guest = numbers[i];
        if (do_one(rounds, rounds->away, rounds->away_probe, numbers[i], &samples[i].away))
            return -1;
    }
    for (unsigned int i = 0; i < PICKED; i++)
        if (bring_back(rounds, numbers[i], &samples[i].back))
            return -1;
    return 0;
}

static void print_samples(const struct sample *samples, unsigned int nr)
{
    puts("n,number,away_ms,away_up_ms,back_ms,back_up_ms");
    for (unsigned int i = 0; i < nr; i++) {
        printf("%u,%u,", samples[i].present, samples[i].guest);
        print_ms(samples[i].away.command_ns, ',');
        print_ms(samples[i].away.up_ns, ',');
        print_ms(samples[i].back.command_ns, ',');
        print_ms(samples[i].back.up_ns, '\n');
    }
}

static int run_rounds(const struct rounds *rounds)
{
    unsigned int *numbers = calloc(rounds->count, sizeof(*numbers)), present = 1, nr = 0;
    struct sample *samples = calloc(rounds->count / rounds->step * PICKED, sizeof(*samples));
    struct timed ignored;
    int rc = numbers && samples ? warm_up(rounds) : -1;

    srandom(SEED);
    for (unsigned int i = 0; numbers && i < rounds->count; i++)
        numbers[i] = i + 1;
    while (!rc && present < rounds->count) {
        do {
            present++;
            rc = do_one(rounds, rounds->create, rounds->create_probe, present, &ignored);
        } while (!rc && present % rounds->step);
        if (rc)
            break;
        pick(numbers, present);
        rc = one_round(rounds, numbers, present, samples + nr);
        if (!rc)
            nr += PICKED;
    }
    if (samples)
        print_samples(samples, nr);
    free(samples);
    free(numbers);
    return rc ? 1 : 0;
}

static int usage(void)
{
    fputs("usage: rounds -n COUNT [-s STEP] [-g GAP_US] [-c PROBE] [-a PROBE] [-b PROBE] create "
          "CMD... \\;\n"
          "       away CMD... \\; [clear CMD... \\;] [back CMD... \\;] [after CMD... \\;]\n"
          "COUNT is a multiple of STEP, and STEP at least 10. -c, -a, -b: how it is seen that a "
          "guest is up after\n"
          "create, away and back\n",
          stderr);
    return 2;
}

static bool take_commands(struct rounds *rounds, int argc, char **argv)
{
    while (optind < argc) {
        const char *what = argv[optind++];
        char **command = take_command(argc, argv, &optind);

        if (!strcmp(what, "create"))
            rounds->create = command;
        else if (!strcmp(what, "away"))
            rounds->away = command;
        else if (!strcmp(what, "clear"))
            rounds->clear = command;
        else if (!strcmp(what, "back"))
            rounds->back = command;
        else if (!strcmp(what, "after"))
            rounds->after = command;
        else
            return false;
    }
    return rounds->create && rounds->away;
}

int main(int argc, char **argv)
{
    struct rounds rounds = {.step = PICKED,
                            .gap_us = 30000,
                            .create_probe = &probe_none,
                            .away_probe = &probe_none,
                            .back_probe = &probe_none};
    int option;

    while ((option = getopt(argc, argv, "+n:s:g:c:a:b:")) != -1) {
        if (option == 'n')
            rounds.count = (unsigned int)atoi(optarg);
        else if (option == 's')
            rounds.step = (unsigned int)atoi(optarg);
        else if (option == 'g')
            rounds.gap_us = atol(optarg);
        else if (option == 'c')
            rounds.create_probe = probe_open(optarg);
        else if (option == 'a')
            rounds.away_probe = probe_open(optarg);
        else if (option == 'b')
            rounds.back_probe = probe_open(optarg);
        else
            return usage();
    }
    if (!take_commands(&rounds, argc, argv) || rounds.step < PICKED || !rounds.count ||
        rounds.count % rounds.step || !rounds.create_probe || !rounds.away_probe ||
        !rounds.back_probe)
        return usage();
    return run_rounds(&rounds);
}
