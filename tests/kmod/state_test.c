/* SPDX-License-Identifier: BSD-3-Clause */
/* The back-end's answer to every state that a front-end may write, or may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state.h"

static const uint32_t back_states[] = {NOXS_STATE_INITWAIT, NOXS_STATE_CONNECTED,
                                       NOXS_STATE_CLOSING, NOXS_STATE_CLOSED};

/* A row a front-end state, a column a back-end state. */
static const struct {
    uint32_t front;
    enum noxs_action action[4];
} table[] = {
    {NOXS_STATE_UNKNOWN, {NOXS_DO_NOTHING, NOXS_DO_INITWAIT, NOXS_DO_INITWAIT, NOXS_DO_INITWAIT}},
    {NOXS_STATE_INITIALISING,
     {NOXS_DO_NOTHING, NOXS_DO_INITWAIT, NOXS_DO_INITWAIT, NOXS_DO_INITWAIT}},
    {NOXS_STATE_INITWAIT, {NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK}},
    {NOXS_STATE_INITIALISED, {NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK}},
    {NOXS_STATE_CONNECTED, {NOXS_DO_CONNECT, NOXS_DO_NOTHING, NOXS_DO_NOTHING, NOXS_DO_NOTHING}},
    {NOXS_STATE_CLOSING, {NOXS_DO_CLOSING, NOXS_DO_CLOSING, NOXS_DO_NOTHING, NOXS_DO_NOTHING}},
    {NOXS_STATE_CLOSED, {NOXS_DO_CLOSED, NOXS_DO_CLOSED, NOXS_DO_CLOSED, NOXS_DO_NOTHING}},
    {7, {NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK}},
    {0x10004, {NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK}},
    {0xffffffff, {NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK, NOXS_DO_BREAK}},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(noxs_state_next(back_states[j], table[i].front), table[i].action[j]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
