// SPDX-License-Identifier: BSD-3-Clause
#include "lifecycle_policy.h"

static uint64_t doubled(uint64_t first, uint32_t times, uint64_t most)
{
    while (times-- > 0 && first < most)
        first *= 2;
    return first < most ? first : most;
}

static enum chaos_action action_of(const struct policy *policy, enum chaos_shutdown reason)
{
    switch (reason) {
    case CHAOS_SHUTDOWN_POWEROFF:
        return policy->on_poweroff;
    case CHAOS_SHUTDOWN_REBOOT:
        return policy->on_reboot;
    default: /* watchdog and what is to come: it did not end as it should */
        return policy->on_crash;
    }
}

static uint64_t delay(enum chaos_shutdown reason, uint64_t ran_ns, struct policy_history *history)
{
    uint32_t allowed = reason == CHAOS_SHUTDOWN_POWEROFF || reason == CHAOS_SHUTDOWN_REBOOT
                           ? POLICY_FREE_CALM
                           : POLICY_FREE_CRASH;

    if (ran_ns >= POLICY_STABLE_NS)
        history->quick = 0;
    else if (history->quick < UINT32_MAX)
        history->quick++;
    if (history->quick <= allowed)
        return 0;
    return doubled(POLICY_FIRST_NS, history->quick - allowed - 1, POLICY_MOST_NS);
}

struct policy_verdict policy_judge(const struct policy *policy, enum chaos_shutdown reason,
                                   uint64_t ran_ns, struct policy_history *history)
{
    struct policy_verdict verdict = {POLICY_NOTHING, 0};

    if (reason == CHAOS_SHUTDOWN_SUSPEND)
        return verdict;
    switch (action_of(policy, reason)) {
    case CHAOS_ACTION_DESTROY:
        verdict.deed = POLICY_DESTROY;
        break;
    case CHAOS_ACTION_PRESERVE:
        verdict.deed = POLICY_PRESERVE;
        break;
    case CHAOS_ACTION_RESTART:
        verdict.deed = POLICY_RESTART;
        verdict.delay_ns = delay(reason, ran_ns, history);
        break;
    }
    return verdict;
}

uint64_t policy_retry_ns(uint32_t failures)
{
    return failures == 0 ? 0 : doubled(POLICY_FIRST_NS, failures - 1, POLICY_MOST_NS);
}
