/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's configuration: the subset of xl.cfg(5) that chaos builds, parsed and checked.
 * Plain data; strings are owned by the struct and freed by chaos_config_free. Not thread-safe.
 */
#ifndef CHAOS_CONFIG_H
#define CHAOS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#define CHAOS_NAME_MAX                                                                             \
    63 /* bytes without NUL; [A-Za-z0-9_.+-], not starting with '-' or '.', not all digits */
#define CHAOS_VIFS_MAX        14 /* with sysctl they fit in one call of the module */
#define CHAOS_DISKS_MAX       16
#define CHAOS_CONFIG_FILE_MAX (1u << 20) /* bytes */

/* How the guest finds its devices. */
enum chaos_bus {
    CHAOS_BUS_NOXS,    /* device page: patched Xen and the noxs module */
    CHAOS_BUS_XENSTORE /* xenstored and the kernel's own back-ends: any Xen, any PV guest */
};

enum chaos_action { CHAOS_ACTION_DESTROY, CHAOS_ACTION_RESTART, CHAOS_ACTION_PRESERVE };

struct chaos_vif_config {
    uint8_t mac[6];       /* all zero: not given; create picks one in 00:16:3e */
    uint16_t mtu;         /* 0: not given */
    uint32_t ipv4;        /* network byte order, 0: none */
    uint32_t ipv4_prefix; /* 0: not given */
    char bridge[16];      /* never empty after parsing (default xenbr0) */
    char ifname[16];      /* "": vifDOMID.ID */
    uint16_t id;          /* index in the list unless devid= */
};

struct chaos_disk_config {
    char *target;    /* absolute path of a file or block device */
    char vdev[16];   /* what the guest calls it: "xvda" */
    uint32_t number; /* the same as a number: xen-vbd-interface(7) */
    bool readonly, no_discard;
};

struct chaos_config {
    char name[CHAOS_NAME_MAX + 1];
    uint8_t uuid[16]; /* all zero: not given; create picks one */
    char *kernel;     /* path */
    char *ramdisk;    /* path or NULL */
    char *cmdline;    /* never NULL */
    uint32_t memory_mib;
    uint32_t vcpus;
    enum chaos_bus bus;
    bool bus_given;           /* false: chaos_config_choose_bus has its say */
    uint64_t cpu_affinity[4]; /* bit n: pcpu n, for all vcpus; all zero: any */
    enum chaos_action on_poweroff, on_reboot, on_crash;
    struct chaos_vif_config vifs[CHAOS_VIFS_MAX];
    uint32_t nr_vifs;
    struct chaos_disk_config *disks;
    uint32_t nr_disks;           /* at most CHAOS_DISKS_MAX */
    uint32_t max_event_channels; /* 0: 1023 */
    uint32_t max_grant_frames;   /* 0: host's default */
};

/* Called once for each finding that is not an error ("memroy": did you mean "memory"?). */
typedef void chaos_config_warning(void *opaque, const char *text);

struct chaos_config_options {
    bool strict;                   /* warnings are errors */
    chaos_config_warning *warning; /* may be NULL */
    void *opaque;
};

/*
 * Parses text (length bytes, need not end in NUL; `source` names it in messages, as "file:line:
 * ..."), followed by nr_overrides further statements as given on a command line ("key=value"; they
 * win over the text). On failure *out is untouched and err->exit is CHAOS_EXIT_CONFIG; several
 * errors are joined as far as the text has room.
 */
int chaos_config_parse(const char *source, const char *text, size_t length,
                       const char *const *overrides, size_t nr_overrides,
                       const struct chaos_config_options *options, struct chaos_config *out,
                       struct chaos_error *err);

/* Reads path (regular file, at most CHAOS_CONFIG_FILE_MAX; "-" is not special) and parses it. */
int chaos_config_load(const char *path, const char *const *overrides, size_t nr_overrides,
                      const struct chaos_config_options *options, struct chaos_config *out,
                      struct chaos_error *err);

/* Reads such a file and leaves it at that: for those who send its text. free(*text). */
int chaos_config_read(const char *path, char **text, size_t *length, struct chaos_error *err);

void chaos_config_free(struct chaos_config *config);

/* Writes config as JSON ("schema": 1; members are only ever added) to sink, piece by piece. */
typedef void chaos_config_sink(void *opaque, const char *text, size_t length);
void chaos_config_json(const struct chaos_config *config, chaos_config_sink *sink, void *opaque);

/* 0 if name may be given to a domain. */
int chaos_name_check(const char *name, struct chaos_error *err);

#endif
