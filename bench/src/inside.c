/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What runs in a container: reports, as its first act, that it is up, as the guests do; then stays.
 *   inside stamp FILE        adds the time at main() to FILE (time name spaces are not in use)
 *   inside udp ADDRESS PORT  sends one packet
 * With "once" behind it, it ends instead of staying. SIGTERM ends it: the first process of a PID
 * name space would ignore that otherwise.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void end(int signal)
{
    (void)signal;
    _exit(0);
}

static int stamp(const char *path)
{
    struct timespec now;
    char line[32];
    int fd, size, rc;

    clock_gettime(CLOCK_MONOTONIC, &now);
    size = snprintf(line, sizeof(line), "%" PRId64 "\n",
                    (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    fd = open(path, O_WRONLY | O_APPEND);
    rc = fd >= 0 && write(fd, line, (size_t)size) == size ? 0 : 1;
    close(fd);
    return rc;
}

static int packet(const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    to.sin_port = htons((uint16_t)atoi(port));
    return fd >= 0 && sendto(fd, "!", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int rc = 2;

    if (argc >= 3 && !strcmp(argv[1], "stamp"))
        rc = stamp(argv[2]);
    else if (argc >= 4 && !strcmp(argv[1], "udp"))
        rc = packet(argv[2], argv[3]);
    if (rc || !strcmp(argv[argc - 1], "once"))
        return rc;
    signal(SIGTERM, end);
    for (;;)
        pause();
}
