// SPDX-License-Identifier: BSD-3-Clause
/* What is decided about guests that ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lifecycle_policy.h"

#define SECOND 1000000000u

static const struct policy all_three = {CHAOS_ACTION_DESTROY, CHAOS_ACTION_RESTART,
                                        CHAOS_ACTION_PRESERVE};
static const struct policy restarts = {CHAOS_ACTION_RESTART, CHAOS_ACTION_RESTART,
                                       CHAOS_ACTION_RESTART};

static enum policy_deed deed(const struct policy *policy, enum chaos_shutdown reason)
{
    struct policy_history history = {0};

    return policy_judge(policy, reason, 60ull * SECOND, &history).deed;
}

static void test_deeds(void **state)
{
    (void)state;
    assert_int_equal(deed(&all_three, CHAOS_SHUTDOWN_POWEROFF), POLICY_DESTROY);
    assert_int_equal(deed(&all_three, CHAOS_SHUTDOWN_REBOOT), POLICY_RESTART);
    assert_int_equal(deed(&all_three, CHAOS_SHUTDOWN_CRASH), POLICY_PRESERVE);
    assert_int_equal(deed(&all_three, CHAOS_SHUTDOWN_WATCHDOG), POLICY_PRESERVE);
    assert_int_equal(deed(&all_three, (enum chaos_shutdown)200), POLICY_PRESERVE);
    assert_int_equal(deed(&restarts, CHAOS_SHUTDOWN_SUSPEND), POLICY_NOTHING);
}

static void test_back_off(void **state)
{
    static const uint64_t expected_ms[] = {0,     500,   1000,  2000,  4000, 8000,
                                           16000, 32000, 60000, 60000, 60000};
    struct policy_history history = {0};
    struct policy_verdict verdict;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++) {
        verdict = policy_judge(&restarts, CHAOS_SHUTDOWN_CRASH, SECOND, &history);
        assert_int_equal(verdict.deed, POLICY_RESTART);
        assert_int_equal(verdict.delay_ns, expected_ms[i] * 1000000u);
    }
    history.quick = UINT32_MAX;
    verdict = policy_judge(&restarts, CHAOS_SHUTDOWN_CRASH, SECOND, &history);
    assert_int_equal(verdict.delay_ns, POLICY_MOST_NS);
    /* It ran for long: all is forgiven. */
    verdict = policy_judge(&restarts, CHAOS_SHUTDOWN_CRASH, POLICY_STABLE_NS, &history);
    assert_int_equal(verdict.delay_ns, 0);
    verdict = policy_judge(&restarts, CHAOS_SHUTDOWN_CRASH, SECOND, &history);
    assert_int_equal(verdict.delay_ns, 0);
    verdict = policy_judge(&restarts, CHAOS_SHUTDOWN_CRASH, SECOND, &history);
    assert_int_equal(verdict.delay_ns, POLICY_FIRST_NS);
}

static void test_calm(void **state)
{
    struct policy_history history = {0};
    size_t i;

    (void)state;
    for (i = 0; i < POLICY_FREE_CALM; i++)
        assert_int_equal(policy_judge(&restarts, CHAOS_SHUTDOWN_REBOOT, SECOND, &history).delay_ns,
                         0);
    assert_int_equal(policy_judge(&restarts, CHAOS_SHUTDOWN_REBOOT, SECOND, &history).delay_ns,
                     POLICY_FIRST_NS);
    /* What is not restarted leaves no trace. */
    history = (struct policy_history){0};
    policy_judge(&all_three, CHAOS_SHUTDOWN_POWEROFF, SECOND, &history);
    assert_int_equal(history.quick, 0);
}

static void test_retry(void **state)
{
    (void)state;
    assert_int_equal(policy_retry_ns(0), 0);
    assert_int_equal(policy_retry_ns(1), POLICY_FIRST_NS);
    assert_int_equal(policy_retry_ns(2), 2ull * POLICY_FIRST_NS);
    assert_int_equal(policy_retry_ns(UINT32_MAX), POLICY_MOST_NS);
}

static void test_reasons(void **state)
{
    (void)state;
    assert_string_equal(chaos_shutdown_name(CHAOS_SHUTDOWN_CRASH), "crash");
    assert_string_equal(chaos_shutdown_name((enum chaos_shutdown)6), "unknown");
    assert_string_equal(chaos_shutdown_name((enum chaos_shutdown) - 1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deeds), cmocka_unit_test(test_back_off), cmocka_unit_test(test_calm),
        cmocka_unit_test(test_retry), cmocka_unit_test(test_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
