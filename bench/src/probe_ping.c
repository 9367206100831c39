/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waits for the guest's gratuitous ARP on the bridge, then sends one ICMP echo request through
 * the ordinary stack; the guest is up when the answer is there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "icmp.h"
#include "probe.h"
#include "series.h"

#define BRIDGE     "xenbr0"
#define TIMEOUT_MS 5000

static int arp_socket = -1, icmp_socket = -1;

static int ping_open(void)
{
    struct sockaddr_ll link = {.sll_family = AF_PACKET,
                               .sll_protocol = htons(ETH_P_ARP),
                               .sll_ifindex = (int)if_nametoindex(BRIDGE)};

    arp_socket = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
    icmp_socket = icmp_open();
    if (arp_socket >= 0 && icmp_socket >= 0 && link.sll_ifindex &&
        !bind(arp_socket, (struct sockaddr *)&link, sizeof(link)))
        return 0;
    perror("series: cannot listen on " BRIDGE);
    return -1;
}

/* Forgets what earlier guests sent. */
static int ping_before(unsigned int n)
{
    char drop[2048];

    (void)n;
    while (recv(arp_socket, drop, sizeof(drop), MSG_DONTWAIT) > 0)
        ;
    while (recv(icmp_socket, drop, sizeof(drop), MSG_DONTWAIT) > 0)
        ;
    return 0;
}

static int readable(int fd, int64_t deadline)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int64_t left_ms = (deadline - monotonic_ns()) / 1000000;

    return poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0) == 1;
}

static int wait_announcement(in_addr_t address, int64_t deadline)
{
    struct {
        struct ether_header ether;
        struct ether_arp arp;
    } __attribute__((packed)) frame;

    while (readable(arp_socket, deadline)) {
        ssize_t size = recv(arp_socket, &frame, sizeof(frame), 0);

        if (size >= (ssize_t)sizeof(frame) && !memcmp(frame.arp.arp_spa, &address, sizeof(address)))
            return 0;
    }
    return -1;
}

static int64_t wait_reply(in_addr_t address, int64_t deadline)
{
    uint16_t sequence;

    while (readable(icmp_socket, deadline)) {
        bool answered = icmp_receive(icmp_socket, address, &sequence);
        int64_t now = monotonic_ns();

        if (answered)
            return now;
    }
    return -1;
}

static int64_t ping_wait(unsigned int n, int domid)
{
    int64_t deadline = monotonic_ns() + TIMEOUT_MS * INT64_C(1000000), up;
    char text[ADDRESS_MAX];
    in_addr_t address;

    (void)domid;
    guest_address(n, text);
    address = inet_addr(text);
    if (wait_announcement(address, deadline)) {
        fprintf(stderr, "series: guest %u: no gratuitous ARP of %s on " BRIDGE "\n", n, text);
        return -1;
    }
    if (icmp_send(icmp_socket, address, (uint16_t)n)) {
        fprintf(stderr, "series: cannot send to %s: %s\n", text, strerror(errno));
        return -1;
    }
    up = wait_reply(address, deadline);
    if (up < 0)
        fprintf(stderr, "series: guest %u: %s does not answer\n", n, text);
    return up;
}

const struct probe probe_ping = {
    .name = "ping", .open = ping_open, .before = ping_before, .wait_up = ping_wait};
