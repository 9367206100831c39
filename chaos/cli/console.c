// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "console_source.h"
#include "output.h"

#define DETACH   0x1d /* Ctrl+] */
#define ALIVE_MS 200  /* without chaosd the death of a domain makes no event */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

struct session {
    struct console_source *source;
    bool input; /* standard input has not ended */
    bool raw;   /* the terminal has been changed */
    bool detach;
    struct termios saved;
    char pending[CONSOLE_CHUNK]; /* typed, but the guest has not taken it */
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

/* -ENODATA: that was all, for ever. */
static int show(struct session *s, struct chaos_error *err)
{
    const struct console_ops *ops = s->source->ops;
    char buffer[CONSOLE_CHUNK];
    size_t length;
    int rc, flushed;

    do {
        rc = ops->read(s->source, buffer, sizeof(buffer), &length, err);
        if (rc == 0)
            out_write(buffer, length);
    } while (rc == 0 && length > 0);
    if (rc < 0 && rc != -ENODATA)
        return rc;
    flushed = out_flush(err);
    return flushed < 0 ? flushed : rc;
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
    int rc = s->source->ops->write(s->source, s->pending, s->nr_pending, &taken, err);

    if (rc < 0)
        return rc;
    s->nr_pending -= taken;
    memmove(s->pending, s->pending + taken, s->nr_pending);
    return 0;
}

static int follow(struct session *s, struct chaos_error *err)
{
    int rc;

    do {
        struct pollfd fds[2] = {
            {.fd = s->source->fd, .events = POLLIN},
            {.fd = s->input && s->nr_pending == 0 ? STDIN_FILENO : -1, .events = POLLIN},
        };

        rc = show(s, err);
        if (rc < 0)
            return rc;
        if (poll(fds, 2, ALIVE_MS) < 0)
            continue; /* a signal */
        if (fds[1].revents)
            read_input(s);
        if (s->nr_pending > 0)
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

    rc = console_source_open(chaos, domain, flags, &s.source, err);
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
    s.source->ops->close(s.source);
    return rc == -ENODATA ? 0 : rc;
}
