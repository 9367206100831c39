/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The consoles of all guests are drained into bounded logs. What a guest writes is of its choosing,
 * and so is how often: each has a quota, and who uses it up is not listened to for a while.
 */
#ifndef CHAOSD_CONSOLES_H
#define CHAOSD_CONSOLES_H

#include "console_ring.h"
#include "daemon.h"
#include "logs.h"
#include "server.h"
#include "watch_ports.h"
#include "watch_table.h"

extern const struct module consoles_module;

#define CONSOLE_PERIOD_NS  100000000u
#define CONSOLE_QUOTA      (32u << 10) /* bytes of one guest in a period */
#define CONSOLE_EVENT_COST 64u         /* an event without any counts as so many */
#define CONSOLES_ENDED     64u         /* logs of guests that are gone */
#define CONSOLE_INPUT_MAX  4096u       /* bytes of one request */

/* Somebody who reads a console's log, and perhaps types. */
struct reader {
    struct reply_to to;
    struct console *console;
    uint64_t at;
    bool follow, interactive;
    struct reader *next; /* of this console */
    struct reader *next_of_all, **link_of_all;
};

/* Input that did not fit into the guest's ring yet. */
struct input {
    struct reply_to to;
    size_t done, length;
    char bytes[CONSOLE_INPUT_MAX];
};

struct console {
    struct port port;
    struct daemon *daemon;
    struct xencons_interface *ring; /* NULL: not attached */
    uint32_t seen;
    uint32_t domid;
    char name[CHAOS_NAME_MAX + 1];
    bool gone, throttled, busy, unfiled;
    uint64_t period_ns; /* when it began */
    uint32_t used;
    struct log log;
    struct reader *readers;
    struct input *input;
    uint64_t filed; /* its log is in files up to there */
    struct console *next_throttled, *next_busy, *next_ended, *next_unfiled;
};

struct consoles {
    struct daemon *daemon;
    struct console *throttled, *busy; /* busy: their readers have something to read */
    struct loop_timer period;
    struct loop_work work;
    struct reader *readers; /* of all consoles */
    struct console *ended;  /* the last one first */
    uint32_t nr_ended;
    uint32_t nr_attached;
    struct console *unfiled; /* consoles_files.c */
    struct loop_timer file_timer;
    bool filing;
    int file_error;
};

/* Attaches the guest's console if it can be; what is there already goes on. */
void consoles_attach(struct daemon *daemon, struct guest *guest, uint64_t frame, uint32_t port);
/* Takes what is left in the ring, and lets go of it: it would keep the domain from going. */
void consoles_detach(struct daemon *daemon, struct guest *guest);
/* The guest will say no more, though its domain stays: nobody need look at it any longer. */
void consoles_leave(struct daemon *daemon, struct guest *guest);
/* The guest is gone; its log is kept for a while. */
void consoles_end(struct daemon *daemon, struct guest *guest);

/* For consoles_serve.c */
struct console *consoles_of(struct daemon *daemon, struct guest *guest); /* NULL: no memory */
void consoles_wake(struct console *console); /* its readers have something to do */
void consoles_send_input(struct console *console);
void consoles_drop_readers(struct console *console, bool interactive_only);
void consoles_pump(struct console *console); /* consoles_serve.c */
extern const struct module consoles_serve_module;

#endif
