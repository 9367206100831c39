// SPDX-License-Identifier: BSD-3-Clause
/* xendevd(8): readies the host's end of guests' vifs and disks, as the kernel announces them. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridges.h"
#include "log.h"
#include "pidfile.h"
#include "rtnl.h"
#include "service.h"
#include "uevent.h"
#include "vif.h"
#include "xs_dev.h"

#define DEFAULT_PIDFILE "/run/xendevd.pid"

#define VIFS_PER_BRIDGE "100"
#define VIFS_MAX        1000u
#define TIDY_AFTER_MS   20 /* without an event */

struct options {
    const char *pidfile;
    unsigned int vifs_per_bridge;
    bool daemon, once, no_hubs;
};

static volatile sig_atomic_t stop_wanted, rescan_wanted;

static void on_signal(int number)
{
    if (number == SIGHUP)
        rescan_wanted = 1;
    else
        stop_wanted = 1;
}

static void handle_link(void *opaque, const struct rtnl_link *link)
{
    vif_handle(opaque, link);
}

/* Of what happened some time ago: meanwhile a look at all vifs may have seen the link. */
static void handle_event(void *opaque, const struct rtnl_link *link)
{
    if (!bridges_holds(opaque, link->ifindex))
        vif_handle(opaque, link);
}

static void handle_left(void *opaque, const struct rtnl_link *port)
{
    bridges_left(opaque, port);
}

/* Looks at all vifs there are: those that came before us, or while events were lost. */
static int rescan(struct bridges *bridges)
{
    struct rtnl_reader reader = {.link = handle_link, .opaque = bridges};
    int rc = bridges_scan(bridges);

    if (rc == 0)
        rc = rtnl_dump(vif_kind, &reader);
    if (rc)
        log_error("cannot list the network devices: %s", strerror(-rc));
    xs_dev_rescan(bridges);
    return rc;
}

/* The same for devices of guests on XenStore. */
static int read_uevents(int uevent_fd, struct bridges *bridges)
{
    static char room[4096]; /* the kernel's are of 2 KiB at the most */
    struct uevent event;

    for (;;) {
        int length = uevent_read(uevent_fd, room, sizeof(room));

        if (length == -EAGAIN)
            return 0;
        if (length == -ENOBUFS) {
            log_error("events were lost: looking at all devices");
            xs_dev_rescan(bridges);
        } else if (length < 0) {
            return length;
        } else if (uevent_parse(room, (size_t)length, &event)) {
            xs_dev_handle(bridges, &event);
        }
    }
}

/* All events that are queued. */
static int read_events(int event_fd, struct bridges *bridges)
{
    struct rtnl_reader reader = {.link = handle_event, .left = handle_left, .opaque = bridges};

    for (;;) {
        int rc = rtnl_read_events(event_fd, &reader);

        if (rc == -EAGAIN)
            return 0;
        if (rc == -ENOBUFS) {
            log_error("events were lost: looking at all vifs");
            rc = rescan(bridges);
        } else if (rc == -EBADMSG) {
            log_error("an event could not be read: looking at all vifs");
            rc = rescan(bridges);
        }
        if (rc)
            return rc;
    }
}

static void catch_signals(sigset_t *unblocked)
{
    static const int numbers[] = {SIGHUP, SIGTERM, SIGINT};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&blocked, numbers[i]);
    sigprocmask(SIG_BLOCK, &blocked, unblocked);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sigaction(numbers[i], &action, NULL);
        sigdelset(unblocked, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* Signals come through only while we wait. */
static int serve(int event_fd, int uevent_fd, struct bridges *bridges, const sigset_t *unblocked)
{
    static const struct timespec soon = {.tv_nsec = TIDY_AFTER_MS * 1000000};
    struct pollfd events[] = {{.fd = event_fd, .events = POLLIN},
                              {.fd = uevent_fd, .events = POLLIN}};
    int rc = 0, ready;

    while (rc == 0) {
        ready = ppoll(events, 2, bridges->untidy ? &soon : NULL, unblocked);
        if (ready < 0 && errno != EINTR) {
            log_error("cannot wait for events: %s", strerror(errno));
            return -errno;
        }
        if (stop_wanted)
            return 0;
        if (ready == 0)
            bridges_tidy(bridges);
        if (rescan_wanted) {
            rescan_wanted = 0;
            rc = rescan(bridges);
        }
        if (rc == 0)
            rc = read_events(event_fd, bridges);
        if (rc == 0 && events[1].revents)
            rc = read_uevents(uevent_fd, bridges);
        events[1].revents = 0;
    }
    return rc;
}

/* Tells that we are ready: to whoever reads the pid file, the service manager, our parent. */
static int announce(int pid_fd, int parent_fd)
{
    if (pidfile_write(pid_fd))
        return -1;
    service_notify("READY=1");
    if (parent_fd >= 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (write(parent_fd, "", 1) != 1 || null < 0)
            return -1;
        close(parent_fd);
        log_to_syslog();
        for (int fd = 0; fd <= 2; fd++)
            dup2(null, fd);
        close(null);
    }
    return 0;
}

static int run(const struct options *options, int parent_fd)
{
    struct bridges bridges = {.fd = rtnl_open_requests(),
                              .vifs_per_bridge = options->vifs_per_bridge,
                              .hubs = !options->no_hubs};
    int event_fd = -1, uevent_fd = -1, pid_fd = -1, rc;
    sigset_t unblocked;

    if (bridges.fd < 0) {
        log_error("cannot open a netlink socket: %s", strerror(-bridges.fd));
        return EXIT_FAILURE;
    }
    if (options->once) {
        rc = rescan(&bridges);
        bridges_tidy(&bridges);
        bridges_release(&bridges);
        return rc ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    pid_fd = pidfile_lock(options->pidfile);
    if (pid_fd < 0)
        return EXIT_FAILURE;
    catch_signals(&unblocked);
    /* Events before the first look: nothing may fall between the two. */
    event_fd = rtnl_open_events();
    uevent_fd = uevent_open();
    rc = event_fd < 0 ? event_fd : uevent_fd < 0 ? uevent_fd : 0;
    if (rc)
        log_error("cannot listen to the kernel: %s", strerror(-rc));
    else
        rc = rescan(&bridges);
    if (rc == 0)
        rc = announce(pid_fd, parent_fd);
    if (rc == 0)
        rc = serve(event_fd, uevent_fd, &bridges, &unblocked);
    pidfile_remove(options->pidfile);
    bridges_release(&bridges);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Runs in a child of its own session; the parent returns once the child is ready, or failed. */
static int run_daemon(const struct options *options)
{
    int pipe_fds[2], status;
    char byte;
    pid_t child;

    if (pipe2(pipe_fds, O_CLOEXEC)) {
        log_error("cannot make a pipe: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    child = fork();
    if (child < 0) {
        log_error("cannot fork: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    if (child == 0) {
        close(pipe_fds[0]);
        setsid();
        if (chdir("/"))
            return EXIT_FAILURE;
        return run(options, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    if (read(pipe_fds[0], &byte, 1) == 1)
        return EXIT_SUCCESS;
    waitpid(child, &status, 0);
    return EXIT_FAILURE;
}

static void usage(void)
{
    printf("usage: xendevd [OPTION...]\n"
           "Puts the vifs of guests on their bridges, and files behind their disks.\n\n"
           "  -D, --daemon        run in the background; return when ready\n"
           "      --once          handle the devices that are there, and exit\n"
           "  -p, --pidfile=FILE  default: " DEFAULT_PIDFILE "\n"
           "      --vifs-per-bridge=N\n"
           "                      then go on with a part of it; 0: never. Default: " VIFS_PER_BRIDGE
           "\n"
           "      --no-hubs       have bridges flood each vif themselves\n"
           "  -v, --verbose       log each device\n"
           "  -V, --version       show the version\n"
           "  -h, --help          show this help\n");
}

/* More than VIFS_MAX: it is no number. */
static unsigned int read_number(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    return *text < '0' || *text > '9' || *end || number > VIFS_MAX ? VIFS_MAX + 1
                                                                   : (unsigned int)number;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"daemon", no_argument, NULL, 'D'},
        {"once", no_argument, NULL, 'o'},
        {"pidfile", required_argument, NULL, 'p'},
        {"vifs-per-bridge", required_argument, NULL, 'n'},
        {"no-hubs", no_argument, NULL, 'H'},
        {"verbose", no_argument, NULL, 'v'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.pidfile = DEFAULT_PIDFILE,
                              .vifs_per_bridge = read_number(VIFS_PER_BRIDGE)};
    int letter;

    log_as("xendevd");
    while ((letter = getopt_long(argc, argv, "Dp:vVh", names, NULL)) != -1) {
        switch (letter) {
        case 'D':
            options.daemon = true;
            break;
        case 'o':
            options.once = true;
            break;
        case 'p':
            options.pidfile = optarg;
            break;
        case 'n':
            options.vifs_per_bridge = read_number(optarg);
            if (options.vifs_per_bridge > VIFS_MAX) {
                log_error("--vifs-per-bridge=%s: is to be 0 to %u", optarg, VIFS_MAX);
                return 2;
            }
            break;
        case 'H':
            options.no_hubs = true;
            break;
        case 'v':
            log_verbose = true;
            break;
        case 'V':
            printf("xendevd %s\n", CHAOS_VERSION);
            return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
        case 'h':
            usage();
            return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
        default:
            return 2;
        }
    }
    if (optind < argc) {
        log_error("unexpected argument '%s'; see: xendevd --help", argv[optind]);
        return 2;
    }
    return options.daemon && !options.once ? run_daemon(&options) : run(&options, -1);
}
