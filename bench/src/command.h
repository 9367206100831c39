/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that are timed. One is given as a template: its words, in which {n} and {ip} are
 * replaced for guest n. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe.h"

struct timed {
    int64_t command_ns; /* from just before the fork to the return of wait */
    int64_t up_ns;      /* until it has returned and the guest is up; -1: not measured */
};

struct running {
    char **argv;
    unsigned int n;
    pid_t pid;
    int64_t start_ns;
};

/* fork and exec; wait: how long both took, or negative after a message. What the command prints is
 * added to the file output, unless that is NULL. One command at a time. */
struct running start_command(char **template, unsigned int n, const char *output);
int64_t end_command(struct running *running);

/* Both in a row. */
int64_t run_timed(char **template, unsigned int n, const char *output);

/* The same, and when guest n is up, which the probe finds out; domid is the command that prints its
 * domain id, or NULL. 0, or -1 after a message. */
int run_until_up(char **template, unsigned int n, const struct probe *probe, char **domid,
                 const char *output, struct timed *timed);

/* The words of argv from *index up to a lone ";", and *index behind that. */
char **take_command(int argc, char **argv, int *index);

void print_ms(int64_t ns, char end); /* nothing for a negative time, then end */

#endif
