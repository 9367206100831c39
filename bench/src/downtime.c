/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0: a client of a guest that echoes on TCP port 7. It keeps one connection, and sends
 * on it, and a ping, every virtual ms; meanwhile it runs commands, one after another, that move the
 * guest about. It prints the longest time for which nothing came back on each.
 *
 * All times are those of CLOCK_MONOTONIC of the host that it runs on. A gap runs from one answer to
 * the next, so without any outage it is the interval of the requests. What is lost on TCP is
 * sent again by the kernel as ever: when its few segments in flight are gone, not before
 * the retransmission time-out, which is 200 ms by default.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "icmp.h"
#include "series.h"

#define ECHO_PORT    7
#define COMMANDS_MAX 8
#define MS           INT64_C(1000000)
#define CATCH_UP_NS  (10000 * MS) /* after the commands, for TCP to have everything back */

struct options {
    unsigned int count;
    int64_t calm_ns; /* before and after the commands */
    in_addr_t address;
    char **command[COMMANDS_MAX];
    unsigned int nr_commands;
    char **back; /* after each time, not timed */
};

/* One kind of request: when its last answer came, and the longest time without one. */
struct stream {
    int64_t last_ns, gap_ns, gap_from_ns;
    uint64_t sent, answered;
};

struct client {
    int tcp, icmp;
    in_addr_t address;
    struct stream on_tcp, on_icmp;
    int64_t interval_ns, next_ns;
};

static int connect_to(in_addr_t address)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(ECHO_PORT), .sin_addr.s_addr = address};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
        !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
        return fd;
    perror("downtime: cannot connect to the guest's TCP port 7");
    return -1;
}

static void answered(struct stream *stream, uint64_t nr)
{
    int64_t now = monotonic_ns();

    if (now - stream->last_ns > stream->gap_ns) {
        stream->gap_ns = now - stream->last_ns;
        stream->gap_from_ns = stream->last_ns;
    }
    stream->last_ns = now;
    stream->answered += nr;
}

/* A byte, and a ping. What cannot be sent while the guest is away is not: the next one will do. */
static void send_both(struct client *client)
{
    if (send(client->tcp, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        client->on_tcp.sent++;
    if (icmp_send(client->icmp, client->address, (uint16_t)client->on_icmp.sent) == 0)
        client->on_icmp.sent++;
}

static int receive_both(struct client *client)
{
    char bytes[4096];
    uint16_t sequence;
    ssize_t got = recv(client->tcp, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (got > 0)
        answered(&client->on_tcp, (uint64_t)got);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        fprintf(stderr, "downtime: the connection is gone: %s\n",
                got ? strerror(errno) : "the guest closed it");
        return -1;
    }
    if (icmp_receive(client->icmp, client->address, &sequence))
        answered(&client->on_icmp, 1);
    return 0;
}

/* Sends and receives until the time, or until the process is there to be waited for. */
static int go_on(struct client *client, int64_t until_ns, int process)
{
    struct pollfd fds[] = {{.fd = client->tcp, .events = POLLIN},
                           {.fd = client->icmp, .events = POLLIN},
                           {.fd = process, .events = POLLIN}};

    for (int64_t now = monotonic_ns(); now < until_ns; now = monotonic_ns()) {
        struct timespec left;
        int64_t wait_ns;

        if (now >= client->next_ns) {
            send_both(client);
            client->next_ns += client->interval_ns;
            if (client->next_ns <= now) /* we were not let run: no burst */
                client->next_ns = now + client->interval_ns;
        }
        wait_ns = (client->next_ns < until_ns ? client->next_ns : until_ns) - now;
        left = (struct timespec){.tv_sec = wait_ns / (1000 * MS), .tv_nsec = wait_ns % (1000 * MS)};
        if (ppoll(fds, 3, &left, NULL) <= 0)
            continue;
        if (receive_both(client))
            return -1;
        if (fds[2].revents)
            return 0;
    }
    return 0;
}

/* How long the command took; the client goes on meanwhile. */
static int64_t run_beside(struct client *client, char **command)
{
    struct running running = start_command(command, 0, NULL);
    int process = pidfd_open(running.pid, 0), rc;

    if (process < 0) {
        perror("downtime: pidfd_open");
        exit(1);
    }
    rc = go_on(client, INT64_MAX, process);
    close(process);
    return rc ? -1 : end_command(&running);
}

/* Until everything that was sent while the commands ran is back, and a ping sent since is answered.
 */
static int catch_up(struct client *client)
{
    const uint64_t bytes = client->on_tcp.sent;
    const int64_t end_ns = monotonic_ns(), limit_ns = end_ns + CATCH_UP_NS;

    while (client->on_tcp.answered < bytes || client->on_icmp.last_ns < end_ns) {
        if (monotonic_ns() > limit_ns) {
            fprintf(stderr,
                    "downtime: the guest does not answer; %" PRIu64 " of %" PRIu64
                    " bytes are back\n",
                    client->on_tcp.answered, bytes);
            return -1;
        }
        if (go_on(client, monotonic_ns() + client->interval_ns, -1))
            return -1;
    }
    return 0;
}

static void print_gap(const struct stream *stream, int64_t start_ns)
{
    print_ms(stream->gap_ns, ',');
    printf("%.4f,", (double)(stream->gap_from_ns - start_ns) / MS);
}

static int measure(struct client *client, const struct options *options, unsigned int n)
{
    int64_t start_ns, took_ns = 0;
    uint64_t lost;

    if (go_on(client, monotonic_ns() + options->calm_ns, -1))
        return -1;
    lost = client->on_icmp.sent - client->on_icmp.answered;
    client->on_tcp.gap_ns = client->on_icmp.gap_ns = 0;
    start_ns = monotonic_ns();
    for (unsigned int i = 0; i < options->nr_commands; i++) {
        int64_t one_ns = run_beside(client, options->command[i]);

        if (one_ns < 0)
            return -1;
        took_ns += one_ns;
    }
    if (catch_up(client) || go_on(client, monotonic_ns() + options->calm_ns, -1))
        return -1;
    lost = client->on_icmp.sent - client->on_icmp.answered - lost;
    printf("%u,", n);
    print_ms(took_ns, ',');
    print_gap(&client->on_tcp, start_ns);
    print_gap(&client->on_icmp, start_ns);
    printf("%" PRIu64 "\n", lost);
    return 0;
}

static int bring_back(struct client *client, const struct options *options)
{
    return options->back && (run_beside(client, options->back) < 0 || catch_up(client)) ? -1 : 0;
}

static int usage(void)
{
    fputs("usage: downtime [-n COUNT] [-i INTERVAL_US] [-c CALM_MS] ADDRESS run CMD... \\; [run "
          "CMD... \\;]... [back CMD... \\;]\n"
          "COUNT times: CALM_MS (100) of rest, the commands, CALM_MS of rest, and, not timed, what "
          "brings the guest back;\n"
          "a request every INTERVAL_US (1000)\n",
          stderr);
    return 2;
}

static bool take_arguments(struct options *options, int argc, char **argv)
{
    if (optind >= argc)
        return false;
    options->address = inet_addr(argv[optind++]);
    while (optind < argc && options->nr_commands < COMMANDS_MAX && !strcmp(argv[optind], "run")) {
        optind++;
        options->command[options->nr_commands++] = take_command(argc, argv, &optind);
    }
    if (optind < argc && !strcmp(argv[optind], "back")) {
        optind++;
        options->back = take_command(argc, argv, &optind);
    }
    return optind == argc && options->address != INADDR_NONE && options->count;
}

int main(int argc, char **argv)
{
    struct options options = {.count = 1, .calm_ns = 100 * MS};
    struct client client = {.interval_ns = MS};
    int option;

    while ((option = getopt(argc, argv, "+n:i:c:")) != -1) {
        if (option == 'n')
            options.count = (unsigned int)atoi(optarg);
        else if (option == 'i')
            client.interval_ns = atol(optarg) * 1000;
        else if (option == 'c')
            options.calm_ns = atol(optarg) * MS;
        else
            return usage();
    }
    if (!take_arguments(&options, argc, argv) || client.interval_ns <= 0)
        return usage();
    client.address = options.address;
    client.tcp = connect_to(client.address);
    client.icmp = icmp_open();
    if (client.tcp < 0 || client.icmp < 0)
        return 1;
    client.next_ns = client.on_tcp.last_ns = client.on_icmp.last_ns = monotonic_ns();
    puts("n,command_ms,tcp_gap_ms,tcp_from_ms,ping_gap_ms,ping_from_ms,pings_lost");
    for (unsigned int n = 1; n <= options.count; n++)
        if (measure(&client, &options, n) || bring_back(&client, &options))
            return 1;
    return 0;
}
