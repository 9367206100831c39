/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libchaos asks of the hypervisor, as a struct of functions: hv_xen.c calls Xen, the unit
 * tests bring a model in memory. Functions return 0 (or a count) or a negative errno and say
 * nothing: the caller knows the object and words the error.
 */
#ifndef CHAOS_HV_H
#define CHAOS_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#define HV_PAGE_SHIFT     12
#define HV_PAGE_SIZE      (1ul << HV_PAGE_SHIFT)
#define HV_DOMID_LIMIT    0x7ff0u /* domain ids are below it */
#define HV_AFFINITY_WORDS 4

struct hv;
struct hv_events;

struct hv_create {
    uint8_t uuid[16];
    uint32_t max_vcpus;
    uint32_t max_event_channels; /* 0: 1023 */
    uint32_t max_grant_frames;   /* 0: host's default */
};

/* Values of hv_info.reason, as Xen's SHUTDOWN_*. */
enum hv_shutdown {
    HV_SHUTDOWN_POWEROFF = 0,
    HV_SHUTDOWN_REBOOT = 1,
    HV_SHUTDOWN_SUSPEND = 2,
    HV_SHUTDOWN_CRASH = 3,
    HV_SHUTDOWN_WATCHDOG = 4,
    HV_SHUTDOWN_SOFT_RESET = 5
};

struct hv_info {
    uint32_t domid;
    uint8_t uuid[16];
    bool running, blocked, paused, shutdown, dying, translated;
    uint32_t reason; /* enum hv_shutdown, when shutdown */
    uint64_t pages, max_pages;
    uint64_t shared_info_frame;
    uint64_t cpu_ns;
    uint32_t vcpus;
};

/* How vcpu 0 of a PV guest starts. */
struct hv_vcpu {
    uint64_t entry, stack, start_info; /* virtual addresses */
    uint64_t root_frame;               /* of the level-4 page table */
};

enum hv_mmu_cmd {
    HV_MMU_CLEAR,
    HV_MMU_PIN_L1, /* tables of each level, with all that hangs on them */
    HV_MMU_PIN_L2,
    HV_MMU_PIN_L3,
    HV_MMU_PIN, /* level 4 */
    HV_MMU_UNPIN
};

struct hv_mmu_op {
    enum hv_mmu_cmd cmd;
    uint64_t frame;
};

/* A frame of a domain that dom0 may map under this reference. */
struct hv_grant {
    uint32_t ref;
    uint64_t frame;
};

/* The parts of a vcpu's state that Xen gives and takes as opaque bytes. */
enum hv_vcpu_state {
    HV_VCPU_CONTEXT,  /* struct vcpu_guest_context */
    HV_VCPU_EXTENDED, /* entries of system calls */
    HV_VCPU_XSAVE,    /* a mask of features (64 bits), and their registers */
    HV_VCPU_MSRS,
    HV_VCPU_STATES
};

/* What a page is to Xen. */
enum hv_page_type {
    HV_PAGE_NORMAL,
    HV_PAGE_TABLE1, /* page tables of level 1 to 4 */
    HV_PAGE_TABLE2,
    HV_PAGE_TABLE3,
    HV_PAGE_TABLE4,
    HV_PAGE_NONE, /* not a page of the domain's memory */
    HV_PAGE_PINNED = 1u << 4
};

struct hv_host {
    uint32_t major, minor;
    char extra[16];
    char capabilities[1024];
    char changeset[64];
    char compiler[64];
    char compile_date[32];
    char command_line[1024];
    uint32_t cpus, nodes, cores_per_socket, threads_per_core;
    uint32_t cpu_khz;
    uint32_t hw_caps[8];
    uint64_t total_pages, free_pages, scrub_pages, outstanding_pages;
    uint32_t page_size;
};

struct hv_noxs {
    uint16_t abi_version, max_devs;
    uint32_t slots, generation;
    uint64_t created_ns, ready_ns, now_ns;
};

struct hv_ops {
    void (*close)(struct hv *hv);

    int (*domain_create)(struct hv *hv, const struct hv_create *how, uint32_t *domid);
    int (*set_uuid)(struct hv *hv, uint32_t domid, const uint8_t uuid[16]);
    int (*set_max_vcpus)(struct hv *hv, uint32_t domid, uint32_t vcpus);
    int (*set_max_mem)(struct hv *hv, uint32_t domid, uint64_t kib);
    /*
     * Gives the domain nr extents of 1 << order pages each, at pseudo-physical frames first_pfn
     * on; frames[i] is the first machine frame of extent i. Returns how many were given (fewer
     * than asked: there is no more memory of this order).
     */
    int (*populate)(struct hv *hv, uint32_t domid, uint64_t first_pfn, unsigned int order,
                    unsigned int nr, uint64_t *frames);
    int (*set_affinity)(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const uint64_t cpus[HV_AFFINITY_WORDS]);
    /* An event channel of the domain that waits for dom0 to bind it. */
    int (*evtchn_alloc_unbound)(struct hv *hv, uint32_t domid, uint32_t *port);
    /* Maps a domain's machine frames, in this order; unmap with the same nr. */
    int (*map)(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, bool write,
               void **address);
    void (*unmap)(struct hv *hv, void *address, size_t nr);
    /*
     * Copies a domain's pages, by their machine frames, to memory of ours or from there. Much less
     * work than to map them. What is written must be no page table.
     */
    int (*read_pages)(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, void *to);
    int (*write_pages)(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                       const void *from);
    /* The same with a part of a page. */
    int (*write_part)(struct hv *hv, uint32_t domid, uint64_t frame, size_t offset,
                      const void *from, size_t length);
    int (*mmu)(struct hv *hv, uint32_t domid, const struct hv_mmu_op *ops, size_t nr);
    int (*hypercall_page)(struct hv *hv, uint32_t domid, uint64_t frame);
    int (*set_vcpu)(struct hv *hv, uint32_t domid, const struct hv_vcpu *vcpu);
    /* Vcpu 0 lets go of its page table, and is to be set anew. */
    int (*reset_vcpu)(struct hv *hv, uint32_t domid);

    /* Grants of a domain that did not run yet; references below 8 are reserved for this. */
    int (*grant)(struct hv *hv, uint32_t domid, const struct hv_grant *grants, size_t nr);
    /* Puts at most room bytes of it there; returns how many, 0: this vcpu has none of that. */
    int (*get_vcpu_state)(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                          void *bytes, size_t room);
    int (*set_vcpu_state)(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                          const void *bytes, size_t length);
    /* Which enum hv_page_type each frame is. */
    int (*page_types)(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                      uint8_t *types);

    /*
     * Has Xen note which pages a PV guest writes to, and takes some memory for it. dirty_take: all
     * of `pages` pages that it wrote to since the call before, bit n for page n (bits behind the
     * last one mean nothing). dirty_stop: no failure if it was not started.
     */
    int (*dirty_start)(struct hv *hv, uint32_t domid, uint64_t pages);
    int (*dirty_take)(struct hv *hv, uint32_t domid, uint64_t pages, uint64_t *bitmap);
    int (*dirty_stop)(struct hv *hv, uint32_t domid);

    int (*pause)(struct hv *hv, uint32_t domid);
    int (*unpause)(struct hv *hv, uint32_t domid);
    /* Lets a domain go on that shut itself down. */
    int (*resume)(struct hv *hv, uint32_t domid);
    /* Until all of its memory is back; -ESRCH: there is none. */
    int (*destroy)(struct hv *hv, uint32_t domid);

    /* One domain; -ESRCH: there is none. */
    int (*info)(struct hv *hv, uint32_t domid, struct hv_info *out);
    /* Domains with ids >= first, ascending, at most nr; returns how many. */
    int (*list)(struct hv *hv, uint32_t first, struct hv_info *out, size_t nr);
    /*
     * The domain with this uuid; one that dies only if none lives. -ESRCH: there is none; -ENOSYS:
     * this hypervisor has no such index.
     */
    int (*find)(struct hv *hv, const uint8_t uuid[16], uint32_t *domid);
    /*
     * At most nr ids of domains that shut down, went on, died, or are gone; returns how many,
     * fewer: no more. Each is told once: to be called by who has NOXS_VIRQ only. -ENOSYS: this
     * hypervisor does not know.
     */
    int (*changed)(struct hv *hv, uint32_t *domids, size_t nr);
    int (*host)(struct hv *hv, struct hv_host *out);
    /* -ENOSYS: this hypervisor has no device pages. */
    int (*noxs)(struct hv *hv, uint32_t domid, struct hv_noxs *out);

    /* Event channels of dom0's own: hv_events.h. */
    int (*events_open)(struct hv *hv, struct hv_events **out);
};

/* An implementation starts with this. */
struct hv {
    const struct hv_ops *ops;
};

/*
 * Words a failed call: "cannot WHAT: why", with the exit class that rc stands for. Returns rc.
 */
int hv_error(struct chaos_error *err, int rc, const char *what, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* Xen, through /dev/xen. */
int hv_xen_open(struct hv **out, struct chaos_error *err);

#endif
