/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that are timed. One is given as a template: its words, in which {n} and {ip} are
 * replaced for guest n. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "probe.h"

struct timed {
    int64_t command_ns; /* from just before the fork to the return of wait */
    int64_t up_ns;      /* until it has returned and the guest is up; -1: not measured */
};

/* fork, exec, wait: how long that took, or negative after a message. What it prints is added to
 * the file output, unless that is NULL. */
int64_t run_timed(char **template, unsigned int n, const char *output);

/* The same, and when guest n is up, which the probe finds out; domid is the command that prints its
 * domain id, or NULL. 0, or -1 after a message. */
int run_until_up(char **template, unsigned int n, const struct probe *probe, char **domid,
                 const char *output, struct timed *timed);

/* The words of argv from *index up to a lone ";", and *index behind that. */
char **take_command(int argc, char **argv, int *index);

void print_ms(int64_t ns, char end); /* nothing for a negative time, then end */

#endif
