// SPDX-License-Identifier: BSD-3-Clause
/* chaosd(8): options, start and end of the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "creates.h"
#include "daemon.h"
#include "image_cache.h"
#include "instance.h"
#include "log.h"
#include "migrations.h"
#include "movers.h"
#include "server.h"
#include "service.h"
#include "settings.h"
#include "worker.h"

#define RUN_DIR "/run/chaos"
#define END_NS  10000000000u /* how long what was asked for may take, once we are to end */

struct options {
    const char *socket, *settings, *listen;
    bool background;
};

static void on_signal(void *opaque, int number)
{
    struct daemon *daemon = opaque;

    if (number == SIGHUP)
        migrations_reload(daemon);
    else
        loop_stop(daemon->loop);
}

static int catch_signals(struct daemon *daemon, struct chaos_error *err)
{
    sigset_t signals;
    int rc;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    rc = loop_signals(daemon->loop, &signals, on_signal, daemon);
    return rc < 0 ? chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "cannot catch signals: %s",
                                    strerror(-rc))
                  : 0;
}

/* Each shell has a record open, and each client a socket. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        log_error("cannot raise the limit of open files: %s", strerror(errno));
}

/* In the background: our parent returns once we are ready. */
static int leave_foreground(int parent)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || write(parent, "", 1) != 1)
        return -1;
    log_to_syslog();
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    close(null);
    close(parent);
    return 0;
}

static int open_all(struct daemon *daemon, const struct options *options, struct chaos_error *err)
{
    int rc = instance_lock(daemon->run_dir, err); /* kept until we die */

    if (rc >= 0)
        rc = catch_signals(daemon, err);
    if (rc >= 0)
        rc = settings_load(options->settings ? options->settings : SETTINGS_PATH,
                           options->settings != NULL, &daemon->settings, err);
    if (rc >= 0 && options->listen && !settings_listen(&daemon->settings, options->listen))
        rc = chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                             "\"%s\" is not ADDRESS[:PORT] (an IPv6 address stands in brackets)",
                             options->listen);
    if (rc >= 0)
        rc = daemon_open(daemon, &daemon->chaos, err);
    if (rc >= 0)
        rc = daemon_start(daemon, err);
    if (rc < 0)
        return rc;
    rc = instance_socket(daemon->run_dir, options->socket, err);
    if (rc >= 0)
        rc = server_listen(daemon, rc, err);
    if (rc < 0)
        daemon_stop(daemon);
    return rc;
}

static void time_is_up(struct loop_timer *timer)
{
    (void)timer;
}

static size_t operations(const struct daemon *daemon)
{
    return worker_load(daemon) + movers_load(daemon);
}

/* What was begun is ended, and answered; what does not end is left to the next start. */
static void wind_up(struct daemon *daemon)
{
    const uint64_t limit = loop_now() + END_NS;
    struct loop_timer end = {.expired = time_is_up};

    service_notify("STOPPING=1");
    daemon_quiesce(daemon);
    loop_timer_start(daemon->loop, &end, END_NS); /* or a turn might wait for ever */
    while ((operations(daemon) > 0 || creates_busy(daemon)) && loop_now() < limit)
        if (loop_turn(daemon->loop, true) < 0)
            break;
    loop_timer_stop(daemon->loop, &end);
    if (operations(daemon) > 0) {
        log_error("%zu operations do not end: leaving them", operations(daemon));
        _exit(EXIT_FAILURE);
    }
    daemon_stop(daemon);
}

static int serve(const struct options *options, int parent)
{
    const char *run_dir = secure_getenv("CHAOS_RUN_DIR");
    struct daemon daemon = {
        .loop = loop_new(),
        .open = chaos_open,
        .images = image_cache_new(),
        .run_dir = run_dir ? run_dir : RUN_DIR,
    };
    struct chaos_error err;
    int rc;

    settings_default(&daemon.settings);
    raise_descriptor_limit();
    if (!daemon.loop || !daemon.images) {
        log_error("cannot start: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    rc = open_all(&daemon, options, &err);
    if (rc >= 0 && parent >= 0 && leave_foreground(parent) < 0)
        rc = chaos_error_set(&err, -EIO, CHAOS_EXIT_FAILURE, "cannot go into the background");
    if (rc < 0) {
        log_error("%s", err.text);
        return err.exit ? (int)err.exit : EXIT_FAILURE;
    }
    service_notify("READY=1");
    log_debug("serving");
    rc = loop_run(daemon.loop);
    if (rc < 0)
        log_error("cannot wait for events: %s", strerror(-rc));
    wind_up(&daemon);
    chaos_close(daemon.chaos);
    image_cache_free(daemon.images);
    loop_free(daemon.loop);
    settings_free(&daemon.settings);
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int serve_in_background(const struct options *options)
{
    int pipe_fds[2], status = 0;
    char byte;
    pid_t child;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0 || (child = fork()) < 0) {
        log_error("cannot start a process: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    if (child == 0) {
        close(pipe_fds[0]);
        setsid();
        return chdir("/") < 0 ? EXIT_FAILURE : serve(options, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    if (read(pipe_fds[0], &byte, 1) == 1)
        return EXIT_SUCCESS;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static void usage(void)
{
    printf("usage: chaosd [OPTION...]\n"
           "Keeps pools of prepared domains, and creates guests from them.\n\n"
           "  -c, --config=FILE   default: " SETTINGS_PATH "\n"
           "  -f, --foreground    stay in the foreground, and log to standard error\n"
           "  -l, --listen=ADDRESS[:PORT]\n"
           "                      let guests come from other hosts; default port: 8002\n"
           "  -s, --socket=FILE   default: " WIRE_SOCKET "\n"
           "  -v, --verbose       log more\n"
           "  -V, --version       show the version\n"
           "  -h, --help          show this help\n");
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'}, {"foreground", no_argument, NULL, 'f'},
        {"listen", required_argument, NULL, 'l'}, {"socket", required_argument, NULL, 's'},
        {"verbose", no_argument, NULL, 'v'},      {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct options options = {.background = true};
    int letter;

    log_as("chaosd");
    /* Each thread that once read a large file would keep a heap of its size. */
    mallopt(M_ARENA_MAX, 1);
    while ((letter = getopt_long(argc, argv, "c:fl:s:vVh", names, NULL)) != -1) {
        switch (letter) {
        case 'c':
            options.settings = optarg;
            break;
        case 'f':
            options.background = false;
            break;
        case 'l':
            options.listen = optarg;
            break;
        case 's':
            options.socket = optarg;
            break;
        case 'v':
            log_verbose = true;
            break;
        case 'V':
            printf("chaosd %s\n", CHAOS_VERSION);
            return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
        case 'h':
            usage();
            return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
        default:
            return CHAOS_EXIT_USAGE;
        }
    }
    if (optind < argc) {
        log_error("unexpected argument '%s'; see: chaosd --help", argv[optind]);
        return CHAOS_EXIT_USAGE;
    }
    return options.background ? serve_in_background(&options) : serve(&options, -1);
}
