// SPDX-License-Identifier: BSD-3-Clause
/* The slots of a transmit ring, as a guest may write them: what the vif back-end makes of them. */
#include <stdlib.h>
#include <string.h>

#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A packet that is passed on is copied in full, and never from outside a slot's page. */
static void check_packet(const struct noxs_packet *packet, unsigned int room)
{
    struct noxs_cursor cursor = {0};
    struct noxs_chunk chunk;
    unsigned int total = 0, chunks = 0;

    while (noxs_packet_chunk(packet, &cursor, room, &chunk)) {
        if (chunk.size == 0 || chunk.size > room || chunk.offset + chunk.size > 4096)
            abort();
        total += chunk.size;
        chunks++;
    }
    if (total != packet->size || chunks > packet->slots + total / room)
        abort();
    if (packet->size < NOXS_PACKET_MIN || packet->slots > NOXS_PACKET_SLOTS)
        abort();
    if (packet->gso_size && (packet->gso_size < NOXS_GSO_MIN || packet->gso_size >= packet->size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct noxs_packet packet;
    union noxs_tx_slot slot;
    enum noxs_feed feed = NOXS_FEED_DONE;
    unsigned int room;

    if (!size)
        return 0;
    room = 1 + *data++ * 16u;
    size--;
    noxs_packet_begin(&packet);
    for (; size >= sizeof(slot) && feed != NOXS_FEED_FATAL; size -= sizeof(slot)) {
        memcpy(&slot, data, sizeof(slot));
        data += sizeof(slot);
        feed = noxs_packet_feed(&packet, &slot);
        if (packet.slots > NOXS_PACKET_SLOTS_FATAL || packet.extras > 1)
            abort();
        if (feed == NOXS_FEED_FATAL && !packet.why)
            abort();
        if (feed != NOXS_FEED_DONE)
            continue;
        if (!packet.drop)
            check_packet(&packet, room);
        noxs_packet_begin(&packet);
    }
    return 0;
}
