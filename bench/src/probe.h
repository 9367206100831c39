/* SPDX-License-Identifier: BSD-3-Clause */
/* A probe finds out when a guest is up. */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct probe {
    const char *name;
    bool needs_domid;
    int (*open)(void);             /* once; 0 or -1 with a message */
    int (*before)(unsigned int n); /* just before guest n is created */
    int64_t (*wait_up)(unsigned int n,
                       int domid); /* CLOCK_MONOTONIC ns of guest n being up, or -1 */
};

extern const struct probe probe_none;
extern const struct probe probe_ready; /* the guest's own word: NOXS_OP_READY */
extern const struct probe probe_ping;  /* its first answer to an ICMP echo request */
extern const struct probe probe_stamp; /* a container's time at main() */
extern const struct probe probe_udp;   /* a container's first packet */

const struct probe *probe_open(const char *name); /* NULL after a message */

#endif
