/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chaosd: one thread runs the loop, and all modules on it; what takes long is a job for a worker
 * thread (worker.h). A module is one row of the table in modules.c.
 */
#ifndef CHAOSD_DAEMON_H
#define CHAOSD_DAEMON_H

#include <chaos/config.h>
#include <chaos/domain.h>
#include <chaos/error.h>

#include "loop.h"
#include "settings.h"
#include "wire.h"

struct client;
struct consoles;
struct creates;
struct daemon;
struct events;
struct hold;
struct lifecycle;
struct migrations;
struct movers;
struct ports;
struct refill;
struct server;
struct stats;
struct watch;
struct workers;

/* A request that was received; valid until its handler returns. */
struct request {
    struct client *client;
    struct wire_header header;
    struct wire_reader fields;
    int *passed; /* a descriptor that came with it, or -1; what is not taken (take_fd) is closed */
};

/*
 * Answers now (server.h), or keeps what it needs, with client_hold, and answers later. Its failure
 * is answered by the server.
 */
typedef int request_handler(struct daemon *daemon, const struct request *request,
                            struct chaos_error *err);

/* Each of its functions may be NULL. */
struct module {
    const char *name;
    int (*init)(struct daemon *daemon, struct chaos_error *err); /* in the order of the table */
    void (*fini)(struct daemon *daemon);                         /* in reverse */
    struct {
        uint16_t type; /* enum wire_type; 0: no more */
        request_handler *handle;
    } handlers[8];
    /* The end is near: begin nothing that nobody asked for. */
    void (*quiesce)(struct daemon *daemon);
    /* A client went away: forget what it subscribed to. */
    void (*client_gone)(struct daemon *daemon, struct client *client);
    /* A client that had not read has now: its queue is empty. */
    void (*client_room)(struct daemon *daemon, struct client *client);
    /* chaosd has made a domain and let it run (unless paused), or has unmade it. */
    void (*created)(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config);
    void (*destroyed)(struct daemon *daemon, const struct chaos_domain *domain);
    /* Adds its fields to the answer to WIRE_STATUS. */
    void (*status)(struct daemon *daemon, struct wire_writer *writer);
};

extern const struct module *const modules[]; /* ends with NULL */

/* Makes a handle on the hypervisor: chaos_open, but for tests. */
typedef int chaos_opener(struct chaos **out, struct chaos_error *err);

struct daemon {
    struct loop *loop;
    struct chaos *chaos;        /* the loop's own handle */
    chaos_opener *open;         /* daemon_open is what modules call */
    struct image_cache *images; /* of all handles; NULL: files are read each time */
    const char *run_dir;        /* /run/chaos */
    struct settings settings;
    uint64_t started_ns; /* loop_now */
    struct server *server;
    struct workers *workers;
    struct refill *refill;
    struct creates *creates;
    struct stats *stats;
    /* Each module's own, made by its init. */
    struct ports *ports;
    struct events *events;
    struct consoles *consoles;
    struct watch *watch;
    struct lifecycle *lifecycle;
    struct suspensions *suspensions;
    struct movers *movers;
    struct migrations *migrations;
    struct hold *holds; /* holds.h */
};

/* A handle for another thread, which closes it. For any thread. */
int daemon_open(const struct daemon *daemon, struct chaos **out, struct chaos_error *err);

/* Runs all inits; on failure those that were run are undone. */
int daemon_start(struct daemon *daemon, struct chaos_error *err);
void daemon_quiesce(struct daemon *daemon);
void daemon_stop(struct daemon *daemon);

/* Tells the modules. */
void daemon_created(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config);
void daemon_destroyed(struct daemon *daemon, const struct chaos_domain *domain);

#endif
