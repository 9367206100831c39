/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is to be done with a guest that has shut down: its configuration, the reason, and how often
 * it did so lately decide. Nothing here does anything.
 */
#ifndef CHAOSD_LIFECYCLE_POLICY_H
#define CHAOSD_LIFECYCLE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/domain.h>

#define POLICY_STABLE_NS  10000000000u /* who ran so long starts with a clean record */
#define POLICY_FIRST_NS   500000000u   /* the first delay; each one is twice the one before it, */
#define POLICY_MOST_NS    60000000000u /* up to this */
#define POLICY_FREE_CRASH 1u           /* so many quick ends in a row are restarted at once */
#define POLICY_FREE_CALM  3u

/* The on_* of a configuration. */
struct policy {
    enum chaos_action on_poweroff, on_reboot, on_crash;
};

/* Of one guest, through its restarts. */
struct policy_history {
    uint32_t restarts; /* since it was created */
    uint32_t quick;    /* ends in a row that came sooner than POLICY_STABLE_NS */
};

enum policy_deed {
    POLICY_NOTHING, /* it is suspended: who asked for that goes on with it */
    POLICY_PRESERVE,
    POLICY_DESTROY,
    POLICY_RESTART
};

struct policy_verdict {
    enum policy_deed deed;
    uint64_t delay_ns; /* before a restart */
};

/* ran_ns: how long it ran; notes the end in the history. */
struct policy_verdict policy_judge(const struct policy *policy, enum chaos_shutdown reason,
                                   uint64_t ran_ns, struct policy_history *history);

/* After so many failed attempts in a row to do it: until the next one. */
uint64_t policy_retry_ns(uint32_t failures);

#endif
