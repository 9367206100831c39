/* SPDX-License-Identifier: BSD-3-Clause */
/* What the attacks share: a vif opened by hand, and rings whose every word is in our hands. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "net/vif_ring.h"

struct victim {
    struct noxs_device dev;
    struct vif_rings rings;
    uint64_t events; /* that the back-end sent */
};

struct attack {
    const char *mode;
    void (*run)(struct victim *v);
};

extern const struct attack state_attacks[], tx_attacks[], rx_attacks[]; /* end: mode null */

void nap(void);                 /* long enough for the back-end to look */
uint32_t noise(void);           /* pseudo-random, the same in every run */
void connect(struct victim *v); /* proper rings, state Connected, waits for the answer */
void disconnect(
    struct victim *v); /* closes; waits for the back-end to be ready again, or a while */
void scribble(volatile void *at, size_t len);

#endif
