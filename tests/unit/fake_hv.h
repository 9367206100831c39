/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hypervisor in memory (shared with children after fork, but for mappings): domains, their memory
 * with real contents, event channels, pins. It fails the test at once when it is misused, and fails
 * its n-th call when it is told to.
 */
#ifndef FAKE_HV_H
#define FAKE_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>

#include "bus.h"
#include "hv.h"

#define FAKE_DOMAINS     16
#define FAKE_TABLES      64
#define FAKE_EXTENTS     256
#define FAKE_MAPPINGS    64
#define FAKE_FRAMES      16384u /* 64 MiB of machine memory */
#define FAKE_FIRST_FRAME 0x1000u

struct fake_hv;

struct fake_domain {
    bool used, paused, started, shutdown, vcpu_set;
    uint32_t domid, max_vcpus, vcpus, nr_ports, bound_port, reason;
    uint8_t uuid[16];
    uint64_t max_pages, pages;
    struct {
        uint64_t pfn, frame, nr;
    } extent[FAKE_EXTENTS];
    size_t nr_extents;
    uint64_t shared_info_frame, root_frame, hypercall_frame;
    uint64_t table[FAKE_TABLES]; /* pinned, and so not to be written */
    size_t nr_tables;
    struct hv_vcpu vcpu;
    struct vcpu_guest_context context; /* of vcpu 0, when it is suspended or was restored */
    bool deaf;                         /* does not suspend itself */
    bool late;                         /* the request was withdrawn, and it does it still */
    unsigned int slow;                /* it does, if that is withdrawn, when asked about so often */
    bool logging;                     /* what it writes to is noted */
    uint64_t dirty[FAKE_FRAMES / 64]; /* by page */
    unsigned int takes;               /* of that, since it began */
    /* It works while others look at its memory, if that is logged; or NULL. */
    void (*works)(struct fake_hv *fake, struct fake_domain *domain);
    void (*mischief)(struct fake_hv *fake, struct fake_domain *domain); /* once it has, or NULL */
    unsigned int resumed;                                               /* times */
    unsigned int affinities;
    unsigned int devices;
    uint8_t mac[6];        /* of the first vif, when it was configured */
    uint64_t granted[8];   /* reserved references; 0: not */
    bool introduced, left; /* to XenStore, which is to be told before it ends */
};

struct fake_hv {
    struct hv hv;
    struct bus bus; /* shares the domains and the count of calls */
    int memfd;
    bool *frame_used;
    struct fake_domain domain[FAKE_DOMAINS];
    uint32_t last_domid;
    size_t mapped;          /* pages mapped now */
    size_t mapped_at_start; /* as the last guest started */
    struct {
        void *address; /* NULL: free */
        uint64_t *frames;
        size_t nr;
    } mapping[FAKE_MAPPINGS];
    unsigned int max_order;
    bool fast;  /* memory is neither filled with garbage nor cleared */
    bool stock; /* has no index of uuids, and does not say which domains changed */
    uint32_t host_major, host_minor, host_caps[8]; /* what host tells */

    unsigned int calls;   /* that can fail, since the last reset */
    unsigned int fail_at; /* this one does; 0: none */
    int fail_with;
    const char *failed_in;           /* the call that did */
    void (*meanwhile)(void *opaque); /* what somebody does before it fails, or NULL */
    void *meanwhile_opaque;

    bool closed_hv, closed_bus;
    unsigned int bound;                       /* dom0's event channels */
    unsigned int device_domain[FAKE_DOMAINS]; /* ids that have devices, also of dead domains */
    enum chaos_bus device_bus[FAKE_DOMAINS];  /* on which bus */
    unsigned int notified;
    struct fake_events *events;   /* those opened last */
    unsigned int no_virq;         /* bit n: VIRQ n is bound by somebody else */
    int last_request;             /* enum bus_request, -1: none */
    bool changed[HV_DOMID_LIMIT]; /* dom0 is yet to be told of this domain */
    unsigned int lists;           /* calls of list */
};

extern const struct bus_ops fake_bus_ops;

int fake_events_open(struct hv *hv, struct hv_events **out);
/* What a guest, or Xen, does to dom0's end of a channel. Lost if nobody bound it. */
void fake_event(struct fake_hv *fake, uint32_t domid, uint32_t port);
void fake_virq(struct fake_hv *fake, unsigned int virq);
/* The mappings of a child that died. */
void fake_hv_forget_mappings(struct fake_hv *fake);

struct fake_hv *fake_hv_new(void);
void fake_hv_free(struct fake_hv *fake);

/* Fails the test unless nothing is left: domains but dom0, frames, mappings, devices. */
void fake_hv_assert_empty(const struct fake_hv *fake);

struct fake_domain *fake_domain(struct fake_hv *fake, uint32_t domid); /* NULL: none */
/* Contents of a domain's machine frame. */
void *fake_frame(struct fake_hv *fake, uint64_t frame);
/* What a virtual address of a domain's vcpu 0 leads to; NULL: not mapped. */
void *fake_virtual(struct fake_hv *fake, uint32_t domid, uint64_t address, bool *writable);

/* The guest writes a word to one of its pages. */
void fake_guest_write(struct fake_hv *fake, uint32_t domid, uint64_t pfn, size_t word,
                      uint64_t value);
/* It says where its frames are, as guests do once they run. */
void fake_guest_tell(struct fake_hv *fake, uint32_t domid);
/* The guest does what ours do when they are asked to: says where its frames are, and shuts down. */
void fake_guest_suspend(struct fake_hv *fake, uint32_t domid);

/* fake_state.c */
bool fake_owns(const struct fake_domain *domain, uint64_t frame);
int fake_get_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                        void *bytes, size_t room);
int fake_set_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                        const void *bytes, size_t length);
int fake_page_types(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                    uint8_t *types);
int fake_dirty_start(struct hv *hv, uint32_t domid, uint64_t pages);
int fake_dirty_take(struct hv *hv, uint32_t domid, uint64_t pages, uint64_t *bitmap);
int fake_dirty_stop(struct hv *hv, uint32_t domid);
int fake_resume(struct hv *hv, uint32_t domid);
int fake_changed(struct hv *hv, uint32_t *domids, size_t nr);
/* Xen notes that it ended or went on; the VIRQ is another matter. */
void fake_note_change(struct fake_hv *fake, uint32_t domid);
int fake_find(struct hv *hv, const uint8_t uuid[16], uint32_t *domid);
int fake_read_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, void *to);
int fake_write_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                     const void *from);
int fake_write_part(struct hv *hv, uint32_t domid, uint64_t frame, size_t offset, const void *from,
                    size_t length);

/* Counts a call that can fail; -errno if it is this one's turn. */
int fake_turn(struct fake_hv *fake, const char *call);

#endif
