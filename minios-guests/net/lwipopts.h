/* SPDX-License-Identifier: BSD-3-Clause */
/* lwIP without an operating system below it: raw API, IPv4, our own clock. */
#ifndef NET_LWIPOPTS_H
#define NET_LWIPOPTS_H

#define NO_SYS                       1
#define SYS_LIGHTWEIGHT_PROT         0
#define LWIP_NETCONN                 0
#define LWIP_SOCKET                  0
#define LWIP_STATS                   0
#define LWIP_IPV6                    0
#define LWIP_RAW                     0
#define LWIP_SINGLE_NETIF            1
#define LWIP_NETIF_STATUS_CALLBACK   1
#define LWIP_NETIF_LINK_CALLBACK     1
#define LWIP_DHCP                    1
#define DHCP_DOES_ARP_CHECK          0
#define IP_REASSEMBLY                0
#define IP_FRAG                      0
#define ARP_QUEUEING                 1
#define ETHARP_TRUST_IP_MAC          0

/* net.c runs the protocols' clocks itself, so that an idle guest is not woken by any of them. */
#define LWIP_TIMERS                  0

/* Per frame: the back-end vouches for checksums, or does not. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

#define MEM_ALIGNMENT                8
#define MEM_SIZE                     (64 * 1024)
#define PBUF_POOL_SIZE               32
#define MEMP_NUM_TCP_PCB             32
#define MEMP_NUM_TCP_SEG             64
#define TCP_MSS                      1460
#define TCP_WND                      (8 * TCP_MSS)
#define TCP_SND_BUF                  (8 * TCP_MSS)
#define TCP_SND_QUEUELEN             32
#define TCP_LISTEN_BACKLOG           1

#endif
