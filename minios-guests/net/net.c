/* SPDX-License-Identifier: BSD-3-Clause */
/* The network thread: frames between vif and lwIP, the address, the protocols' clocks. */
#include "net.h"
#include "vif.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/dhcp.h>
#include <lwip/sys.h>
#include <netif/ethernet.h>

#define RX_BUDGET 64u
#define MS        1000000ull

static struct wait_queue work;
static bool has_work;
static struct vif *vif; /* that netif uses, when there is one */
static struct netif netif;
static void (*tell_up)(const char *address);

/* ------------------------------------------------------------------ lwIP's platform */

u32_t sys_now(void)
{
    return (u32_t)(time_ns() / MS);
}

uint32_t net_random(void)
{
    static uint64_t state;

    state ^= __builtin_ia32_rdtsc() + 0x9e3779b97f4a7c15ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

/* ------------------------------------------------------------------ clocks */

static bool tcp_active(void)
{
    return tcp_active_pcbs != NULL;
}

static bool dhcp_busy(void)
{
    const struct dhcp *d = netif_dhcp_data(&netif);

    return d && d->state != DHCP_STATE_BOUND && d->state != DHCP_STATE_OFF;
}

static bool dhcp_used(void)
{
    return netif_dhcp_data(&netif) != NULL;
}

/*
 * What lwIP wants called at each period. Missed calls are made up for when there is something to
 * do, so a clock wakes the guest only while `urgent` says that time itself matters. TIME_WAIT
 * and the age of ARP entries do not.
 */
static struct {
    uint64_t period;
    void (*tick)(void);
    bool (*urgent)(void);
    uint64_t due;
} clocks[] = {
    {TCP_TMR_INTERVAL * MS, tcp_tmr, tcp_active, 0},
    {ARP_TMR_INTERVAL * MS, etharp_tmr, NULL, 0},
    {DHCP_FINE_TIMER_MSECS * MS, dhcp_fine_tmr, dhcp_busy, 0},
    {DHCP_COARSE_TIMER_MSECS * MS, dhcp_coarse_tmr, dhcp_used, 0},
};

#define MAX_MISSED 1000 /* ticks: beyond this nothing that lwIP remembers is alive */

static void run_clocks(void)
{
    uint64_t now = time_ns();

    for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
        uint64_t period = clocks[i].period;

        if (now > clocks[i].due + MAX_MISSED * period)
            clocks[i].due = now - MAX_MISSED * period;
        for (; clocks[i].due <= now; clocks[i].due += period)
            clocks[i].tick();
    }
}

static uint64_t next_deadline(void)
{
    uint64_t deadline = NEVER;

    for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
        if (clocks[i].urgent && clocks[i].urgent() && clocks[i].due < deadline)
            deadline = clocks[i].due;
    return deadline;
}

/* ------------------------------------------------------------------ frames */

static void input(void *arg, const void *frame, size_t len, bool checked)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);

    (void)arg;
    if (!p)
        return; /* as a full queue does on a wire */
    pbuf_take(p, frame, (u16_t)len);
    NETIF_SET_CHECKSUM_CTRL(&netif, checked
                                        ? NETIF_CHECKSUM_ENABLE_ALL &
                                              ~(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP)
                                        : NETIF_CHECKSUM_ENABLE_ALL);
    if (netif.input(p, &netif) != ERR_OK)
        pbuf_free(p);
}

/* Requests for others and announcements of strangers are not to wake us.
 * True: the back-end has not been told of a change. */
static bool filter_arp(void)
{
    uint32_t peers[ARP_TABLE_SIZE];
    struct eth_addr *mac;
    struct netif *at;
    ip4_addr_t *ip;
    unsigned nr = 0;

    for (size_t i = 0; i < ARP_TABLE_SIZE; i++)
        if (etharp_get_entry(i, &ip, &at, &mac))
            peers[nr++] = ip->addr;
    return vif_filter_arp(vif, netif_ip4_addr(&netif)->addr, peers, nr);
}

static bool is_arp(const uint8_t *frame)
{
    return frame[12] == (ETHTYPE_ARP >> 8) && frame[13] == (ETHTYPE_ARP & 0xff);
}

static err_t output(struct netif *n, struct pbuf *p)
{
    uint8_t *buffer;

    (void)n;
    if (!vif)
        return ERR_IF;
    if (p->tot_len > VIF_MAX_FRAME)
        return ERR_BUF;
    buffer = vif_tx_buffer(vif);
    if (!buffer)
        return ERR_MEM;
    pbuf_copy_partial(p, buffer, p->tot_len, 0);
    /* The filter is in force before somebody answers, and needs no event of its own. */
    if (is_arp(buffer))
        filter_arp();
    vif_tx(vif, p->tot_len, true);
    return ERR_OK;
}

/* ------------------------------------------------------------------ link and address */

static void status_changed(struct netif *n)
{
    static bool told;

    if (told || !netif_is_up(n) || !netif_is_link_up(n) || ip4_addr_isany(netif_ip4_addr(n)))
        return;
    told = true;
    tell_up(ip4addr_ntoa(netif_ip4_addr(n)));
}

static err_t init(struct netif *n)
{
    n->name[0] = 'v';
    n->name[1] = 'i';
    n->output = etharp_output;
    n->linkoutput = output;
    n->hwaddr_len = ETH_HWADDR_LEN;
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    return ERR_OK;
}

/* From the command line, else of the vif's configuration; false: there is none. */
static bool static_address(const struct vif_info *info, ip4_addr_t *ip, ip4_addr_t *mask,
                           ip4_addr_t *gw)
{
    unsigned prefix = info->ipv4_prefix;
    char text[32];

    ip->addr = info->ipv4;
    gw->addr = 0;
    if (cmdline_get("ip", text, sizeof(text))) {
        prefix = 24;
        if (!strcmp(text, "dhcp"))
            ip->addr = 0;
        else if (!parse_ipv4(text, &ip->addr, &prefix))
            guest_crash("command line: ip=%s: want ip=A.B.C.D/BITS or ip=dhcp", text);
    }
    if (cmdline_get("gw", text, sizeof(text)) && !parse_ipv4(text, &gw->addr, NULL))
        guest_crash("command line: gw=%s: want gw=A.B.C.D", text);
    mask->addr = prefix ? lwip_htonl(~0u << (32 - prefix)) : 0;
    return ip->addr != 0;
}

/*
 * Those who sent to us while we were nowhere hear at once what we have, in place of waiting for
 * their time-out: three times nothing new is a sign of loss. The first of the four may be news.
 */
static void go_on_with_connections(void)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (pcb->state < ESTABLISHED)
            continue;
        for (unsigned i = 0; i < 4; i++)
            tcp_send_empty_ack(pcb);
        if (pcb->unacked && tcp_rexmit(pcb) == ERR_OK)
            tcp_output(pcb);
    }
}

/* Also when a vif comes back, maybe after a restore, with what may be another address: connections
 * of the old one end then, and live on if it is the same. */
static void start_link(void)
{
    const struct vif_info *info = vif_info(vif);
    ip4_addr_t ip, mask, gw;
    bool fixed = static_address(info, &ip, &mask, &gw);

    memcpy(netif.hwaddr, info->mac, ETH_HWADDR_LEN);
    netif.mtu = info->mtu;
    if (fixed) {
        if (dhcp_used())
            dhcp_stop(&netif);
        netif_set_addr(&netif, &ip, &mask, &gw);
    }
    netif_set_up(&netif);
    netif_set_link_up(&netif); /* announces the address, or asks the server about it again */
    go_on_with_connections();
    if (!fixed && ip4_addr_isany(netif_ip4_addr(&netif)) && !dhcp_used())
        dhcp_start(&netif);
    vif_work(vif);
}

void vif_up(struct vif *v)
{
    if (vif)
        return;
    vif = v;
    if (tell_up)
        start_link();
}

void vif_down(struct vif *v)
{
    if (vif != v)
        return;
    vif = NULL;
    netif_set_link_down(&netif);
}

void vif_work(struct vif *v)
{
    (void)v;
    has_work = true;
    wake_all(&work);
}

_Noreturn void net_run(void (*up)(const char *address))
{
    tell_up = up;
    lwip_init();
    netif_add_noaddr(&netif, NULL, init, ethernet_input);
    netif_set_default(&netif);
    netif_set_status_callback(&netif, status_changed);
    netif_set_link_callback(&netif, status_changed);
    for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
        clocks[i].due = time_ns() + clocks[i].period;
    if (vif)
        start_link();
    for (;;) {
        if (!has_work)
            wait_on(&work, next_deadline());
        has_work = false;
        run_clocks();
        if (vif && vif_poll(vif, RX_BUDGET, input, NULL)) {
            has_work = true;
            thread_yield();
        }
        if (vif && filter_arp())
            vif_notify(vif);
    }
}
