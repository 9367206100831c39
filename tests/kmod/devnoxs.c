/* SPDX-License-Identifier: BSD-3-Clause */
/* Short ways to /dev/noxs, and to domains without memory to try it on. */
#include "devnoxs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <xenctrl.h>

static int fd = -1;
static xc_interface *xc;

void devnoxs_open(void)
{
    fd = open(NOXS_DEVICE_PATH, O_RDWR | O_CLOEXEC);
    xc = xc_interface_open(NULL, NULL, 0);
    if (fd >= 0 && xc)
        return;
    fprintf(stderr, "cannot open %s: %s\n", fd < 0 ? NOXS_DEVICE_PATH : "Xen", strerror(errno));
    exit(1);
}

int devnoxs_fd(void)
{
    return fd;
}

uint16_t domain_create(void)
{
    struct xen_domctl_createdomain config = {
        .max_vcpus = 1,
        .max_evtchn_port = -1,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };
    uint32_t domid = 0;

    if (xc_domain_create(xc, &domid, &config) == 0)
        return (uint16_t)domid;
    fprintf(stderr, "cannot create a domain: %s\n", strerror(errno));
    exit(1);
}

void domain_destroy(uint16_t domid)
{
    if (xc_domain_destroy(xc, domid) < 0)
        fprintf(stderr, "cannot destroy domain %u: %s\n", domid, strerror(errno));
}

struct noxs_dev_config sysctl_config(void)
{
    return (struct noxs_dev_config){.type = NOXS_DEV_SYSCTL};
}

struct noxs_dev_config vif_config(uint16_t id)
{
    return (struct noxs_dev_config){
        .type = NOXS_DEV_VIF,
        .id = id,
        .vif = {.mac = {0, 0x16, 0x3e, 0, 0, (uint8_t)id}},
    };
}

int devnoxs_ioctl(unsigned long cmd, void *arg)
{
    return ioctl(fd, cmd, arg) < 0 ? errno : 0;
}

int devnoxs_create(uint16_t domid, struct noxs_dev_config *devs, uint16_t nr, uint32_t *failed)
{
    struct noxs_ioc_create call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = domid,
        .nr = nr,
        .devs = (uintptr_t)devs,
    };
    int rc = devnoxs_ioctl(NOXS_IOC_CREATE, &call);

    if (failed)
        *failed = call.failed;
    return rc;
}

int devnoxs_destroy(uint16_t domid, uint16_t type, uint16_t id, uint32_t *removed)
{
    struct noxs_ioc_destroy call = {
        .abi_version = NOXS_ABI_VERSION,
        .key = {.domid = domid, .type = type, .id = id},
    };
    int rc = devnoxs_ioctl(NOXS_IOC_DESTROY, &call);

    if (removed)
        *removed = call.removed;
    return rc;
}

int devnoxs_list(uint16_t domid, struct noxs_dev_info *infos, uint32_t *nr)
{
    struct noxs_ioc_list call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = domid,
        .nr = *nr,
        .infos = (uintptr_t)infos,
    };
    int rc = devnoxs_ioctl(NOXS_IOC_LIST, &call);

    *nr = call.nr;
    return rc;
}

int devnoxs_wait(uint16_t domid, uint16_t id, uint32_t timeout_ms, struct noxs_dev_info *info)
{
    struct noxs_ioc_wait call = {
        .abi_version = NOXS_ABI_VERSION,
        .timeout_ms = timeout_ms,
        .key = {.domid = domid, .type = NOXS_DEV_VIF, .id = id},
    };
    int rc = devnoxs_ioctl(NOXS_IOC_WAIT, &call);

    *info = call.info;
    return rc;
}

int devnoxs_hotplug(uint16_t domid, uint16_t id, uint32_t error)
{
    struct noxs_ioc_hotplug call = {
        .abi_version = NOXS_ABI_VERSION,
        .error = error,
        .key = {.domid = domid, .type = NOXS_DEV_VIF, .id = id},
    };

    return devnoxs_ioctl(NOXS_IOC_HOTPLUG, &call);
}

int devnoxs_shutdown(uint16_t domid, uint32_t request, uint32_t *sequence)
{
    struct noxs_ioc_shutdown call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = domid,
        .request = request,
    };
    int rc = devnoxs_ioctl(NOXS_IOC_SHUTDOWN, &call);

    if (sequence)
        *sequence = call.sequence;
    return rc;
}
