/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends each frame back as it came, source and destination address exchanged: in several slots,
 * checksum left blank, to be segmented, whatever the back-end says. For tests of a back-end.
 * Command line: split=N cuts the first slot after N bytes (0: not at all).
 */
#include "net/vif_ring.h"

#define MAX_SLOTS 18u
#define RING      256u
#define FEATURES                                                                                   \
    (NOXS_VIF_F_SG | NOXS_VIF_F_CSUM_IPV4 | NOXS_VIF_F_CSUM_IPV6 | NOXS_VIF_F_GSO_TCPV4 |          \
     NOXS_VIF_F_GSO_TCPV6)

struct frame {
    unsigned slots;
    unsigned buffer[MAX_SLOTS];
    uint16_t size[MAX_SLOTS];
    uint16_t flags; /* NETRXF_*, of the first slot */
    struct netif_extra_info extra;
    unsigned extra_buffer; /* of the slot that the extra information came in */
};

static struct noxs_device dev;
static struct vif_rings rings;
static struct wait_queue event_queue;
static uint8_t buffer_at[RING]; /* extra information does not say which buffer it took */
static unsigned split;

static void event(void *arg)
{
    (void)arg;
    wake_all(&event_queue);
}

static unsigned number(const char *key)
{
    char word[8];
    unsigned n = 0;

    if (cmdline_get(key, word, sizeof(word)))
        for (const char *c = word; *c >= '0' && *c <= '9'; c++)
            n = n * 10 + (unsigned)(*c - '0');
    return n;
}

static void open_vif(void)
{
    const struct noxs_page *page = noxs_page();

    for (uint32_t slot = 0; page && noxs_page_next(page, &slot, &dev.entry);)
        if (dev.entry.type == NOXS_DEV_VIF && !noxs_open(&dev, event, NULL))
            return;
    guest_crash("mirror: no vif");
}

static void connect(void)
{
    struct noxs_vif_front *front = &dev.ctrl->vif_front;

    if (vif_rings_make(&rings, dev.entry.back_end))
        guest_crash("mirror: cannot make rings");
    for (unsigned i = 0; i < VIF_RX_BUFFERS; i++)
        buffer_at[i] = (uint8_t)RING_GET_REQUEST(&rings.rx, i)->id;
    front->features = FEATURES;
    front->tx_ring_ref = (uint32_t)rings.tx_ref;
    front->rx_ring_ref = (uint32_t)rings.rx_ref;
    noxs_set_state(&dev, NOXS_STATE_CONNECTED);
}

/* A whole frame off the receive ring; the back-end makes only whole ones visible. */
static bool take(struct frame *f)
{
    struct netif_rx_response rsp;

    if (rings.rx.rsp_cons == READ_ONCE(rings.rx.sring->rsp_prod))
        return false;
    rmb();
    f->slots = 0;
    do {
        RING_COPY_RESPONSE(&rings.rx, rings.rx.rsp_cons, &rsp);
        rings.rx.rsp_cons++;
        if (rsp.status < 0 || rsp.id >= VIF_RX_BUFFERS || f->slots == MAX_SLOTS)
            guest_crash("mirror: response %u with status %d in slot %u", rsp.id, rsp.status,
                        f->slots);
        if (!f->slots) {
            f->flags = rsp.flags;
            if (rsp.flags & NETRXF_extra_info) {
                f->extra =
                    *(struct netif_extra_info *)RING_GET_RESPONSE(&rings.rx, rings.rx.rsp_cons);
                f->extra_buffer = buffer_at[rings.rx.rsp_cons++ % RING];
            }
        }
        f->buffer[f->slots] = rsp.id;
        f->size[f->slots++] = (uint16_t)rsp.status;
    } while (rsp.flags & NETRXF_more_data);
    return true;
}

static void turn(uint8_t *ethernet)
{
    uint8_t mac[6];

    memcpy(mac, ethernet, 6);
    memcpy(ethernet, ethernet + 6, 6);
    memcpy(ethernet + 6, mac, 6);
}

static struct netif_tx_request *request(unsigned buffer, unsigned offset, unsigned size)
{
    struct netif_tx_request *req = RING_GET_REQUEST(&rings.tx, rings.tx.req_prod_pvt++);

    *req = (struct netif_tx_request){.gref = (grant_ref_t)rings.rx_buffers[buffer].ref,
                                     .offset = (uint16_t)offset,
                                     .size = (uint16_t)size,
                                     .id = (uint16_t)buffer,
                                     .flags = NETTXF_more_data};
    return req;
}

static void send(const struct frame *f)
{
    unsigned total = 0, first = f->size[0];
    struct netif_tx_request *req;
    bool cut = split && split < f->size[0];
    int notify;

    for (unsigned i = 0; i < f->slots; i++)
        total += f->size[i];
    if (cut)
        first = split;
    req = request(f->buffer[0], 0, total);
    if (f->flags & NETRXF_csum_blank)
        req->flags |= NETTXF_csum_blank | NETTXF_data_validated;
    if (f->flags & NETRXF_extra_info) {
        req->flags |= NETTXF_extra_info;
        *(struct netif_extra_info *)RING_GET_REQUEST(&rings.tx, rings.tx.req_prod_pvt++) = f->extra;
    }
    if (cut)
        req = request(f->buffer[0], first, f->size[0] - first);
    for (unsigned i = 1; i < f->slots; i++)
        req = request(f->buffer[i], 0, f->size[i]);
    req->flags &= (uint16_t)~NETTXF_more_data;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&rings.tx, notify);
    if (notify)
        evtchn_notify(dev.port);
}

/* The frame's buffers are free again only then. */
static void wait_sent(void)
{
    while (rings.tx.rsp_cons != rings.tx.req_prod_pvt) {
        if (rings.tx.rsp_cons == READ_ONCE(rings.tx.sring->rsp_prod)) {
            rings.tx.sring->rsp_event = rings.tx.rsp_cons + 1;
            mb();
            if (rings.tx.rsp_cons == READ_ONCE(rings.tx.sring->rsp_prod))
                wait_on(&event_queue, NEVER);
            continue;
        }
        rmb();
        if (RING_GET_RESPONSE(&rings.tx, rings.tx.rsp_cons)->status == NETIF_RSP_ERROR)
            kprintf("mirror: sent in vain\n");
        rings.tx.rsp_cons++;
    }
}

static void give_one(unsigned buffer)
{
    struct netif_rx_request *req = RING_GET_REQUEST(&rings.rx, rings.rx.req_prod_pvt);

    req->id = (uint16_t)buffer;
    req->gref = (grant_ref_t)rings.rx_buffers[buffer].ref;
    buffer_at[rings.rx.req_prod_pvt++ % RING] = (uint8_t)buffer;
}

static void give_back(const struct frame *f)
{
    int notify;

    for (unsigned i = 0; i < f->slots; i++)
        give_one(f->buffer[i]);
    if (f->flags & NETRXF_extra_info)
        give_one(f->extra_buffer);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&rings.rx, notify);
    if (notify)
        evtchn_notify(dev.port);
}

static void wait_frame(void)
{
    int more;

    RING_FINAL_CHECK_FOR_RESPONSES(&rings.rx, more);
    if (!more)
        wait_on(&event_queue, NEVER);
}

int app_main(void)
{
    struct frame frame;

    split = number("split");
    open_vif();
    connect();
    while (noxs_back_state(&dev) != NOXS_STATE_CONNECTED)
        wait_on(&event_queue, NEVER);
    kprintf("mirror: ready\n");
    noxs_ready();
    for (;;) {
        if (!take(&frame)) {
            wait_frame();
            continue;
        }
        turn(rings.rx_buffers[frame.buffer[0]].page);
        send(&frame);
        wait_sent();
        give_back(&frame);
    }
}
