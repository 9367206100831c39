// SPDX-License-Identifier: BSD-3-Clause
/* Where Xen's vmap area may begin to look for room: the hypervisor's own code, taken out of the
 * series, finds what a search from the start finds, whatever is taken and freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LONG_BITS (sizeof(unsigned long) * CHAR_BIT)

static bool test_bit(unsigned int bit, const unsigned long *bitmap)
{
    return bitmap[bit / LONG_BITS] >> bit % LONG_BITS & 1;
}

#include <xen/vmap_hint.h>

#define BITS   8192u
#define LOW    3u /* below it are the bits of the bitmap's own pages */
#define LIVE   700u
#define ROUNDS 200000

struct taken {
    unsigned int start, nr;
};

static unsigned long bitmap[BITS / LONG_BITS];
static struct taken live[LIVE];
static unsigned int nr_live, steps;

static void put(unsigned int start, unsigned int nr, bool value)
{
    for (unsigned int bit = start; bit < start + nr; bit++) {
        unsigned long mask = 1ul << bit % LONG_BITS;

        assert_int_equal(test_bit(bit, bitmap), !value);
        bitmap[bit / LONG_BITS] ^= mask;
    }
}

/* The first page behind a guard, at or above from, where nr fit and a guard; 0: none. */
static unsigned int look(unsigned int from, unsigned int nr)
{
    unsigned int clear = 0;

    for (unsigned int bit = from; bit < BITS; bit++) {
        steps++;
        clear = test_bit(bit, bitmap) ? 0 : clear + 1;
        if (clear == nr + 2)
            return bit - nr;
    }
    return 0;
}

static void take(struct vmap_hint *hint, unsigned int nr)
{
    const unsigned int begin = vmap_hint_get(hint, LOW, nr), start = look(begin, nr);

    assert_false(test_bit(begin, bitmap));
    assert_int_equal(start, look(LOW, nr));
    if (!start)
        return;
    put(start, nr, true);
    vmap_hint_taken(hint, nr, start + nr);
    live[nr_live++] = (struct taken){start, nr};
}

static void give_back(struct vmap_hint *hint, unsigned int index)
{
    const struct taken old = live[index];

    live[index] = live[--nr_live];
    vmap_hint_freed(hint, bitmap, old.start - 1);
    put(old.start, old.nr, false);
}

static int setup(void **state)
{
    (void)state;
    memset(bitmap, 0, sizeof(bitmap));
    nr_live = 0;
    put(0, LOW, true);
    return 0;
}

static void finds_the_same(void **state)
{
    struct vmap_hint hint = {0};

    (void)state;
    srandom(1);
    for (unsigned int round = 0; round < ROUNDS; round++) {
        /* Waves, from nearly none to nearly all. */
        const bool grow = random() % 100 < (round / 2000 % 2 ? 40 : 60);

        if (grow && nr_live < LIVE)
            take(&hint,
                 random() % 8 ? 1 + (unsigned int)random() % 4 : 5 + (unsigned int)random() % 20);
        else if (nr_live > 0)
            give_back(&hint, (unsigned int)random() % nr_live);
    }
}

/* What a host with many domains does: a hole at the start, then always the same size. */
static void does_not_walk(void **state)
{
    struct vmap_hint hint = {0};

    (void)state;
    take(&hint, 1);
    take(&hint, 2);
    give_back(&hint, 0);
    for (int i = 0; i < 500; i++) {
        const unsigned int begin = vmap_hint_get(&hint, LOW, 2);

        steps = 0;
        assert_int_not_equal(look(begin, 2), 0);
        assert_in_range(steps, 1, i == 0 ? 10 : 4);
        take(&hint, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(finds_the_same, setup),
        cmocka_unit_test_setup(does_not_walk, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
