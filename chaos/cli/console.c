// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <chaos/console.h>

#include "output.h"

#define DETACH   0x1d /* Ctrl+] */
#define ALIVE_MS 200  /* the death of a domain makes no event */
#define CHUNK    2048

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

struct session {
    struct chaos_console *console;
    bool input; /* standard input has not ended */
    bool raw;   /* the terminal has been changed */
    bool detach;
    struct termios saved;
    char pending[CHUNK]; /* typed, but the guest's ring was full */
    size_t nr_pending;
};

static void make_raw(struct session *s)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &s->saved) < 0)
        return; /* not a terminal */
    raw = s->saved;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST; /* guests send bare line feeds */
    s->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static int show(struct session *s, struct chaos_error *err)
{
    char buffer[CHUNK];
    size_t length;
    int rc;

    do {
        rc = chaos_console_read(s->console, buffer, sizeof(buffer), &length, err);
        if (rc < 0)
            return rc;
        out_write(buffer, length);
    } while (length > 0);
    return out_flush(err);
}

static void read_input(struct session *s)
{
    ssize_t r = read(STDIN_FILENO, s->pending, sizeof(s->pending));
    const char *detach;

    if (r < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (r <= 0) {
        s->input = false;
        return;
    }
    detach = s->raw ? memchr(s->pending, DETACH, (size_t)r) : NULL;
    s->detach = detach != NULL;
    s->nr_pending = detach ? (size_t)(detach - s->pending) : (size_t)r;
}

static int send_input(struct session *s, struct chaos_error *err)
{
    size_t taken;
    int rc = chaos_console_write(s->console, s->pending, s->nr_pending, &taken, err);

    if (rc < 0)
        return rc;
    s->nr_pending -= taken;
    memmove(s->pending, s->pending + taken, s->nr_pending);
    return 0;
}

static int follow(struct session *s, struct chaos_error *err)
{
    bool alive;
    int rc = 0;

    do {
        struct pollfd fds[2] = {
            {.fd = chaos_console_fd(s->console), .events = POLLIN},
            {.fd = s->input && s->nr_pending == 0 ? STDIN_FILENO : -1, .events = POLLIN},
        };

        alive = chaos_console_alive(s->console);
        rc = show(s, err); /* after the look whether it lives: its last words count */
        if (rc < 0 || !alive)
            return rc;
        if (poll(fds, 2, ALIVE_MS) < 0)
            continue; /* a signal */
        if (fds[0].revents & POLLIN)
            rc = chaos_console_ack(s->console, err);
        if (rc == 0 && fds[1].revents)
            read_input(s);
        if (rc == 0 && s->nr_pending > 0)
            rc = send_input(s, err);
    } while (rc == 0 && !s->detach && !interrupted);
    return rc < 0 ? rc : show(s, err);
}

int console_run(struct chaos *chaos, const struct chaos_domain *domain, unsigned int flags,
                struct chaos_error *err)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct session s = {.input = true};
    int rc;

    rc = chaos_console_open(chaos, domain, flags & CONSOLE_FOLLOW, &s.console, err);
    if (rc < 0)
        return rc;
    if (flags & CONSOLE_FOLLOW) {
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGHUP, &action, NULL);
        make_raw(&s);
        if (flags & CONSOLE_UNPAUSE)
            rc = chaos_domain_unpause(chaos, domain, err);
        if (rc == 0)
            rc = follow(&s, err);
        if (s.raw)
            tcsetattr(STDIN_FILENO, TCSANOW, &s.saved);
    } else {
        rc = show(&s, err);
    }
    chaos_console_close(s.console);
    return rc;
}
