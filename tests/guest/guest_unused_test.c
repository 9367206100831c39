// SPDX-License-Identifier: BSD-3-Clause
/* The guest's list of pages that it does not use: always in order, without overlap, and nothing in
 * it that was not added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/unused.h"

#define PAGES 512u

static struct noxs_unused list;

static void check(const bool *added, bool all)
{
    bool told[PAGES] = {false};
    uint32_t end = 0;

    assert_true(list.nr <= NOXS_UNUSED_RANGES);
    for (uint32_t i = 0; i < list.nr; i++) {
        assert_true(list.range[i].first >= end && list.range[i].nr > 0);
        if (i > 0 && all)
            assert_true(list.range[i].first > end); /* neighbours are one range */
        end = list.range[i].first + list.range[i].nr;
        assert_true(end <= PAGES);
        for (uint32_t page = list.range[i].first; page < end; page++)
            told[page] = true;
    }
    for (uint32_t page = 0; page < PAGES; page++)
        assert_true(told[page] == added[page] || (!all && added[page]));
}

/* Single pages and runs, in any order, until all are told. */
static void test_any_order(void **state)
{
    unsigned int seed;

    (void)state;
    for (seed = 1; seed < 200; seed++) {
        bool added[PAGES] = {false};

        srand(seed);
        list.nr = 0;
        for (unsigned int i = 0; i < 40; i++) {
            uint32_t first = (uint32_t)rand() % PAGES, nr = 0;

            while (first + nr < PAGES && !added[first + nr] && nr < seed % 9 + 1)
                added[first + nr++] = true;
            unused_add(&list, first, nr);
            check(added, true);
        }
        for (uint32_t page = 0; page < PAGES; page++)
            if (!added[page]) {
                added[page] = true;
                unused_add(&list, page, 1);
            }
        check(added, true);
        assert_int_equal(list.nr, 1);
    }
}

static void test_no_room(void **state)
{
    bool added[PAGES] = {false};

    (void)state;
    list.nr = 0;
    for (uint32_t page = 0; page < PAGES; page += 2) {
        added[page] = true;
        unused_add(&list, page, 1);
        check(added, false);
    }
    assert_int_equal(list.nr, NOXS_UNUSED_RANGES);
    added[1] = true; /* between two that are there */
    unused_add(&list, 1, 1);
    check(added, false);
    assert_int_equal(list.nr, NOXS_UNUSED_RANGES - 1);
    assert_int_equal(list.range[0].nr, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
