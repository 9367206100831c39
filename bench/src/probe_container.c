/* SPDX-License-Identifier: BSD-3-Clause */
/* How a container says that it is up: the time at its main() in a file that it shares with us, or a
 * UDP packet. inside.c is the other end. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"
#include "series.h"

#define STAMP      "/run/bench/stamp"
#define UDP_PORT   7777
#define TIMEOUT_MS 10000
#define POLL_US    200

static int stamp_file = -1, udp_socket = -1;

static int stamp_open(void)
{
    stamp_file = open(STAMP, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (stamp_file >= 0)
        return 0;
    perror("series: " STAMP);
    return -1;
}

static int stamp_before(unsigned int n)
{
    (void)n;
    return ftruncate(stamp_file, 0);
}

static int64_t stamp_wait(unsigned int n, int domid)
{
    (void)domid;
    for (int i = 0; i < TIMEOUT_MS * 1000 / POLL_US; i++) {
        char line[32] = "";

        if (pread(stamp_file, line, sizeof(line) - 1, 0) > 0)
            return atoll(line);
        sleep_us(POLL_US);
    }
    fprintf(stderr, "series: container %u never said that it is up\n", n);
    return -1;
}

static int udp_open(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(UDP_PORT)};

    udp_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp_socket >= 0 && !bind(udp_socket, (struct sockaddr *)&any, sizeof(any)))
        return 0;
    perror("series: UDP port");
    return -1;
}

static int udp_before(unsigned int n)
{
    char drop[16];

    (void)n;
    while (recv(udp_socket, drop, sizeof(drop), MSG_DONTWAIT) > 0)
        ;
    return 0;
}

static int64_t udp_wait(unsigned int n, int domid)
{
    struct pollfd poll_fd = {.fd = udp_socket, .events = POLLIN};

    (void)domid;
    if (poll(&poll_fd, 1, TIMEOUT_MS) == 1)
        return monotonic_ns();
    fprintf(stderr, "series: no packet of container %u\n", n);
    return -1;
}

const struct probe probe_stamp = {
    .name = "stamp", .open = stamp_open, .before = stamp_before, .wait_up = stamp_wait};
const struct probe probe_udp = {
    .name = "udp", .open = udp_open, .before = udp_before, .wait_up = udp_wait};
