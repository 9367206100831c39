// SPDX-License-Identifier: BSD-3-Clause
/* Devices through xenstored and the back-ends of dom0's stock kernel. */
#include "bus_xenstore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

#include "clock.h"

#define HOTPLUG_TIMEOUT_MS   10000
#define HOTPLUG_POLL_US      250
#define HOTPLUG_POLL_MOST_US 2000
#define REMOVE_TIMEOUT_MS    5000
#define REMOVE_POLL_US       200
#define SYSFS                "/sys/bus/xen-backend/"

static const char *const kinds[] = {"vif", "vbd"};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The back-ends that a domain has: names of their nodes, by kind. */
struct device_ids {
    char **of[KINDS];
    unsigned int nr[KINDS];
};

struct bus_xenstore {
    struct bus bus;
    struct store store;
    uint32_t left; /* a domain whose nodes are removed, and that is being destroyed; 0: none */
    struct device_ids left_ids;
};

static struct bus_xenstore *xenstore_of(struct bus *bus)
{
    return (struct bus_xenstore *)bus;
}

static struct store *store_of(struct bus *bus)
{
    return &xenstore_of(bus)->store;
}

static void free_ids(struct device_ids *ids)
{
    unsigned int i;

    for (i = 0; i < KINDS; i++)
        free(ids->of[i]);
    *ids = (struct device_ids){0};
}

static void close_bus(struct bus *bus)
{
    store_disconnect(store_of(bus));
    free_ids(&xenstore_of(bus)->left_ids);
    free(bus);
}

static int check_back_end(const char *kind, const char *module, struct chaos_error *err)
{
    char path[64];

    snprintf(path, sizeof(path), SYSFS "drivers/%s", kind);
    if (access(path, F_OK) == 0)
        return 0;
    return chaos_error_set(err, -ENODEV, CHAOS_EXIT_PRIVILEGE,
                           "the kernel has no back-end for a %s: load the module (modprobe %s)",
                           kind, module);
}

static int check(struct bus *bus, const struct chaos_config *config, struct chaos_error *err)
{
    int rc = bus_check_bridges(config, err);
    uint32_t i;

    for (i = 0; rc == 0 && i < config->nr_disks; i++)
        if (access(config->disks[i].target, F_OK) < 0)
            rc = chaos_error_set(err, -errno, CHAOS_EXIT_CONFIG, "disk %s: cannot open \"%s\": %s",
                                 config->disks[i].vdev, config->disks[i].target, strerror(errno));
    if (rc == 0)
        rc = store_connect(store_of(bus), err);
    if (rc == 0 && config->nr_vifs > 0)
        rc = check_back_end("vif", "xen-netback", err);
    if (rc == 0 && config->nr_disks > 0)
        rc = check_back_end("vbd", "xen-blkback", err);
    return rc;
}

static int run(struct bus *bus, void (*body)(struct store *store, void *opaque), uint32_t domid,
               const struct chaos_config *config, struct chaos_error *err)
{
    struct nodes nodes = {domid, config};
    int rc = store_connect(store_of(bus), err);

    return rc < 0 ? rc : store_run(store_of(bus), body, &nodes, err);
}

static int configure(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     struct chaos_error *err)
{
    int rc = run(bus, nodes_configure, domid, config, err);
    uint32_t i;

    for (i = 0; rc == 0 && i < config->nr_vifs; i++)
        rc = link_configure(domid, &config->vifs[i], err);
    return rc;
}

static int introduce(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     const struct bus_start *start, struct chaos_error *err)
{
    struct store *store = store_of(bus);
    int rc = store_connect(store, err);

    (void)config;
    if (rc == 0 &&
        !xs_introduce_domain(store->handle, domid, start->store_frame, start->store_port))
        rc = chaos_error_set(err, -errno, CHAOS_EXIT_FAILURE,
                             "XenStore: it does not take the domain: %s", strerror(errno));
    return rc;
}

/* ---------------------------------------------------------------- wait */

/* What xendevd says of a device; free() it. NULL with errno 0: nothing yet. */
static char *said(struct store *store, const char *path)
{
    char *status = store_get(store, "%s", path);

    if (status && *status)
        return status;
    errno = status ? 0 : errno;
    free(status);
    return NULL;
}

/*
 * The same, once it says something. NULL: the time is over, or another errno. The library has no
 * descriptor to wait for a watch with a limit, unless it is given a thread.
 */
static char *hotplug_status(struct store *store, const char *back, uint64_t deadline)
{
    struct timespec pause = {.tv_nsec = HOTPLUG_POLL_US * 1000};
    char path[STORE_PATH], *status;

    snprintf(path, sizeof(path), "%s/hotplug-status", back);
    while (!(status = said(store, path)) && errno == 0) {
        if (clock_ms() >= deadline) {
            errno = ETIMEDOUT;
            break;
        }
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < HOTPLUG_POLL_MOST_US * 1000)
            pause.tv_nsec += pause.tv_nsec / 4;
    }
    return status;
}

/* A device in words: "vif 0". */
struct device {
    const char *module;
    char name[24];
    char back[STORE_PATH];
};

static int not_ready(struct store *store, const struct device *device, int error,
                     struct chaos_error *err)
{
    char *state;
    bool taken;

    if (error != ETIMEDOUT)
        return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE, "cannot wait for %s: %s",
                               device->name, strerror(error));
    state = store_get(store, "%s/state", device->back);
    taken = state && atoi(state) > XenbusStateInitialising;
    free(state);
    if (taken)
        return chaos_error_set(err, -error, CHAOS_EXIT_TIMEOUT,
                               "%s was not set up within %u s: is xendevd running?", device->name,
                               HOTPLUG_TIMEOUT_MS / 1000);
    return chaos_error_set(err, -error, CHAOS_EXIT_TIMEOUT,
                           "the kernel's back-end did not take %s within %u s: see dmesg (%s)",
                           device->name, HOTPLUG_TIMEOUT_MS / 1000, device->module);
}

static int wait_device(struct store *store, const struct device *device, uint64_t deadline,
                       struct chaos_error *err)
{
    char *status = hotplug_status(store, device->back, deadline), *why;
    bool connected;

    if (!status)
        return not_ready(store, device, errno, err);
    connected = strcmp(status, "connected") == 0;
    free(status);
    if (connected)
        return 0;
    why = store_get(store, "%s/hotplug-error", device->back);
    chaos_error_set(err, -EIO, CHAOS_EXIT_FAILURE, "%s: %s", device->name,
                    why ? why : "xendevd could not set it up: see its log");
    free(why);
    return err->code;
}

static int wait_devices(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                        struct chaos_error *err)
{
    struct store *store = store_of(bus);
    const uint64_t deadline = clock_ms() + HOTPLUG_TIMEOUT_MS;
    struct device device;
    uint32_t i;
    int rc = store_connect(store, err);

    device.module = "xen-netback";
    for (i = 0; rc == 0 && i < config->nr_vifs; i++) {
        snprintf(device.name, sizeof(device.name), "vif %u", config->vifs[i].id);
        snprintf(device.back, sizeof(device.back), BACKEND_PATH "/vif/%u/%u", domid,
                 config->vifs[i].id);
        rc = wait_device(store, &device, deadline, err);
    }
    device.module = "xen-blkback";
    for (i = 0; rc == 0 && i < config->nr_disks; i++) {
        snprintf(device.name, sizeof(device.name), "disk %s", config->disks[i].vdev);
        snprintf(device.back, sizeof(device.back), BACKEND_PATH "/vbd/%u/%u", domid,
                 config->disks[i].number);
        rc = wait_device(store, &device, deadline, err);
    }
    return rc;
}

/* ---------------------------------------------------------------- destroy */

/* The kernel removes a back-end after its node: its netdev has a name that is wanted again. */
static int wait_removed(const char *kind, uint32_t domid, char **ids, unsigned int nr,
                        uint64_t deadline, struct chaos_error *err)
{
    const struct timespec pause = {.tv_nsec = REMOVE_POLL_US * 1000};
    unsigned int i;
    char path[96];

    for (i = 0; i < nr; i++) {
        snprintf(path, sizeof(path), SYSFS "devices/%s-%u-%.16s", kind, domid, ids[i]);
        while (access(path, F_OK) == 0) {
            if (clock_ms() >= deadline)
                return chaos_error_set(err, -ETIMEDOUT, CHAOS_EXIT_TIMEOUT,
                                       "the kernel's back-end keeps its %s %s: see dmesg", kind,
                                       ids[i]);
            nanosleep(&pause, NULL);
        }
    }
    return 0;
}

static struct device_ids list_ids(struct store *store, uint32_t domid)
{
    struct device_ids ids = {0};
    char path[STORE_PATH];
    unsigned int i;

    for (i = 0; i < KINDS; i++) {
        snprintf(path, sizeof(path), BACKEND_PATH "/%s/%u", kinds[i], domid);
        ids.of[i] = xs_directory(store->handle, XBT_NULL, path, &ids.nr[i]);
    }
    return ids;
}

/* Removes all nodes; *ids: which devices there were. */
static int remove_nodes(struct bus *bus, uint32_t domid, struct device_ids *ids,
                        struct chaos_error *err)
{
    int rc = store_connect(store_of(bus), err);

    if (rc < 0)
        return rc;
    *ids = list_ids(store_of(bus), domid);
    return run(bus, nodes_remove, domid, NULL, err);
}

/*
 * xenstored looks through the nodes of all domains for those that one leaves behind when it dies:
 * so they go first.
 */
static void leave(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    struct bus_xenstore *xenstore = xenstore_of(bus);
    struct chaos_error ignored;

    (void)which;
    free_ids(&xenstore->left_ids);
    xenstore->left = 0;
    if (remove_nodes(bus, domid, &xenstore->left_ids, &ignored) == 0)
        xenstore->left = domid;
}

/* Those of a domain that has left are removed already. */
static int remove_nodes_left(struct bus *bus, uint32_t domid, struct device_ids *ids,
                             struct chaos_error *err)
{
    struct bus_xenstore *xenstore = xenstore_of(bus);

    if (xenstore->left != domid)
        return remove_nodes(bus, domid, ids, err);
    *ids = xenstore->left_ids;
    xenstore->left_ids = (struct device_ids){0};
    xenstore->left = 0;
    return 0;
}

static int destroy(struct bus *bus, enum chaos_bus which, uint32_t domid, struct chaos_error *err)
{
    const uint64_t deadline = clock_ms() + REMOVE_TIMEOUT_MS;
    struct device_ids ids = {0};
    unsigned int i;
    int rc = remove_nodes_left(bus, domid, &ids, err);

    (void)which;
    for (i = 0; rc == 0 && i < KINDS; i++)
        if (ids.of[i])
            rc = wait_removed(kinds[i], domid, ids.of[i], ids.nr[i], deadline, err);
    free_ids(&ids);
    return rc;
}

/* ---------------------------------------------------------------- create */

/* Those of a domain that had its id, and that another toolstack destroyed. */
static int remove_former(struct bus *bus, uint32_t domid, struct chaos_error *err)
{
    struct device_ids ids = list_ids(store_of(bus), domid);
    int rc = 0;

    if (ids.of[0] || ids.of[1])
        rc = destroy(bus, CHAOS_BUS_XENSTORE, domid, err);
    free_ids(&ids);
    return rc;
}

static int create(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                  struct chaos_error *err)
{
    int rc = store_connect(store_of(bus), err);

    if (rc == 0)
        rc = remove_former(bus, domid, err);
    return rc < 0 ? rc : run(bus, nodes_create, domid, config, err);
}

/* ---------------------------------------------------------------- requests */

static int request(struct bus *bus, enum chaos_bus which, uint32_t domid, enum bus_request what,
                   struct chaos_error *err)
{
    static const char *const words[] = {[BUS_REQUEST_POWEROFF] = "poweroff",
                                        [BUS_REQUEST_REBOOT] = "reboot",
                                        [BUS_REQUEST_SUSPEND] = "suspend"};
    struct nodes_request request = {.domid = domid, .word = words[what]};
    int rc = store_connect(store_of(bus), err);

    (void)which;
    return rc < 0 ? rc : store_run(store_of(bus), nodes_ask, &request, err);
}

static bool withdraw(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    struct nodes_withdrawal withdrawal = {.domid = domid};
    struct chaos_error ignored;

    (void)which;
    return store_connect(store_of(bus), &ignored) == 0 &&
           store_run(store_of(bus), nodes_withdraw, &withdrawal, &ignored) == 0 && withdrawal.begun;
}

static const struct bus_ops xenstore_ops = {
    .close = close_bus,
    .check = check,
    .create = create,
    .configure = configure,
    .introduce = introduce,
    .wait = wait_devices,
    .leave = leave,
    .destroy = destroy,
    .request = request,
    .withdraw = withdraw,
};

int bus_xenstore_new(struct bus **out, struct chaos_error *err)
{
    struct bus_xenstore *xenstore = calloc(1, sizeof(*xenstore));

    if (!xenstore)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    xenstore->bus.ops = &xenstore_ops;
    *out = &xenstore->bus;
    return 0;
}
