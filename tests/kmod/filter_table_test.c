/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of 64 filters says of a frame what asking each of them says, whatever changed before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filter_table.h"

#define SIZE   42
#define ROUNDS 20000

/* Few addresses, so that many filters want the same. */
static const uint8_t addresses[][4] = {{10, 0, 0, 2},   {10, 0, 0, 3}, {10, 1, 0, 2}, {10, 1, 0, 3},
                                       {10, 2, 200, 9}, {10, 0, 1, 3}, {11, 0, 1, 2}, {0, 0, 0, 0}};
#define ADDRESSES (sizeof(addresses) / sizeof(addresses[0]))

struct slot {
    bool used;
    struct noxs_filter filter;
    struct noxs_vif_front front; /* the same as its front-end wrote it */
};

static unsigned int below(unsigned int limit)
{
    return (unsigned int)rand() % limit;
}

static void set_bit(uint8_t *bits, unsigned int bit)
{
    bits[bit / 8] |= (uint8_t)(1 << bit % 8);
}

static void fill(struct slot *slot)
{
    memset(slot, 0, sizeof(*slot));
    slot->used = true;
    slot->front.arp_generation = 1;
    memcpy(&slot->front.ipv4, addresses[below(ADDRESSES)], 4);
    for (unsigned int i = below(4); i > 0; i--) {
        const uint8_t *peer = addresses[below(ADDRESSES)];

        set_bit(slot->front.arp_peers, NOXS_VIF_ARP_BIT(peer));
        set_bit(slot->front.arp_peers_low, NOXS_VIF_ARP_BIT_LOW(peer));
    }
    slot->filter.ipv4 = slot->front.ipv4;
    memcpy(slot->filter.arp_peers, slot->front.arp_peers, sizeof(slot->filter.arp_peers));
    slot->filter.mac[0] = 2;
    slot->filter.mac[4] = (uint8_t)below(2);
    slot->filter.mac[5] = (uint8_t)below(4);
}

static void change(struct noxs_filter_table *table, struct slot *slots, unsigned int nr)
{
    struct slot old = slots[nr];

    if (below(4))
        fill(&slots[nr]);
    else
        slots[nr].used = false;
    noxs_filter_change(table, nr, old.used ? &old.filter : NULL,
                       slots[nr].used ? &slots[nr].filter : NULL);
}

/* A broadcast ARP request, now and then something else. */
static void make_frame(uint8_t *frame)
{
    static const uint8_t start[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,    0, 0, 0, 0,
                                    1,    0x08, 0x06, 0,    1,    0x08, 0x00, 6, 4, 0, 1};

    memset(frame, 0, SIZE);
    memcpy(frame, start, sizeof(start));
    memcpy(frame + 28, addresses[below(ADDRESSES)], 4);
    memcpy(frame + 38, below(2) ? frame + 28 : addresses[below(ADDRESSES)], 4);
    if (!below(4))
        frame[21] = 2; /* a reply */
    if (!below(4)) {
        const uint8_t to_one[] = {2, 0, 0, 0, (uint8_t)below(2), (uint8_t)below(4)};

        memcpy(frame, to_one, sizeof(to_one));
    }
}

static bool wants(const struct slot *slot, const uint8_t *frame, const struct noxs_arp *arp)
{
    if (!slot->used || (!(frame[0] & 1) && memcmp(frame, slot->filter.mac, 6)))
        return false;
    return !noxs_arp_unwanted(arp, &slot->front);
}

static unsigned int spared; /* that the table did not name */

static void check(const struct noxs_filter_table *table, const struct slot *slots)
{
    uint8_t frame[SIZE];
    struct noxs_arp arp;
    uint64_t found;

    make_frame(frame);
    noxs_arp_parse(frame, SIZE, &arp);
    found = noxs_filter_candidates(table, frame, &arp);
    for (unsigned int i = 0; i < NOXS_FILTER_SLOTS; i++) {
        bool named = found >> i & 1;

        assert_true(named || !wants(&slots[i], frame, &arp));
        assert_true(slots[i].used || !named);
        spared += slots[i].used && !named;
    }
}

static void test_like_asking_each(void **state)
{
    static struct noxs_filter_table table;
    static struct slot slots[NOXS_FILTER_SLOTS];

    (void)state;
    srand(1);
    for (unsigned int round = 0; round < ROUNDS; round++) {
        change(&table, slots, below(NOXS_FILTER_SLOTS));
        check(&table, slots);
    }
    /* Most are; a table that names all would do, too, but be of no use. */
    assert_true(spared > ROUNDS * NOXS_FILTER_SLOTS / 4);
}

/* Nothing of a filter is left once it has gone. */
static void test_leaves_nothing(void **state)
{
    static struct noxs_filter_table table;
    static const struct noxs_filter_table empty;
    struct slot slot, next;

    (void)state;
    srand(2);
    for (unsigned int i = 0; i < NOXS_FILTER_SLOTS; i++) {
        fill(&slot);
        fill(&next);
        noxs_filter_change(&table, i, NULL, &slot.filter);
        noxs_filter_change(&table, i, &slot.filter, &next.filter);
        noxs_filter_change(&table, i, &next.filter, NULL);
    }
    assert_memory_equal(&table, &empty, sizeof(table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_like_asking_each),
                                       cmocka_unit_test(test_leaves_nothing)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
