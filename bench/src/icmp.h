/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP echo requests and their answers. */
#ifndef BENCH_ICMP_H
#define BENCH_ICMP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

int icmp_open(void); /* a raw socket, or -1 and errno */
int icmp_send(int fd, in_addr_t to, uint16_t sequence);

/* Takes one packet, without waiting: whether it is an answer of that host, and to which request. */
bool icmp_receive(int fd, in_addr_t from, uint16_t *sequence);

#endif
