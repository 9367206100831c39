// SPDX-License-Identifier: BSD-3-Clause
/* Clients that read logs and type into consoles. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "consoles.h"
#include "watch.h"

#define QUEUED_MAX (64u << 10) /* bytes in a reader's queue before it waits */
#define PIECE      4096u
#define REPLAY     2048u /* bytes that a console shows at first: what a ring would hold */

/* ---------------------------------------------------------------- sending */

static void reader_free(struct reader **link)
{
    struct reader *reader = *link;

    *link = reader->next;
    *reader->link_of_all = reader->next_of_all;
    if (reader->next_of_all)
        reader->next_of_all->link_of_all = reader->link_of_all;
    reply_release(&reader->to);
    free(reader);
}

static void finish(struct reader **link)
{
    struct wire_writer writer;

    reply_begin(&(*link)->to, 0, &writer);
    reply_send(&(*link)->to, &writer);
    reader_free(link);
}

/* False: there was nothing. */
static bool send_piece(struct reader *reader)
{
    struct wire_writer writer;
    const char *bytes;
    uint64_t lost = 0;
    size_t length = log_read(&reader->console->log, &reader->at, &lost, &bytes);

    if (length == 0)
        return false;
    if (length > PIECE)
        length = PIECE;
    reply_begin(&reader->to, WIRE_MORE, &writer);
    wire_put_bytes(&writer, WIRE_DATA, bytes, length);
    if (lost)
        wire_put_u64(&writer, WIRE_LOST, lost);
    reader->at += length;
    reply_send(&reader->to, &writer);
    return true;
}

void consoles_pump(struct console *console)
{
    struct reader **link = &console->readers;

    while (*link) {
        struct reader *reader = *link;
        bool full = false, more = true;

        while (more && !full && !client_gone(reader->to.client)) {
            more = send_piece(reader);
            full = client_queued(reader->to.client) >= QUEUED_MAX;
        }
        if (client_gone(reader->to.client))
            reader_free(link);
        else if (!more && (!reader->follow || console->gone))
            finish(link);
        else
            link = &reader->next;
    }
}

void consoles_drop_readers(struct console *console, bool interactive_only)
{
    struct reader **link = &console->readers;

    consoles_pump(console);
    while (*link) {
        if (!interactive_only || (*link)->interactive)
            finish(link);
        else
            link = &(*link)->next;
    }
    if (!console->input)
        return;
    reply_release(&console->input->to);
    free(console->input);
    console->input = NULL;
}

/* ---------------------------------------------------------------- requests */

static struct console *find_ended(const struct daemon *daemon, const char *which)
{
    struct console *console = daemon->consoles->ended;

    if (strncmp(which, "name:", 5) == 0)
        which += 5;
    while (console && strcmp(console->name, which) != 0)
        console = console->next_ended;
    return console;
}

static int find(struct daemon *daemon, const struct request *request, bool ended,
                struct console **out, struct chaos_error *err)
{
    const char *which = wire_find_string(&request->fields, WIRE_WHICH, "");
    struct guest *guest = watch_find(daemon, which);

    if (!guest) { /* perhaps somebody else made it just now */
        watch_catch_up(daemon);
        guest = watch_find(daemon, which);
    }
    if (guest) {
        /* It may be new, or somebody else may have let go of its console. */
        if (guest->state == GUEST_RUNNING && !(guest->console && guest->console->ring))
            guest->checked = false;
        watch_check_now(daemon, guest);
        guest = watch_find(daemon, which);
    }
    *out = guest ? consoles_of(daemon, guest) : ended ? find_ended(daemon, which) : NULL;
    if (*out)
        return 0;
    if (guest)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND,
                           "chaosd knows no guest \"%s\": it is not there, not made by chaos, or "
                           "gone for long",
                           which);
}

static struct reader *reader_new(const struct request *request, struct console *console,
                                 struct chaos_error *err)
{
    struct reader *reader = calloc(1, sizeof(*reader)), **link;

    if (!reader) {
        chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
        return NULL;
    }
    reader->console = console;
    reader->to = reply_later(request);
    for (link = &console->readers; *link; link = &(*link)->next)
        ;
    *link = reader; /* the first one that may type, may */
    link = &console->daemon->consoles->readers;
    reader->next_of_all = *link;
    reader->link_of_all = link;
    if (*link)
        (*link)->link_of_all = &reader->next_of_all;
    *link = reader;
    return reader;
}

/* WIRE_TAIL: only so many lines; WIRE_FOLLOW: and what comes. */
static int handle_logs(struct daemon *daemon, const struct request *request,
                       struct chaos_error *err)
{
    uint64_t tail = wire_find_number(&request->fields, WIRE_TAIL, UINT32_MAX);
    struct console *console;
    struct reader *reader;
    int rc = find(daemon, request, true, &console, err);

    if (rc < 0)
        return rc;
    reader = reader_new(request, console, err);
    if (!reader)
        return err->code;
    reader->follow = wire_find_number(&request->fields, WIRE_FOLLOW, 0) != 0;
    reader->at = log_tail(&console->log, tail < UINT32_MAX ? (uint32_t)tail : UINT32_MAX);
    if (reader->at == console->log.start && tail == UINT32_MAX)
        reader->at = 0; /* say how much is gone */
    consoles_wake(console);
    return 0;
}

static struct reader *writer_of(const struct console *console)
{
    struct reader *reader = console->readers;

    while (reader && (!reader->interactive || client_gone(reader->to.client)))
        reader = reader->next;
    return reader;
}

/* The first answer says in WIRE_PID who may type, if it is somebody else. */
static int handle_console(struct daemon *daemon, const struct request *request,
                          struct chaos_error *err)
{
    const struct reader *writer;
    struct wire_writer packet;
    struct console *console;
    struct reader *reader;
    int rc = find(daemon, request, false, &console, err);

    if (rc < 0)
        return rc;
    if (!console->ring)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "the console of \"%s\" cannot be attached: its guest has ended, or "
                               "somebody else has it",
                               wire_find_string(&request->fields, WIRE_WHICH, ""));
    writer = writer_of(console);
    reader = reader_new(request, console, err);
    if (!reader)
        return err->code;
    reader->follow = reader->interactive = true;
    reader->at = console->log.end > REPLAY ? console->log.end - REPLAY : 0;
    if (reader->at < console->log.start)
        reader->at = console->log.start;
    reply_begin(&reader->to, WIRE_MORE, &packet);
    if (writer)
        wire_put_u32(&packet, WIRE_PID, (uint32_t)client_id(writer->to.client)->pid);
    reply_send(&reader->to, &packet);
    consoles_wake(console);
    return 0;
}

/* Input for the console that this client has attached; answered when the guest's ring has it. */
static int handle_input(struct daemon *daemon, const struct request *request,
                        struct chaos_error *err)
{
    struct console *console;
    struct wire_field data;
    const struct reader *writer;
    int rc = find(daemon, request, false, &console, err);

    if (rc < 0)
        return rc;
    writer = writer_of(console);
    if (!writer || writer->to.client != request->client)
        return chaos_error_set(err, -EPERM, CHAOS_EXIT_FAILURE,
                               "only who attached the console first may type into it");
    if (!wire_find(&request->fields, WIRE_DATA, WIRE_BYTES, &data) ||
        data.length > CONSOLE_INPUT_MAX)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "no input, or more than %u bytes",
                               CONSOLE_INPUT_MAX);
    if (console->input)
        return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE,
                               "the guest has not taken the input before it yet");
    if (!console->ring)
        return chaos_error_set(err, -EPIPE, CHAOS_EXIT_FAILURE, "the guest has ended");
    console->input = malloc(sizeof(*console->input));
    if (!console->input)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    console->input->done = 0;
    console->input->length = data.length;
    memcpy(console->input->bytes, data.value, data.length);
    console->input->to = reply_later(request);
    consoles_send_input(console);
    return 0;
}

/* ---------------------------------------------------------------- module */

static void wake_readers(struct daemon *daemon, struct client *client)
{
    const struct reader *reader = daemon->consoles ? daemon->consoles->readers : NULL;

    for (; reader; reader = reader->next_of_all)
        if (reader->to.client == client)
            consoles_wake(reader->console);
}

const struct module consoles_serve_module = {
    .name = "consoles-serve",
    .handlers = {{WIRE_LOGS, handle_logs},
                 {WIRE_CONSOLE, handle_console},
                 {WIRE_CONSOLE_INPUT, handle_input}},
    .client_gone = wake_readers,
    .client_room = wake_readers,
};
