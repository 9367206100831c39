/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * noxs: a domain finds its devices in one page that the hypervisor keeps, instead of a store.
 *
 * The contract of four parties: hypervisor patch (which carries a copy, checked by a test), Linux
 * module, guests and libchaos. Self-contained C99. All fields are little-endian; no structure
 * holds a pointer, so 32- and 64-bit callers share one layout.
 *
 * NOXS_ABI_VERSION changes whenever the meaning or the place of any field does; a party that
 * finds another version than its own refuses to go on and says both numbers.
 */
#ifndef NOXS_ABI_H
#define NOXS_ABI_H

#if defined(__XEN__) || defined(NOXS_ABI_HAVE_TYPES)
/* The includer brings uint8_t to uint64_t. */
#elif defined(__KERNEL__)
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define NOXS_STATIC_ASSERT(name, cond) typedef char noxs_assert_##name[(cond) ? 1 : -1]

#define NOXS_ABI_VERSION               1u

/* An unused hypercall number: upstream stops at 42, Nephele took 43, arch ones start at 48. */
#define NOXS_HYPERCALL                 44

/*
 * Per-vcpu VIRQ that tells vcpu 0 of a domain that its device page changed (14 is Nephele's). In
 * the control domain, too, that some domain shut down, for any reason, went on after that, died, or
 * is gone: NOXS_OP_CHANGED says which.
 */
#define NOXS_VIRQ                      15

/* XENMAPSPACE_* value with which a translated domain maps its own device page (idx 0). */
#define NOXS_MAPSPACE                  6

/* ------------------------------------------------------------------ device page */

#define NOXS_PAGE_SIZE                 4096u
#define NOXS_PAGE_MAGIC                0x53584f4eu /* "NOXS" */

enum noxs_dev_type {
    NOXS_DEV_NONE = 0, /* a hole: skip it */
    NOXS_DEV_SYSCTL = 1,
    NOXS_DEV_VIF = 2,
    NOXS_DEV_VBD = 3, /* reserved: no back-end yet */
    NOXS_DEV_TYPES    /* one past the last type that may be added */
};

/*
 * One device. The pair (type, id) is unique in a page. grant and evtchn belong to back_end, which
 * granted the control page to, and allocated the unbound port for, the page's domain.
 */
struct noxs_dev {
    uint16_t type; /* enum noxs_dev_type */
    uint16_t id;
    uint16_t back_end; /* domain id */
    uint16_t flags;    /* zero */
    uint32_t grant;
    uint32_t evtchn;
};
NOXS_STATIC_ASSERT(dev_size, sizeof(struct noxs_dev) == 16);

#define NOXS_PAGE_DEVS ((NOXS_PAGE_SIZE - 64u) / 16u)

/*
 * Written by Xen only; a PV domain maps it read-only by the frame that NOXS_OP_query gives, a
 * translated one through XENMEM_add_to_physmap (NOXS_MAPSPACE).
 *
 * Reader: read generation (again while odd), read barrier, copy what is wanted, read barrier, and
 * start over unless generation is still the same. Entries 0 .. slots-1 may hold devices; those
 * with type NOXS_DEV_NONE among them are holes.
 */
struct noxs_page {
    uint32_t magic;
    uint16_t abi_version;
    uint16_t domid;      /* of the domain that owns the devices */
    uint32_t generation; /* even: stable; odd: being changed */
    uint32_t slots;
    uint8_t reserved[48];
    struct noxs_dev dev[NOXS_PAGE_DEVS];
};
NOXS_STATIC_ASSERT(page_size, sizeof(struct noxs_page) == NOXS_PAGE_SIZE);

/* ------------------------------------------------------------------ hypercall */

/*
 * long noxs_op(unsigned int op, void *arg); 0 or a negative Xen errno. PV64 and PVH callers; others
 * get -ENOSYS. Errors common to all: -EFAULT (arg), -EINVAL (non-zero reserved field, bad
 * number), -ESRCH (no such domain), -EPERM (caller is not the control domain, where needed),
 * -EOPNOTSUPP (unknown op).
 */
enum noxs_op {
    NOXS_OP_QUERY = 0,  /* anyone for itself, control domain for others: struct noxs_op_query */
    NOXS_OP_ADD = 1,    /* control domain: struct noxs_op_devs */
    NOXS_OP_REMOVE = 2, /* control domain: struct noxs_op_devs */
    NOXS_OP_LIST = 3,   /* control domain: struct noxs_op_devs */
    NOXS_OP_READY = 4,  /* anyone, for itself, arg ignored: "my application is up" */
    NOXS_OP_FIND = 5,   /* control domain: struct noxs_op_find */
    NOXS_OP_COPY = 6,   /* control domain: struct noxs_op_copy */
    NOXS_OP_CHANGED = 7 /* control domain: struct noxs_op_changed */
};

#define NOXS_DOMID_SELF 0x7ff0u

struct noxs_op_query {
    uint16_t domid;       /* in: domain or NOXS_DOMID_SELF */
    uint16_t abi_version; /* out, like all below */
    uint16_t max_devs;    /* that one page holds */
    uint16_t max_batch;   /* entries in one struct noxs_op_devs */
    uint32_t generation;
    uint32_t slots;
    uint64_t frame;      /* machine frame of the page for a PV domain, else all ones */
    uint64_t created_ns; /* Xen system time, ns: when the domain was created, */
    uint64_t ready_ns;   /* when it first said NOXS_OP_READY (0: not yet), */
    uint64_t now_ns;     /* and now: the caller relates its own clock to it */
};
NOXS_STATIC_ASSERT(op_query_size, sizeof(struct noxs_op_query) == 48);

#define NOXS_OP_BATCH 16u

/*
 * ADD: all nr entries, or none: -EEXIST ((type, id) is there already, or twice in the call),
 * -ENOSPC (page full). back_end must exist (-ESRCH) and differ from domid.
 * REMOVE: entries are found by (type, id), the rest is ignored; all nr, or none (-ENOENT).
 * LIST: up to nr entries from slot `start` on, holes left out; out: nr = how many, start = slot to
 * go on from (>= slots at the end).
 * ADD and REMOVE raise NOXS_VIRQ in the domain once per call.
 */
struct noxs_op_devs {
    uint16_t domid;
    uint16_t nr; /* 1 .. NOXS_OP_BATCH */
    uint32_t start;
    struct noxs_dev dev[NOXS_OP_BATCH];
};
NOXS_STATIC_ASSERT(op_devs_size, sizeof(struct noxs_op_devs) == 264);

/*
 * The domain with this handle (its uuid): one that lives before one that is dying, and any of
 * several. -ESRCH: there is none. An older Xen answers -EOPNOTSUPP.
 */
struct noxs_op_find {
    uint8_t handle[16];
    uint16_t domid; /* out */
    uint16_t reserved[3];
};
NOXS_STATIC_ASSERT(op_find_size, sizeof(struct noxs_op_find) == 24);

#define NOXS_COPY_PAGES 64u
#define NOXS_COPY_WRITE (1u << 0) /* from the caller to the domain, else the other way */

/*
 * The same part of each of some pages of a PV domain, by their machine frames. -EINVAL also: a
 * frame is none of its pages; -EBUSY: one that is to be written is not ordinary memory now (a page
 * table, say); -EFAULT also: the caller's memory is not there; -EOPNOTSUPP also: the domain is
 * translated. out: nr = how many were copied before that. An older Xen answers -EOPNOTSUPP.
 */
struct noxs_op_copy {
    uint16_t domid;
    uint16_t nr;     /* of pages, 1 .. NOXS_COPY_PAGES */
    uint16_t offset; /* in each page, */
    uint16_t length; /* and so many bytes from there, at least 1 */
    uint32_t flags;
    uint32_t reserved;
    uint64_t buffer; /* virtual address of the caller: one part after the other */
    uint64_t frame[NOXS_COPY_PAGES];
};
NOXS_STATIC_ASSERT(op_copy_size, sizeof(struct noxs_op_copy) == 536);

#define NOXS_CHANGED_IDS 32u

/*
 * Domains that shut down, went on, died, or are gone since they were last told of; each is told
 * once, in ascending order, to whoever asks: to be asked by who has NOXS_VIRQ, after it was raised.
 * An id may be another domain's by now. An older Xen answers -EOPNOTSUPP.
 */
struct noxs_op_changed {
    uint16_t nr; /* in: how many at most, 1 .. NOXS_CHANGED_IDS; out: how many; fewer: no more */
    uint16_t reserved[3];
    uint16_t domid[NOXS_CHANGED_IDS]; /* out */
};
NOXS_STATIC_ASSERT(op_changed_size, sizeof(struct noxs_op_changed) == 72);

/* ------------------------------------------------------------------ control page, one per device
 */

/*
 * Owned and granted read-write by the back-end, mapped by the front-end. Each half has one writer.
 * The back-end treats its own half, too, as overwritten by an attacker: it never reads it back.
 *
 * States have XenbusState's numbers:
 *
 *   back-end   InitWait ------------> Connected --> Closing/Closed --> InitWait (may reconnect)
 *   front-end  Initialising --> Connected --> Closing --> Closed --> Initialising
 *
 * The back-end is in InitWait, its features written, before the device is in the page. The
 * front-end writes its rings and features, a write barrier, state Connected, and notifies; the
 * back-end checks, connects and answers with Connected, or with Closed and an error (positive
 * errno) when something is wrong. Either end notifies through the device's event channel after each
 * change of state, and after ring work as the ring protocol says.
 * A front-end that breaks the protocol loses this device (back-end state Closed, error EPROTO) and
 * nothing else; it gets it back only with a new domain.
 */
enum noxs_state {
    NOXS_STATE_UNKNOWN = 0,
    NOXS_STATE_INITIALISING = 1,
    NOXS_STATE_INITWAIT = 2,
    NOXS_STATE_INITIALISED = 3, /* unused */
    NOXS_STATE_CONNECTED = 4,
    NOXS_STATE_CLOSING = 5,
    NOXS_STATE_CLOSED = 6
};

#define NOXS_CTRL_MAGIC 0x4c525443u /* "CTRL" */

struct noxs_ctrl_back {
    uint32_t magic;
    uint16_t abi_version;
    uint16_t type;
    uint16_t id;
    uint16_t back_end; /* domain id */
    uint32_t state;
    uint32_t error; /* positive errno with Closed, else 0 */
    uint8_t reserved[44];
};

struct noxs_ctrl_front {
    uint32_t state;
    uint32_t error;
    uint8_t reserved[56];
};

/* sysctl: the back-end asks the domain to do something. */
enum noxs_sysctl_request {
    NOXS_SYSCTL_NONE = 0,
    NOXS_SYSCTL_POWEROFF = 1,
    NOXS_SYSCTL_REBOOT = 2,
    NOXS_SYSCTL_SUSPEND = 3
};

struct noxs_sysctl_back {
    uint32_t request;  /* enum noxs_sysctl_request */
    uint32_t sequence; /* grows by one with each request; written after it */
    uint8_t reserved[120];
};

struct noxs_sysctl_front {
    uint32_t features;     /* bit n: request n is understood */
    uint32_t acknowledged; /* sequence of the last request that was taken */
    uint8_t reserved[120];
};

/*
 * vif: rings and requests are those of Xen's public io/netif.h: shared rings of one page each,
 * netif_tx_* and netif_rx_* slots, the back-end copies (never flips). One event channel for both
 * rings and the state. Bits say what the end that writes them is able to receive.
 */
#define NOXS_VIF_F_SG        (1u << 0) /* packets in more than one slot */
#define NOXS_VIF_F_CSUM_IPV4 (1u << 1) /* checksum left blank */
#define NOXS_VIF_F_CSUM_IPV6 (1u << 2)
#define NOXS_VIF_F_GSO_TCPV4 (1u << 3) /* needs SG */
#define NOXS_VIF_F_GSO_TCPV6 (1u << 4)

struct noxs_vif_back {
    uint32_t features;
    uint8_t mac[6]; /* of the front-end */
    uint16_t mtu;
    uint32_t ipv4;        /* network byte order; 0: none given in the configuration */
    uint32_t ipv4_prefix; /* bits, 0 .. 32 */
    uint8_t reserved[108];
};

/*
 * ipv4 and arp_peers are a filter, as that of a network card. While ipv4 is not 0 the back-end keeps
 * broadcast ARP requests from the front-end: announcements (sender and target are the same) of
 * addresses that have no bit in arp_peers, or none in arp_peers_low, and other requests whose target
 * is not ipv4. What comes from ipv4 itself always passes. A front-end that changes the filter counts
 * arp_generation up after it, and then notifies: until then the old one, at first none, is in force.
 */
#define NOXS_VIF_ARP_PEERS     256u
#define NOXS_VIF_ARP_PEERS_LOW 512u
/* The bits of an address of four octets. */
#define NOXS_VIF_ARP_BIT(octet)     ((octet)[0] ^ (octet)[1] ^ (octet)[2] ^ (octet)[3])
#define NOXS_VIF_ARP_BIT_LOW(octet) (((octet)[2] & 1) << 8 | (octet)[3])

struct noxs_vif_front {
    uint32_t features;
    uint32_t tx_ring_ref; /* granted by the front-end to the back-end */
    uint32_t rx_ring_ref;
    uint32_t ipv4;             /* network byte order; 0: no filter */
    uint8_t arp_peers[32];     /* whose link addresses the front-end remembers */
    uint8_t arp_peers_low[64]; /* the same */
    uint32_t arp_generation;   /* of ipv4, arp_peers and arp_peers_low */
    uint8_t reserved[12];
};

struct noxs_ctrl {
    struct noxs_ctrl_back back;   /* 0: back-end writes */
    struct noxs_ctrl_front front; /* 64: front-end writes */
    union {                       /* 128: back-end writes */
        struct noxs_sysctl_back sysctl_back;
        struct noxs_vif_back vif_back;
        uint8_t back_bytes[128];
    };
    union { /* 256: front-end writes */
        struct noxs_sysctl_front sysctl_front;
        struct noxs_vif_front vif_front;
        uint8_t front_bytes[128];
    };
    uint8_t reserved[NOXS_PAGE_SIZE - 384];
};
NOXS_STATIC_ASSERT(ctrl_back_size, sizeof(struct noxs_ctrl_back) == 64);
NOXS_STATIC_ASSERT(ctrl_front_size, sizeof(struct noxs_ctrl_front) == 64);
NOXS_STATIC_ASSERT(sysctl_back_size, sizeof(struct noxs_sysctl_back) == 128);
NOXS_STATIC_ASSERT(sysctl_front_size, sizeof(struct noxs_sysctl_front) == 128);
NOXS_STATIC_ASSERT(vif_back_size, sizeof(struct noxs_vif_back) == 128);
NOXS_STATIC_ASSERT(vif_front_size, sizeof(struct noxs_vif_front) == 128);
NOXS_STATIC_ASSERT(ctrl_size, sizeof(struct noxs_ctrl) == NOXS_PAGE_SIZE);

#endif
