/* SPDX-License-Identifier: BSD-3-Clause */
/* How the vif back-end reads packets out of a guest's slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "netif_bits.h"
#include "packet.h"

#define MORE  NOXS_TX_MORE_DATA
#define EXTRA NOXS_TX_EXTRA_INFO

static union noxs_tx_slot data(uint16_t size, uint16_t offset, uint16_t flags)
{
    static uint16_t id;

    return (union noxs_tx_slot){
        .req = {.gref = 100u + id, .offset = offset, .flags = flags, .id = id++, .size = size}};
}

static union noxs_tx_slot gso(uint8_t type, uint16_t size, uint8_t flags)
{
    return (union noxs_tx_slot){
        .extra = {.type = NOXS_EXTRA_GSO, .flags = flags, .gso_size = size, .gso_type = type}};
}

/* Feeds all, each but the last of which must ask for more. */
static enum noxs_feed feed(struct noxs_packet *packet, const union noxs_tx_slot *slots, size_t nr)
{
    enum noxs_feed rc = NOXS_FEED_MORE;

    noxs_packet_begin(packet);
    for (size_t i = 0; i < nr; i++) {
        assert_int_equal(rc, NOXS_FEED_MORE);
        rc = noxs_packet_feed(packet, &slots[i]);
    }
    return rc;
}
#define FEED(packet, slots) feed(packet, slots, sizeof(slots) / sizeof((slots)[0]))

static void test_ring_indices(void **state)
{
    (void)state;
    assert_int_equal(noxs_ring_pending(5, 5, 256), 0);
    assert_int_equal(noxs_ring_pending(261, 5, 256), 256);
    assert_int_equal(noxs_ring_pending(262, 5, 256), -1);
    assert_int_equal(noxs_ring_pending(4, 5, 256), -1);
    assert_int_equal(noxs_ring_pending(3, 0xfffffffeu, 256), 5);
    assert_int_equal(noxs_ring_pending(0x80000000u, 0, 256), -1);
}

static void test_one_slot(void **state)
{
    const union noxs_tx_slot good[] = {data(60, 4036, NOXS_TX_CSUM_BLANK)};
    const union noxs_tx_slot across[] = {data(60, 4037, 0)};
    const union noxs_tx_slot wraps[] = {data(65535, 65535, 0)};
    const union noxs_tx_slot tiny[] = {data(13, 0, 0)};
    const union noxs_tx_slot empty[] = {data(0, 0, 0)};
    struct noxs_packet packet;

    (void)state;
    assert_int_equal(FEED(&packet, good), NOXS_FEED_DONE);
    assert_false(packet.drop);
    assert_int_equal(packet.size, 60);
    assert_int_equal(packet.slots, 1);
    assert_int_equal(packet.flags, NOXS_TX_CSUM_BLANK);
    assert_int_equal(FEED(&packet, across), NOXS_FEED_FATAL);
    assert_int_equal(FEED(&packet, wraps), NOXS_FEED_FATAL);
    assert_int_equal(FEED(&packet, tiny), NOXS_FEED_DONE);
    assert_true(packet.drop);
    assert_int_equal(FEED(&packet, empty), NOXS_FEED_DONE);
    assert_true(packet.drop);
}

static void test_slots_share_the_size(void **state)
{
    const union noxs_tx_slot good[] = {data(5000, 0, MORE), data(4096, 0, MORE), data(104, 7, 0)};
    const union noxs_tx_slot more[] = {data(100, 0, MORE), data(100, 0, 0)};
    const union noxs_tx_slot none[] = {data(100, 0, MORE), data(0, 0, 0)};
    const union noxs_tx_slot across[] = {data(5000, 0, MORE), data(4096, 1, 0)};
    const union noxs_tx_slot big_first[] = {data(5000, 0, MORE), data(500, 0, 0)};
    struct noxs_packet packet;

    (void)state;
    assert_int_equal(FEED(&packet, good), NOXS_FEED_DONE);
    assert_false(packet.drop);
    assert_int_equal(packet.size, 5000);
    assert_int_equal(packet.slot[0].size, 800);
    assert_int_equal(FEED(&packet, more), NOXS_FEED_DONE);
    assert_true(packet.drop);
    assert_int_equal(FEED(&packet, none), NOXS_FEED_DONE);
    assert_true(packet.drop);
    assert_int_equal(FEED(&packet, across), NOXS_FEED_FATAL);
    assert_int_equal(FEED(&packet, big_first), NOXS_FEED_FATAL);
}

/* Packets of n slots, the last of which says that there are no more. */
static enum noxs_feed slots(struct noxs_packet *packet, unsigned int n)
{
    union noxs_tx_slot all[32];

    for (unsigned int i = 0; i < n; i++)
        all[i] = data(i ? 10 : 1000, 0, i + 1 < n ? MORE : 0);
    return feed(packet, all, n);
}

static void test_number_of_slots(void **state)
{
    struct noxs_packet packet;

    (void)state;
    assert_int_equal(slots(&packet, NOXS_PACKET_SLOTS), NOXS_FEED_DONE);
    assert_false(packet.drop);
    assert_int_equal(slots(&packet, NOXS_PACKET_SLOTS + 1), NOXS_FEED_DONE);
    assert_true(packet.drop);
    assert_int_equal(slots(&packet, NOXS_PACKET_SLOTS_FATAL), NOXS_FEED_DONE);
    assert_true(packet.drop);
    assert_int_equal(packet.slots, NOXS_PACKET_SLOTS_FATAL);
    assert_int_equal(slots(&packet, NOXS_PACKET_SLOTS_FATAL + 1), NOXS_FEED_FATAL);
}

static void test_segmentation(void **state)
{
    const union noxs_tx_slot good[] = {data(5000, 0, MORE | EXTRA), gso(1, 1448, 0),
                                       data(4000, 0, 0)};
    const union noxs_tx_slot alone[] = {data(2000, 0, EXTRA), gso(2, 1448, 0)};
    const union noxs_tx_slot twice[] = {data(2000, 0, EXTRA), gso(1, 1448, NOXS_EXTRA_MORE),
                                        gso(1, 1448, 0)};
    const union noxs_tx_slot type[] = {data(2000, 0, EXTRA), gso(3, 1448, 0)};
    const union noxs_tx_slot zero[] = {data(2000, 0, EXTRA), gso(1, 0, 0)};
    const union noxs_tx_slot small[] = {data(2000, 0, EXTRA), gso(1, NOXS_GSO_MIN - 1, 0)};
    const union noxs_tx_slot reserved[] = {data(2000, 0, EXTRA), gso(1, NOXS_GSO_RESERVED, 0)};
    const union noxs_tx_slot whole[] = {data(1000, 0, EXTRA), gso(1, 1000, 0)};
    const union noxs_tx_slot other[] = {data(2000, 0, EXTRA), {.extra = {.type = 2}}};
    struct noxs_packet packet;

    (void)state;
    assert_int_equal(FEED(&packet, good), NOXS_FEED_DONE);
    assert_false(packet.drop);
    assert_int_equal(packet.gso_size, 1448);
    assert_int_equal(packet.gso_type, NOXS_GSO_TCPV4);
    assert_int_equal(packet.extras, 1);
    assert_int_equal(packet.slots, 2);
    assert_int_equal(FEED(&packet, alone), NOXS_FEED_DONE);
    assert_int_equal(packet.gso_type, NOXS_GSO_TCPV6);
    assert_int_equal(FEED(&packet, twice), NOXS_FEED_FATAL);
    assert_int_equal(FEED(&packet, type), NOXS_FEED_FATAL);
    assert_int_equal(FEED(&packet, zero), NOXS_FEED_FATAL);
    assert_int_equal(FEED(&packet, other), NOXS_FEED_FATAL);
    assert_int_equal(FEED(&packet, small), NOXS_FEED_DONE);
    assert_true(packet.drop);
    assert_int_equal(FEED(&packet, reserved), NOXS_FEED_DONE);
    assert_true(packet.drop);
    assert_int_equal(FEED(&packet, whole), NOXS_FEED_DONE);
    assert_true(packet.drop);
}

static void test_chunks(void **state)
{
    const union noxs_tx_slot three[] = {data(300, 10, MORE), data(100, 20, MORE), data(50, 30, 0)};
    static const unsigned int sizes[] = {100, 50, 50, 50, 50};
    struct noxs_cursor cursor = {0};
    struct noxs_packet packet;
    struct noxs_chunk chunk;
    unsigned int total = 0;

    (void)state;
    assert_int_equal(FEED(&packet, three), NOXS_FEED_DONE);
    assert_true(noxs_packet_chunk(&packet, &cursor, sizes[0], &chunk));
    assert_int_equal(chunk.offset, 10);
    assert_int_equal(chunk.size, 100);
    total = chunk.size;
    for (int i = 1; noxs_packet_chunk(&packet, &cursor, 50, &chunk); i++) {
        assert_in_range(i, 1, 4);
        assert_int_equal(chunk.size, sizes[i]);
        total += chunk.size;
    }
    assert_int_equal(total, packet.size);
    assert_int_equal(chunk.offset, 30);
    assert_false(noxs_packet_chunk(&packet, &cursor, 50, &chunk));
}

static void test_slots_to_the_guest(void **state)
{
    (void)state;
    assert_int_equal(noxs_rx_slots(1), 1);
    assert_int_equal(noxs_rx_slots(4096), 1);
    assert_int_equal(noxs_rx_slots(4097), 2);
    assert_int_equal(noxs_rx_slots(65535), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_indices),         cmocka_unit_test(test_one_slot),
        cmocka_unit_test(test_slots_share_the_size), cmocka_unit_test(test_number_of_slots),
        cmocka_unit_test(test_segmentation),         cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_slots_to_the_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
