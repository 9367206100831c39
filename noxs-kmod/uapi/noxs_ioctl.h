/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * /dev/noxs: what a toolstack in dom0 asks of the back-ends. CAP_SYS_ADMIN for open; every ioctl
 * starts with abi_version (-EPROTO if it is not the module's). Fixed layouts, no compat needed.
 */
#ifndef NOXS_IOCTL_H
#define NOXS_IOCTL_H

#include "noxs_abi.h"
#ifdef __KERNEL__
#include <linux/ioctl.h>
#else
#include <sys/ioctl.h>
#endif

#define NOXS_DEVICE_PATH "/dev/noxs"
#define NOXS_IFNAMSIZ    16
#define NOXS_ID_ALL      0xffffu
#define NOXS_DOMID_ALL   0xffffu

struct noxs_key {
    uint16_t domid;
    uint16_t type; /* enum noxs_dev_type; NONE where "all types" is allowed */
    uint16_t id;   /* NOXS_ID_ALL where "all" is allowed */
    uint16_t reserved;
};

struct noxs_vif_config {
    uint8_t mac[6];
    uint16_t mtu;  /* 0: 1500 */
    uint32_t ipv4; /* network byte order; 0: none */
    uint32_t ipv4_prefix;
    char bridge[NOXS_IFNAMSIZ]; /* "": on no bridge; only brought up */
    char ifname[NOXS_IFNAMSIZ]; /* "": vifDOMID.ID */
};

struct noxs_dev_config {
    uint16_t type;
    uint16_t id;
    uint32_t reserved;
    union {
        struct noxs_vif_config vif;
        uint8_t bytes[120];
    };
};
NOXS_STATIC_ASSERT(dev_config_size, sizeof(struct noxs_dev_config) == 128);

/*
 * CREATE: makes the back-ends of nr devices of one domain and adds them to its device page (one
 * hypercall); all or nothing. -EEXIST: the domain has such a device already; -EADDRINUSE: there is
 * a network device of that name; `failed` is the index of the device at fault (or nr). The domain
 * must exist and should not have run yet.
 */
struct noxs_ioc_create {
    uint32_t abi_version;
    uint16_t domid;
    uint16_t nr;     /* 1 .. NOXS_OP_BATCH */
    uint64_t devs;   /* user pointer to struct noxs_dev_config[nr]; ifname is filled in */
    uint32_t failed; /* out */
    uint32_t reserved;
};

/*
 * DESTROY: removes back-ends (key.type NONE: all of the domain; key.id NOXS_ID_ALL: all of the
 * type) and, while the domain is still there, their page entries. Meant to be called after the
 * domain was destroyed: then its mappings of our pages are gone. -ENOENT: nothing matched. The
 * network device of a vif may be seen for some milliseconds more; its name can be used again at
 * once.
 */
struct noxs_ioc_destroy {
    uint32_t abi_version;
    uint32_t removed; /* out: how many */
    struct noxs_key key;
};

/* How far a vif's netdev got: xendevd puts it on its bridge and brings it up. */
enum noxs_hotplug {
    NOXS_HOTPLUG_NONE = 0,     /* this type needs nothing */
    NOXS_HOTPLUG_WAITING = 1,  /* registered; not yet on its bridge */
    NOXS_HOTPLUG_ENSLAVED = 2, /* on its bridge; not yet up */
    NOXS_HOTPLUG_DONE = 3,
    NOXS_HOTPLUG_FAILED = 4 /* see error */
};

struct noxs_dev_info {
    struct noxs_key key;
    uint32_t back_state;  /* enum noxs_state */
    uint32_t front_state; /* as last read by the back-end; checked to be a known state */
    uint32_t error;       /* positive errno: why the back-end closed, or why hot-plug failed */
    uint32_t hotplug;     /* enum noxs_hotplug */
    uint32_t grant;
    uint32_t evtchn;
    uint32_t ifindex;      /* vif: of the netdev */
    uint32_t acknowledged; /* sysctl: sequence of the last request that the front-end took */
    struct noxs_dev_config config;
};
NOXS_STATIC_ASSERT(dev_info_size, sizeof(struct noxs_dev_info) == 168);

/*
 * LIST: devices of domid (NOXS_DOMID_ALL: of every domain) into infos[], at most nr; out: nr = how
 * many there are (may be more than fit).
 */
struct noxs_ioc_list {
    uint32_t abi_version;
    uint16_t domid;
    uint16_t reserved;
    uint32_t nr; /* in: room; out: how many exist */
    uint32_t reserved2;
    uint64_t infos; /* user pointer to struct noxs_dev_info[nr] */
};

/*
 * WAIT: until the vif's hot-plug is DONE or FAILED, or the sysctl device's front-end took the last
 * request (-ENOTCONN: it is not connected), or the time is over (-ETIMEDOUT); info is filled either
 * way. A front-end may say what it likes: that it took a request does not tell that it obeys.
 */
struct noxs_ioc_wait {
    uint32_t abi_version;
    uint32_t timeout_ms;
    struct noxs_key key;
    struct noxs_dev_info info; /* out */
};

/* HOTPLUG: xendevd tells that it cannot do its part (error: positive errno); wakes WAIT. */
struct noxs_ioc_hotplug {
    uint32_t abi_version;
    uint32_t error;
    struct noxs_key key;
};

/*
 * SHUTDOWN: asks the domain through its sysctl device; returns at once. -ENODEV: it has none;
 * -ENOTCONN: its front-end is not connected (yet); -EOPNOTSUPP: it does not know this request.
 */
struct noxs_ioc_shutdown {
    uint32_t abi_version;
    uint16_t domid;
    uint16_t reserved;
    uint32_t request;  /* enum noxs_sysctl_request */
    uint32_t sequence; /* out */
};

/*
 * CONFIGURE: gives vifs that exist, and whose front-ends did not connect yet, the MAC, MTU and IPv4
 * address of a guest (all of devs[], in order; the fields are those of CREATE). bridge: "" or the
 * one it has (-EXDEV otherwise); ifname: "" keeps the name, and the name is filled in. -ENOENT: no
 * such device; -EBUSY: its front-end is past Initialising; -EADDRINUSE: there is a network device
 * of that name. On failure devices before `failed` are changed, the one at fault is not: the caller
 * destroys the domain. Takes no lock of the host's network unless MTU or name change.
 */
struct noxs_ioc_configure {
    uint32_t abi_version;
    uint16_t domid;
    uint16_t nr;     /* 1 .. NOXS_OP_BATCH */
    uint64_t devs;   /* user pointer to struct noxs_dev_config[nr] */
    uint32_t failed; /* out */
    uint32_t reserved;
};

/* VERSION: what the module and the hypervisor speak; hypervisor 0: it has no noxs. Needs no
 * matching abi_version. */
struct noxs_ioc_version {
    uint32_t module;
    uint32_t hypervisor;
};

#define NOXS_IOC_VERSION   _IOR('N', 0, struct noxs_ioc_version)
#define NOXS_IOC_CREATE    _IOWR('N', 1, struct noxs_ioc_create)
#define NOXS_IOC_DESTROY   _IOWR('N', 2, struct noxs_ioc_destroy)
#define NOXS_IOC_LIST      _IOWR('N', 3, struct noxs_ioc_list)
#define NOXS_IOC_WAIT      _IOWR('N', 4, struct noxs_ioc_wait)
#define NOXS_IOC_HOTPLUG   _IOW('N', 5, struct noxs_ioc_hotplug)
#define NOXS_IOC_SHUTDOWN  _IOWR('N', 6, struct noxs_ioc_shutdown)
#define NOXS_IOC_CONFIGURE _IOWR('N', 7, struct noxs_ioc_configure)

/*
 * How xendevd learns of vifs: their netdevs have rtnl link kind NOXS_VIF_KIND and carry these
 * attributes in IFLA_INFO_DATA, so one RTM_NEWLINK says all. Uevents of these netdevs are
 * suppressed: nothing but xendevd is to act on them.
 */
#define NOXS_VIF_KIND      "noxsvif"

/*
 * Link kind of hubs, which anybody who may make links can make. A hub on a bridge takes what the
 * bridge would flood to each of its vifs, and passes it on to those that want it. One a bridge. One
 * with a link (IFLA_LINK, a port of another bridge) is a branch of the hub of that bridge, which serves
 * the vifs here, too, while the link is flooded nothing.
 */
#define NOXS_HUB_KIND      "noxshub"

enum noxs_vif_attr {
    NOXS_VIF_ATTR_UNSPEC,
    NOXS_VIF_ATTR_DOMID,  /* u16 */
    NOXS_VIF_ATTR_ID,     /* u16 */
    NOXS_VIF_ATTR_BRIDGE, /* NUL-terminated string, absent when there is none */
    NOXS_VIF_ATTR_MAX = NOXS_VIF_ATTR_BRIDGE
};

#endif
