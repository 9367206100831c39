/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames the filter keeps from a front-end: those, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arp.h"

#define SIZE 42

enum { REQUEST = 1, REPLY = 2 };

/* The front-end is 10.0.0.2 and remembers 10.0.0.7. */
static const uint8_t own[] = {10, 0, 0, 2}, peer[] = {10, 0, 0, 7}, other[] = {10, 0, 0, 3},
                     stranger[] = {192, 168, 7, 9}, nobody[4];
/* Of the same bit as peer in one of the two tables. */
static const uint8_t like_peer[] = {10, 0, 1, 6}, low_like_peer[] = {10, 1, 2, 7};

static void make_frame(uint8_t *frame, uint8_t operation, const uint8_t *sender,
                       const uint8_t *target)
{
    static const uint8_t start[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,    0, 0, 0, 0,
                                    1,    0x08, 0x06, 0,    1,    0x08, 0x00, 6, 4, 0};

    memset(frame, 0, SIZE);
    memcpy(frame, start, sizeof(start));
    frame[21] = operation;
    memcpy(frame + 28, sender, 4);
    memcpy(frame + 38, target, 4);
}

static struct noxs_vif_front make_front(const uint8_t *address)
{
    struct noxs_vif_front front = {.arp_generation = 1};

    memcpy(&front.ipv4, address, sizeof(front.ipv4));
    front.arp_peers[NOXS_VIF_ARP_BIT(peer) / 8] |= (uint8_t)(1 << NOXS_VIF_ARP_BIT(peer) % 8);
    front.arp_peers_low[NOXS_VIF_ARP_BIT_LOW(peer) / 8] |=
        (uint8_t)(1 << NOXS_VIF_ARP_BIT_LOW(peer) % 8);
    return front;
}

static bool unwanted(const uint8_t *frame, unsigned int size, const struct noxs_vif_front *front)
{
    struct noxs_arp arp = {0};

    noxs_arp_parse(frame, size, &arp);
    return noxs_arp_unwanted(&arp, front);
}

static void test_table(void **state)
{
    static const struct {
        uint8_t operation;
        const uint8_t *sender, *target;
        bool unwanted;
    } table[] = {
        {REQUEST, peer, own, false},
        {REQUEST, stranger, own, false},
        {REQUEST, nobody, own, false}, /* a probe: is our address taken? */
        {REQUEST, peer, other, true},
        {REQUEST, nobody, other, true},
        {REQUEST, peer, peer, false}, /* a peer announces that it moved */
        {REQUEST, stranger, stranger, true},
        {REQUEST, other, other, true},
        {REQUEST, like_peer, like_peer, true},
        {REQUEST, low_like_peer, low_like_peer, true},
        {REQUEST, own, own, false}, /* somebody else has our address */
        {REQUEST, own, other, false},
        {REPLY, stranger, stranger, false},
        {REPLY, peer, other, false},
    };
    struct noxs_vif_front front = make_front(own), open = make_front(nobody), untold = front;
    uint8_t frame[SIZE];

    (void)state;
    untold.arp_generation = 0;
    assert_int_equal(NOXS_VIF_ARP_BIT(like_peer), NOXS_VIF_ARP_BIT(peer));
    assert_int_equal(NOXS_VIF_ARP_BIT_LOW(low_like_peer), NOXS_VIF_ARP_BIT_LOW(peer));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        make_frame(frame, table[i].operation, table[i].sender, table[i].target);
        assert_int_equal(unwanted(frame, SIZE, &front), table[i].unwanted);
        assert_false(unwanted(frame, SIZE, &open));
        assert_false(unwanted(frame, SIZE, &untold));
    }
}

/* A frame that is not exactly such a packet passes: any byte of its first 22 that differs. */
static void test_others_pass(void **state)
{
    struct noxs_vif_front front = make_front(own);
    uint8_t frame[SIZE];

    (void)state;
    make_frame(frame, REQUEST, peer, other);
    for (size_t i = 0; i < 22; i++) {
        frame[i] ^= 0x20;
        assert_int_equal(unwanted(frame, SIZE, &front), i >= 6 && i < 12);
        frame[i] ^= 0x20;
    }
    for (unsigned int size = 0; size < SIZE; size++)
        assert_false(unwanted(frame, size, &front));
    assert_true(unwanted(frame, SIZE, &front));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),
                                       cmocka_unit_test(test_others_pass)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
