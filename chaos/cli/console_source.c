// SPDX-License-Identifier: BSD-3-Clause
#include "console_source.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chaos/client.h>
#include <chaos/console.h>

#include "output.h"

/* ---------------------------------------------------------------- the ring itself */

struct direct {
    struct console_source base;
    struct chaos_console *console;
    bool follow;
};

static void direct_close(struct console_source *source)
{
    chaos_console_close(((struct direct *)source)->console);
    free(source);
}

static int take_event(struct direct *direct, struct chaos_error *err)
{
    struct pollfd ready = {.fd = direct->base.fd, .events = POLLIN};

    if (!direct->follow || poll(&ready, 1, 0) <= 0)
        return 0;
    return chaos_console_ack(direct->console, err);
}

static int direct_read(struct console_source *source, char *buffer, size_t size, size_t *length,
                       struct chaos_error *err)
{
    struct direct *direct = (struct direct *)source;
    bool alive = !direct->follow || chaos_console_alive(direct->console);
    int rc = take_event(direct, err);

    if (rc == 0) /* after the look whether it lives: its last words count */
        rc = chaos_console_read(direct->console, buffer, size, length, err);
    return rc == 0 && *length == 0 && !alive ? -ENODATA : rc;
}

static int direct_write(struct console_source *source, const char *bytes, size_t size,
                        size_t *taken, struct chaos_error *err)
{
    return chaos_console_write(((struct direct *)source)->console, bytes, size, taken, err);
}

static const struct console_ops direct_ops = {direct_close, direct_read, direct_write};

static int open_direct(struct chaos *chaos, const struct chaos_domain *domain, unsigned int flags,
                       struct console_source **out, struct chaos_error *err)
{
    struct direct *direct = calloc(1, sizeof(*direct));
    int rc;

    if (!direct)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    direct->base.ops = &direct_ops;
    direct->follow = flags & CONSOLE_FOLLOW;
    rc = chaos_console_open(chaos, domain, direct->follow, &direct->console, err);
    if (rc < 0) {
        free(direct);
        return rc;
    }
    direct->base.fd = chaos_console_fd(direct->console);
    *out = &direct->base;
    return 0;
}

/* ---------------------------------------------------------------- through chaosd */

struct remote {
    struct console_source base;
    struct chaos_client *client;
    char which[CHAOS_NAME_MAX + 6]; /* "name:" and the longest name */
    bool follow, may_type;
    size_t sent; /* bytes that the guest has not taken yet */
    size_t taken;
    char kept[CHAOS_CLIENT_INPUT_MAX]; /* output for which the reader had no room */
    size_t nr_kept;
};

static void remote_close(struct console_source *source)
{
    chaos_client_close(((struct remote *)source)->client);
    free(source);
}

/* Waits for the rest of a log; a console that is followed is waited for by poll. */
static void wait_for_more(const struct remote *remote)
{
    struct pollfd ready = {.fd = remote->base.fd, .events = POLLIN};

    poll(&ready, 1, -1);
}

static int next_output(struct remote *remote, struct chaos_error *err)
{
    struct chaos_output output;
    int rc;

    while ((rc = chaos_client_output(remote->client, &output, err)) == -EAGAIN && !remote->follow)
        wait_for_more(remote);
    if (rc < 0)
        return rc;
    if (output.taken) {
        remote->taken += remote->sent;
        remote->sent = 0;
    }
    remote->nr_kept = output.length < sizeof(remote->kept) ? output.length : sizeof(remote->kept);
    if (remote->nr_kept > 0)
        memcpy(remote->kept, output.bytes, remote->nr_kept);
    return 0;
}

static int remote_read(struct console_source *source, char *buffer, size_t size, size_t *length,
                       struct chaos_error *err)
{
    struct remote *remote = (struct remote *)source;
    int rc;

    *length = 0;
    while (remote->nr_kept == 0) {
        rc = next_output(remote, err);
        if (rc < 0)
            return rc == -EAGAIN ? 0 : rc;
    }
    *length = remote->nr_kept < size ? remote->nr_kept : size;
    memcpy(buffer, remote->kept, *length);
    remote->nr_kept -= *length;
    memmove(remote->kept, remote->kept + *length, remote->nr_kept);
    return 0;
}

/* What was sent counts as taken once the guest has it. */
static int remote_write(struct console_source *source, const char *bytes, size_t size,
                        size_t *taken, struct chaos_error *err)
{
    struct remote *remote = (struct remote *)source;
    int rc = 0;

    *taken = remote->taken;
    remote->taken = 0;
    if (!remote->may_type) {
        *taken = size;
        return 0;
    }
    if (*taken > 0 || remote->sent > 0)
        return 0;
    rc = chaos_client_input(remote->client, remote->which, bytes, size, err);
    if (rc == 0)
        remote->sent = size;
    return rc;
}

static const struct console_ops remote_ops = {remote_close, remote_read, remote_write};

static int ask_remote(struct remote *remote, struct chaos_error *err)
{
    uint32_t writer = 0;
    int rc;

    if (!remote->follow)
        return chaos_client_logs(remote->client, remote->which, UINT32_MAX, false, err);
    rc = chaos_client_console(remote->client, remote->which, &writer, err);
    remote->may_type = writer == 0;
    if (rc == 0 && writer)
        out_note_as("console", "process %u has this console: what is typed here is ignored",
                    writer);
    return rc;
}

static int open_remote(struct chaos_client *client, const struct chaos_domain *domain,
                       unsigned int flags, struct console_source **out, struct chaos_error *err)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    int rc;

    if (!remote)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    remote->base.ops = &remote_ops;
    remote->base.fd = chaos_client_fd(client);
    remote->client = client;
    remote->follow = flags & CONSOLE_FOLLOW;
    snprintf(remote->which, sizeof(remote->which), "name:%s", domain->name);
    rc = ask_remote(remote, err);
    if (rc < 0) {
        free(remote);
        return rc;
    }
    *out = &remote->base;
    return 0;
}

int console_source_open(struct chaos *chaos, const struct chaos_domain *domain, unsigned int flags,
                        struct console_source **out, struct chaos_error *err)
{
    struct chaos_error no_daemon;
    struct chaos_client *client;
    int rc;

    if (domain->name[0] == '\0' || domain->domid == 0 ||
        chaos_client_open(NULL, &client, &no_daemon) < 0)
        return open_direct(chaos, domain, flags, out, err);
    rc = open_remote(client, domain, flags, out, err);
    if (rc < 0)
        chaos_client_close(client);
    return rc;
}
