/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a guest's devices are made, as a struct of functions: bus_noxs.c, bus_xenstore.c, bus.c that
 * chooses between the two, or a model in the tests.
 */
#ifndef CHAOS_BUS_H
#define CHAOS_BUS_H

#include <stdint.h>

#include <chaos/config.h>
#include <chaos/error.h>

struct bus;

enum bus_request { BUS_REQUEST_POWEROFF, BUS_REQUEST_REBOOT, BUS_REQUEST_SUSPEND };

/* What a guest finds of its bus in its start info. */
struct bus_start {
    uint32_t store_port, console_port;
    uint64_t store_frame, console_frame;
};

struct bus_ops {
    void (*close)(struct bus *bus);
    /* Before a domain is made: could its devices be? (Bridges, for instance.) */
    int (*check)(struct bus *bus, const struct chaos_config *config, struct chaos_error *err);
    /* All devices of a domain that did not run yet, or none. Those that are left of a domain which
     * had its id before go first. */
    int (*create)(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                  struct chaos_error *err);
    /*
     * Gives the devices of a shell, whose guest did not run yet, what config asks for: addresses,
     * MTU, interface names. Their number and their bridges are the shell's already. A failure may
     * leave some of it done: the shell is then destroyed.
     */
    int (*configure)(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     struct chaos_error *err);
    /*
     * Makes the bus known to a domain whose memory is laid out, and that did not run yet. May be
     * NULL: it need not be.
     */
    int (*introduce)(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     const struct bus_start *start, struct chaos_error *err);
    /* Until they work on the host's side. */
    int (*wait)(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                struct chaos_error *err);
    /*
     * Forgets what the bus knows of a domain that is paused, and about to be destroyed. May be
     * NULL. A failure is told by destroy, which is called then.
     */
    void (*leave)(struct bus *bus, enum chaos_bus which, uint32_t domid);
    /* All devices of a domain that is gone; having none is not an error. */
    int (*destroy)(struct bus *bus, enum chaos_bus which, uint32_t domid, struct chaos_error *err);
    int (*request)(struct bus *bus, enum chaos_bus which, uint32_t domid, enum bus_request request,
                   struct chaos_error *err);
    /* Takes back a request that the guest has not seen yet. True: it has, and is at it. May be
     * NULL: that cannot be told. */
    bool (*withdraw)(struct bus *bus, enum chaos_bus which, uint32_t domid);
};

/* An implementation starts with this. */
struct bus {
    const struct bus_ops *ops;
};

/* /dev/noxs or XenStore are opened when they are first needed. */
int bus_noxs_new(struct bus **out, struct chaos_error *err);
int bus_xenstore_new(struct bus **out, struct chaos_error *err);
/* A bus that passes each call on to one of two, which it closes. */
int bus_choose(struct bus *noxs, struct bus *xenstore, struct bus **out, struct chaos_error *err);
int bus_new(struct bus **out, struct chaos_error *err);

/* The bridges that the vifs are to be put on are there. */
int bus_check_bridges(const struct chaos_config *config, struct chaos_error *err);

#endif
