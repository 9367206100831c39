/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp.h"

#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

int icmp_open(void)
{
    return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
}

static uint16_t checksum(const void *data, size_t length)
{
    const uint16_t *word = data;
    uint32_t sum = 0;

    for (; length > 1; length -= 2)
        sum += *word++;
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t) ~(sum + (sum >> 16));
}

int icmp_send(int fd, in_addr_t to, uint16_t sequence)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = to};
    struct icmphdr echo = {.type = ICMP_ECHO};

    echo.un.echo.id = htons((uint16_t)getpid());
    echo.un.echo.sequence = htons(sequence);
    echo.checksum = checksum(&echo, sizeof(echo));
    return sendto(fd, &echo, sizeof(echo), MSG_DONTWAIT, (struct sockaddr *)&address,
                  sizeof(address)) == (ssize_t)sizeof(echo)
               ? 0
               : -1;
}

bool icmp_receive(int fd, in_addr_t from, uint16_t *sequence)
{
    struct {
        struct iphdr ip;
        struct icmphdr icmp;
    } packet;

    if (recv(fd, &packet, sizeof(packet), MSG_DONTWAIT) < (ssize_t)sizeof(packet) ||
        packet.ip.saddr != from || packet.icmp.type != ICMP_ECHOREPLY ||
        packet.icmp.un.echo.id != htons((uint16_t)getpid()))
        return false;
    *sequence = ntohs(packet.icmp.un.echo.sequence);
    return true;
}
