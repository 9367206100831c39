// SPDX-License-Identifier: BSD-3-Clause
#include "consoles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chaos.h"
#include "consoles_files.h"
#include "log.h"

/* ---------------------------------------------------------------- draining */

static void unmap(struct console *console)
{
    struct daemon *daemon = console->daemon;
    struct hv *hv = daemon->chaos->hv;

    if (!console->ring)
        return;
    port_unbind(daemon, &console->port);
    hv->ops->unmap(hv, console->ring, 1);
    console->ring = NULL;
    daemon->consoles->nr_attached--;
}

/* Reads what stands in the ring; false: nonsense stands in it. */
static bool take_output(struct console *console, size_t *length)
{
    char buffer[sizeof(console->ring->out)];

    if (console_ring_read(console->ring, &console->seen, buffer, sizeof(buffer), length) < 0)
        return false;
    if (*length == 0)
        return true;
    log_add(&console->log, buffer, *length);
    console_ring_release(console->ring, console->seen);
    port_notify(console->daemon, &console->port);
    files_note(console);
    if (console->readers)
        consoles_wake(console);
    return true;
}

static void give_up(struct console *console)
{
    log_info("domain %u broke its console ring: not reading it any more", console->domid);
    unmap(console);
}

static void throttle(struct console *console)
{
    struct consoles *consoles = console->daemon->consoles;

    console->throttled = true;
    console->next_throttled = consoles->throttled;
    consoles->throttled = console;
    if (!console->next_throttled)
        loop_timer_start(console->daemon->loop, &consoles->period, CONSOLE_PERIOD_NS);
}

/* True: it may go on at once. */
static bool charge(struct console *console, size_t length)
{
    uint64_t now = loop_now();

    if (now - console->period_ns >= CONSOLE_PERIOD_NS) {
        console->period_ns = now;
        console->used = 0;
    }
    console->used += (uint32_t)length + CONSOLE_EVENT_COST;
    return console->used < CONSOLE_QUOTA;
}

static bool guest_event(struct port *port)
{
    struct console *console = container_of(port, struct console, port);
    size_t length;

    if (!take_output(console, &length)) {
        give_up(console);
        return false;
    }
    consoles_send_input(console);
    if (!console->ring)
        return false;
    if (charge(console, length))
        return true;
    throttle(console);
    return false;
}

static void period_over(struct loop_timer *timer)
{
    struct consoles *consoles = container_of(timer, struct consoles, period);
    struct console *console = consoles->throttled, *next;

    consoles->throttled = NULL;
    for (; console; console = next) {
        next = console->next_throttled;
        console->throttled = false;
        if (console->ring && guest_event(&console->port))
            port_resume(console->daemon, &console->port);
    }
}

static void forget_throttled(struct console *console)
{
    struct console **link = &console->daemon->consoles->throttled;

    if (!console->throttled)
        return;
    while (*link != console)
        link = &(*link)->next_throttled;
    *link = console->next_throttled;
    console->throttled = false;
}

/* ---------------------------------------------------------------- readers */

void consoles_wake(struct console *console)
{
    struct consoles *consoles = console->daemon->consoles;

    if (!console->busy) {
        console->busy = true;
        console->next_busy = consoles->busy;
        consoles->busy = console;
    }
    loop_defer(console->daemon->loop, &consoles->work);
}

static void forget_busy(struct console *console)
{
    struct console **link = &console->daemon->consoles->busy;

    if (!console->busy)
        return;
    while (*link != console)
        link = &(*link)->next_busy;
    *link = console->next_busy;
    console->busy = false;
}

static void console_free(struct console *console)
{
    unmap(console);
    forget_throttled(console);
    forget_busy(console);
    files_forget(console);
    consoles_drop_readers(console, false);
    log_free(&console->log);
    free(console);
}

/* Logs of guests that are gone go, too, in time, unless somebody still reads them. */
static void bound_ended(struct consoles *consoles)
{
    struct console **link = &consoles->ended, *old;
    uint32_t nr = 0;

    while (*link) {
        if (nr++ < CONSOLES_ENDED || (*link)->readers) {
            link = &(*link)->next_ended;
            continue;
        }
        old = *link;
        *link = old->next_ended;
        consoles->nr_ended--;
        console_free(old);
    }
}

static void work(struct loop_work *pending)
{
    struct consoles *consoles = container_of(pending, struct consoles, work);
    struct console *console = consoles->busy;

    if (!console)
        return;
    consoles->busy = console->next_busy;
    console->busy = false;
    consoles_pump(console);
    if (consoles->busy)
        loop_defer(consoles->daemon->loop, &consoles->work);
    bound_ended(consoles);
}

void consoles_send_input(struct console *console)
{
    struct input *input = console->input;
    struct wire_writer writer;
    size_t taken;

    if (!input || !console->ring)
        return;
    if (console_ring_write(console->ring, input->bytes + input->done, input->length - input->done,
                           &taken) < 0) {
        give_up(console);
        taken = 0;
    }
    input->done += taken;
    if (taken > 0)
        port_notify(console->daemon, &console->port);
    if (console->ring && input->done < input->length)
        return;
    console->input = NULL;
    reply_begin(&input->to, 0, &writer);
    wire_put_u32(&writer, WIRE_COUNT, (uint32_t)input->done);
    reply_send(&input->to, &writer);
    reply_release(&input->to);
    free(input);
}

/* ---------------------------------------------------------------- guests that come and go */

struct console *consoles_of(struct daemon *daemon, struct guest *guest)
{
    if (!guest->console) {
        guest->console = calloc(1, sizeof(*guest->console));
        if (!guest->console)
            return NULL;
        guest->console->daemon = daemon;
        guest->console->port.event = guest_event;
    }
    return guest->console;
}

static int map(struct console *console, uint64_t frame, uint32_t port)
{
    struct daemon *daemon = console->daemon;
    struct hv *hv = daemon->chaos->hv;
    void *page;
    int rc = hv->ops->map(hv, console->domid, &frame, 1, true, &page);

    if (rc < 0)
        return rc;
    rc = port_bind(daemon, &console->port, console->domid, port);
    if (rc < 0) {
        hv->ops->unmap(hv, page, 1);
        return rc;
    }
    console->ring = page;
    console->seen = console_ring_start(console->ring);
    daemon->consoles->nr_attached++;
    return 0;
}

void consoles_attach(struct daemon *daemon, struct guest *guest, uint64_t frame, uint32_t port)
{
    struct console *console = consoles_of(daemon, guest);
    size_t length;
    int rc;

    if (!console)
        return;
    snprintf(console->name, sizeof(console->name), "%s", guest->name);
    if (console->ring || frame == 0 || port == 0)
        return;
    console->domid = guest->domid;
    rc = map(console, frame, port);
    if (rc < 0) { /* in use by somebody else, or the domain goes just now */
        log_debug("cannot attach the console of domain %u: %s", guest->domid, strerror(-rc));
        return;
    }
    if (!take_output(console, &length))
        give_up(console);
}

void consoles_detach(struct daemon *daemon, struct guest *guest)
{
    struct console *console = guest->console;
    size_t length;

    (void)daemon;
    if (!console || !console->ring)
        return;
    if (!take_output(console, &length))
        log_debug("domain %u broke its console ring", console->domid);
    forget_throttled(console);
    unmap(console);
    if (console->readers)
        consoles_wake(console);
}

void consoles_leave(struct daemon *daemon, struct guest *guest)
{
    consoles_detach(daemon, guest);
    if (guest->console && guest->console->readers)
        consoles_drop_readers(guest->console, true);
}

void consoles_end(struct daemon *daemon, struct guest *guest)
{
    struct consoles *consoles = daemon->consoles;
    struct console *console = guest->console;

    if (!console)
        return;
    consoles_detach(daemon, guest);
    guest->console = NULL;
    if (console->log.end == 0 && !console->readers) {
        console_free(console);
        return;
    }
    console->gone = true;
    snprintf(console->name, sizeof(console->name), "%s", guest->name);
    console->next_ended = consoles->ended;
    consoles->ended = console;
    consoles->nr_ended++;
    if (console->readers)
        consoles_wake(console);
    else
        bound_ended(consoles);
}

/* ---------------------------------------------------------------- module */

static int consoles_init(struct daemon *daemon, struct chaos_error *err)
{
    struct consoles *consoles = calloc(1, sizeof(*consoles));

    if (!consoles)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    consoles->daemon = daemon;
    consoles->period.expired = period_over;
    consoles->work.run = work;
    daemon->consoles = consoles;
    files_init(consoles);
    return 0;
}

/* The consoles of guests that are there have been ended by then. */
static void consoles_fini(struct daemon *daemon)
{
    struct consoles *consoles = daemon->consoles;
    struct console *next;

    loop_undefer(daemon->loop, &consoles->work);
    loop_timer_stop(daemon->loop, &consoles->period);
    files_fini(consoles);
    for (; consoles->ended; consoles->ended = next) {
        next = consoles->ended->next_ended;
        console_free(consoles->ended);
    }
    free(consoles);
    daemon->consoles = NULL;
}

const struct module consoles_module = {
    .name = "consoles",
    .init = consoles_init,
    .fini = consoles_fini,
};
