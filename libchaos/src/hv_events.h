/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Event channels of dom0, any number on one descriptor, which is readable when there is an event.
 * Opened with hv_ops.events_open; may outlive that handle.
 */
#ifndef CHAOS_HV_EVENTS_H
#define CHAOS_HV_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct hv_events;

struct hv_events_ops {
    void (*close)(struct hv_events *events);
    /* dom0's end of an unbound channel of a domain; *local names it from here on. */
    int (*bind)(struct hv_events *events, uint32_t domid, uint32_t port, uint32_t *local);
    int (*bind_virq)(struct hv_events *events, unsigned int virq, uint32_t *local);
    void (*unbind)(struct hv_events *events, uint32_t local);
    /* Channels with an event, at most nr, perhaps none; they stay silent until unmask. */
    int (*take)(struct hv_events *events, uint32_t *locals, size_t nr);
    int (*unmask)(struct hv_events *events, const uint32_t *locals, size_t nr);
    int (*notify)(struct hv_events *events, uint32_t local);
};

/* An implementation starts with this. */
struct hv_events {
    const struct hv_events_ops *ops;
    int fd;
};

#endif
