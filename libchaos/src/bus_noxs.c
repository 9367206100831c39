// SPDX-License-Identifier: BSD-3-Clause
/* Devices through the kernel module's /dev/noxs. */
#include "bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "noxs_ioctl.h"

#define HOTPLUG_TIMEOUT_MS 10000
#define DEVICES_MAX        (1 + CHAOS_VIFS_MAX)

struct bus_noxs {
    struct bus bus;
    int fd;
};

_Static_assert(DEVICES_MAX <= NOXS_OP_BATCH, "all devices of a guest fit in one call");

static int open_device(struct bus_noxs *noxs, struct chaos_error *err)
{
    if (noxs->fd >= 0)
        return 0;
    noxs->fd = open(NOXS_DEVICE_PATH, O_RDWR | O_CLOEXEC);
    if (noxs->fd >= 0)
        return 0;
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        return chaos_error_set(err, -errno, CHAOS_EXIT_PRIVILEGE,
                               "there is no %s: load the module (modprobe noxs)", NOXS_DEVICE_PATH);
    return chaos_error_set(
        err, -errno, errno == EACCES || errno == EPERM ? CHAOS_EXIT_PRIVILEGE : CHAOS_EXIT_FAILURE,
        "cannot open %s: %s", NOXS_DEVICE_PATH, strerror(errno));
}

/* Failures that are the same for every call; 0: it is none of these. */
static int common_failure(struct bus_noxs *noxs, int error, struct chaos_error *err)
{
    struct noxs_ioc_version version = {0};

    if (error == ENOSYS)
        return chaos_error_set(err, -error, CHAOS_EXIT_PRIVILEGE,
                               "this Xen has no noxs: boot the one built from xen-patches/");
    if (error != EPROTO)
        return 0;
    if (ioctl(noxs->fd, NOXS_IOC_VERSION, &version) < 0)
        version.module = 0;
    if (version.module == NOXS_ABI_VERSION && version.hypervisor == 0)
        return chaos_error_set(err, -error, CHAOS_EXIT_PRIVILEGE,
                               "this Xen has no noxs: boot the one built from xen-patches/");
    return chaos_error_set(err, -error, CHAOS_EXIT_PRIVILEGE,
                           "noxs ABI versions differ: chaos %u, module %u, Xen %u; install "
                           "parts of one version",
                           NOXS_ABI_VERSION, version.module, version.hypervisor);
}

static void noxs_close(struct bus *bus)
{
    struct bus_noxs *noxs = (struct bus_noxs *)bus;

    if (noxs->fd >= 0)
        close(noxs->fd);
    free(noxs);
}

static int check(struct bus *bus, const struct chaos_config *config, struct chaos_error *err)
{
    int rc;

    if (config->nr_disks > 0)
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_CONFIG,
                               "disk %s: the noxs bus has no disks: bus=\"xenstore\"",
                               config->disks[0].vdev);
    rc = bus_check_bridges(config, err);

    return rc < 0 ? rc : open_device((struct bus_noxs *)bus, err);
}

static void fill_vif(struct noxs_dev_config *out, const struct chaos_vif_config *vif)
{
    out->type = NOXS_DEV_VIF;
    out->id = vif->id;
    memcpy(out->vif.mac, vif->mac, sizeof(out->vif.mac));
    out->vif.mtu = vif->mtu;
    out->vif.ipv4 = vif->ipv4;
    out->vif.ipv4_prefix = vif->ipv4_prefix;
    memcpy(out->vif.bridge, vif->bridge, sizeof(out->vif.bridge));
    memcpy(out->vif.ifname, vif->ifname, sizeof(out->vif.ifname));
}

static int create_failed(struct bus_noxs *noxs, const struct noxs_ioc_create *create,
                         const struct noxs_dev_config *devices, int error, struct chaos_error *err)
{
    enum chaos_exit exit = error == ENOMEM || error == ENOSPC || error == EMFILE
                               ? CHAOS_EXIT_RESOURCE
                               : CHAOS_EXIT_FAILURE;
    const struct noxs_dev_config *device;
    int rc = common_failure(noxs, error, err);

    if (rc < 0)
        return rc;
    if (create->failed >= create->nr)
        return chaos_error_set(err, -error, exit, "cannot make its devices: %s", strerror(error));
    device = &devices[create->failed];
    if (error == EADDRINUSE && device->vif.ifname[0])
        return chaos_error_set(err, -error, CHAOS_EXIT_EXISTS,
                               "vif %u: a network device with the name \"%.16s\" exists already",
                               device->id, device->vif.ifname);
    return chaos_error_set(err, -error, exit, "cannot make its %s %u: %s",
                           device->type == NOXS_DEV_VIF ? "vif" : "sysctl device", device->id,
                           strerror(error));
}

static int destroy(struct bus *bus, enum chaos_bus which, uint32_t domid, struct chaos_error *err);

static int create(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                  struct chaos_error *err)
{
    struct bus_noxs *noxs = (struct bus_noxs *)bus;
    struct noxs_dev_config devices[DEVICES_MAX] = {{.type = NOXS_DEV_SYSCTL}};
    struct noxs_ioc_create call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = (uint16_t)domid,
        .devs = (uintptr_t)devices,
        .failed = DEVICES_MAX,
    };
    unsigned int i;
    int rc;

    for (i = 0; i < config->nr_vifs; i++)
        fill_vif(&devices[1 + i], &config->vifs[i]);
    call.nr = (uint16_t)(1 + config->nr_vifs);
    rc = open_device(noxs, err);
    if (rc < 0 || ioctl(noxs->fd, NOXS_IOC_CREATE, &call) == 0)
        return rc;
    /* The domain is new: they are of one that had its id, and that another toolstack destroyed. */
    if (errno == EEXIST) {
        rc = destroy(bus, CHAOS_BUS_NOXS, domid, err);
        if (rc < 0 || ioctl(noxs->fd, NOXS_IOC_CREATE, &call) == 0)
            return rc;
    }
    return create_failed(noxs, &call, devices, errno, err);
}

static int configure_failed(struct bus_noxs *noxs, const struct noxs_ioc_configure *call,
                            const struct chaos_config *config, int error, struct chaos_error *err)
{
    const struct chaos_vif_config *vif;
    int rc = common_failure(noxs, error, err);

    if (rc < 0)
        return rc;
    if (call->failed >= call->nr)
        return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE, "cannot set its vifs: %s",
                               strerror(error));
    vif = &config->vifs[call->failed];
    if (error == EADDRINUSE)
        return chaos_error_set(err, -error, CHAOS_EXIT_EXISTS,
                               "vif %u: a network device with the name \"%.16s\" exists already",
                               vif->id, vif->ifname);
    return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE, "cannot set its vif %u: %s", vif->id,
                           strerror(error));
}

static int configure(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     struct chaos_error *err)
{
    struct bus_noxs *noxs = (struct bus_noxs *)bus;
    struct noxs_dev_config devices[CHAOS_VIFS_MAX];
    struct noxs_ioc_configure call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = (uint16_t)domid,
        .nr = (uint16_t)config->nr_vifs,
        .devs = (uintptr_t)devices,
        .failed = CHAOS_VIFS_MAX,
    };
    unsigned int i;
    int rc = open_device(noxs, err);

    if (rc < 0 || config->nr_vifs == 0)
        return rc;
    memset(devices, 0, config->nr_vifs * sizeof(*devices));
    for (i = 0; i < config->nr_vifs; i++)
        fill_vif(&devices[i], &config->vifs[i]);
    if (ioctl(noxs->fd, NOXS_IOC_CONFIGURE, &call) < 0)
        rc = configure_failed(noxs, &call, config, errno, err);
    return rc;
}

static int wait_failed(struct bus_noxs *noxs, const struct noxs_ioc_wait *wait,
                       const struct chaos_vif_config *vif, int error, struct chaos_error *err)
{
    const struct noxs_dev_info *info = &wait->info;
    int rc = common_failure(noxs, error, err);

    if (rc < 0)
        return rc;
    if (error == EINTR)
        return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE,
                               "interrupted while waiting for vif %u", vif->id);
    if (error != ETIMEDOUT)
        return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE, "cannot wait for vif %u: %s",
                               vif->id, strerror(error));
    if (info->hotplug == NOXS_HOTPLUG_ENSLAVED)
        return chaos_error_set(err, -error, CHAOS_EXIT_TIMEOUT,
                               "vif %u is on bridge \"%s\", but was not brought up within %u s: "
                               "see the log of xendevd",
                               vif->id, vif->bridge, HOTPLUG_TIMEOUT_MS / 1000);
    return chaos_error_set(err, -error, CHAOS_EXIT_TIMEOUT,
                           "vif %u was not put on bridge \"%s\" within %u s: is xendevd running?",
                           vif->id, vif->bridge, HOTPLUG_TIMEOUT_MS / 1000);
}

/* What xendevd reported. */
static int hotplug_failed(const struct chaos_vif_config *vif, int error, struct chaos_error *err)
{
    if (error == EXFULL)
        return chaos_error_set(err, -error, CHAOS_EXIT_RESOURCE,
                               "vif %u: bridge \"%s\" has no free port (a Linux bridge has 1023): "
                               "name another one with bridge=",
                               vif->id, vif->bridge);
    if (error == ENODEV)
        return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE,
                               "vif %u: bridge \"%s\" has gone away", vif->id, vif->bridge);
    return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE,
                           "vif %u could not be put on bridge \"%s\": %s", vif->id, vif->bridge,
                           strerror(error));
}

static int wait_devices(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                        struct chaos_error *err)
{
    struct bus_noxs *noxs = (struct bus_noxs *)bus;
    unsigned int i;

    for (i = 0; i < config->nr_vifs; i++) {
        const struct chaos_vif_config *vif = &config->vifs[i];
        struct noxs_ioc_wait call = {
            .abi_version = NOXS_ABI_VERSION,
            .timeout_ms = HOTPLUG_TIMEOUT_MS,
            .key = {.domid = (uint16_t)domid, .type = NOXS_DEV_VIF, .id = vif->id},
        };

        if (ioctl(noxs->fd, NOXS_IOC_WAIT, &call) < 0)
            return wait_failed(noxs, &call, vif, errno, err);
        if (call.info.hotplug == NOXS_HOTPLUG_FAILED)
            return hotplug_failed(vif, (int)call.info.error, err);
    }
    return 0;
}

static int destroy(struct bus *bus, enum chaos_bus which, uint32_t domid, struct chaos_error *err)
{
    struct bus_noxs *noxs = (struct bus_noxs *)bus;
    struct noxs_ioc_destroy call = {
        .abi_version = NOXS_ABI_VERSION,
        .key = {.domid = (uint16_t)domid, .type = NOXS_DEV_NONE, .id = NOXS_ID_ALL},
    };
    int rc = open_device(noxs, err);

    (void)which;
    if (rc < 0)
        return rc;
    if (ioctl(noxs->fd, NOXS_IOC_DESTROY, &call) == 0 || errno == ENOENT)
        return 0;
    rc = -errno;
    if (common_failure(noxs, -rc, err) == 0)
        chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "cannot remove its devices: %s",
                        strerror(-rc));
    return rc;
}

static int request(struct bus *bus, enum chaos_bus which, uint32_t domid, enum bus_request what,
                   struct chaos_error *err)
{
    static const uint32_t requests[] = {[BUS_REQUEST_POWEROFF] = NOXS_SYSCTL_POWEROFF,
                                        [BUS_REQUEST_REBOOT] = NOXS_SYSCTL_REBOOT,
                                        [BUS_REQUEST_SUSPEND] = NOXS_SYSCTL_SUSPEND};
    struct bus_noxs *noxs = (struct bus_noxs *)bus;
    struct noxs_ioc_shutdown call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = (uint16_t)domid,
        .request = requests[what],
    };
    const char *why;
    int rc = open_device(noxs, err);

    (void)which;
    if (rc < 0)
        return rc;
    if (ioctl(noxs->fd, NOXS_IOC_SHUTDOWN, &call) == 0)
        return 0;
    rc = -errno;
    if (common_failure(noxs, -rc, err) < 0)
        return rc;
    why = rc == -ENODEV       ? "it has no sysctl device"
          : rc == -ENOTCONN   ? "its guest has not connected its sysctl device (yet)"
          : rc == -EOPNOTSUPP ? "its guest does not know this request"
                              : strerror(-rc);
    return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "%s%s", why,
                           what == BUS_REQUEST_SUSPEND ? "" : "; chaos destroy stops it at once");
}

static const struct bus_ops noxs_ops = {
    .close = noxs_close,
    .check = check,
    .create = create,
    .configure = configure,
    .wait = wait_devices,
    .destroy = destroy,
    .request = request,
};

int bus_noxs_new(struct bus **out, struct chaos_error *err)
{
    struct bus_noxs *noxs = malloc(sizeof(*noxs));

    if (!noxs)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    noxs->bus.ops = &noxs_ops;
    noxs->fd = -1;
    *out = &noxs->bus;
    return 0;
}
