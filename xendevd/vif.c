// SPDX-License-Identifier: BSD-3-Clause
#include "vif.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"
#include "noxs_ioctl.h"
#include "rtnl.h"

/* The device is opened for each report only: an open one would keep the module from unloading. */
static void report_failure(const struct vif *vif, int error)
{
    struct noxs_ioc_hotplug report = {
        .abi_version = NOXS_ABI_VERSION,
        .error = (uint32_t)error,
        .key = {.domid = vif->domid, .type = NOXS_DEV_VIF, .id = vif->id},
    };
    int fd = open(NOXS_DEVICE_PATH, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        log_error("vif%u.%u: cannot report the failure: open %s: %s", vif->domid, vif->id,
                  NOXS_DEVICE_PATH, strerror(errno));
        return;
    }
    if (ioctl(fd, NOXS_IOC_HOTPLUG, &report) && errno != ENOENT) /* ENOENT: destroyed meanwhile */
        log_error("vif%u.%u: cannot report the failure: %s", vif->domid, vif->id, strerror(errno));
    close(fd);
}

static void fail(const struct vif *vif, const struct rtnl_link *link, int error, const char *why)
{
    if (vif->bridge[0])
        log_error("%s: cannot be put on bridge '%s': %s", link->ifname, vif->bridge, why);
    else
        log_error("%s: cannot be brought up: %s", link->ifname, why);
    report_failure(vif, error);
}

void vif_handle(struct bridges *bridges, const struct rtnl_link *link)
{
    struct vif vif;
    int rc;

    if (!vif_identify(link, &vif))
        return;
    if (link->up &&
        (vif.bridge[0] ? bridges_has(bridges, vif.bridge, link->master) : !link->master))
        return;
    if (vif.bridge[0])
        rc = bridges_put(bridges, link->ifindex, vif.bridge);
    else
        rc = rtnl_enslave(bridges->fd, link->ifindex, 0);
    if (rc)
        fail(&vif, link, -rc, bridges_explain(bridges, vif.bridge, -rc));
    else if (vif.bridge[0])
        log_debug("%s: up, on bridge '%s'", link->ifname, vif.bridge);
    else
        log_debug("%s: up", link->ifname);
}
