// SPDX-License-Identifier: BSD-3-Clause
/* A vif of xen-netback: its name, its MTU, its bridge. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "rtnl.h"
#include "xs_dev.h"

static bool set_mtu(int fd, const char *name, const char *mtu)
{
    struct ifreq request = {.ifr_mtu = atoi(mtu)};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return ioctl(fd, SIOCSIFMTU, &request) == 0;
}

static bool set_name(int fd, const char *name, const char *wanted)
{
    struct ifreq request = {0};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    snprintf(request.ifr_newname, sizeof(request.ifr_newname), "%s", wanted);
    return ioctl(fd, SIOCSIFNAME, &request) == 0;
}

/* The netdev, under the name that it is to have. Negative errno: there is none (yet). */
static int find_netdev(int fd, const struct xs_device *device)
{
    char name[IF_NAMESIZE], *mtu, *wanted;
    int index;

    snprintf(name, sizeof(name), "vif%u.%u", device->domid, device->id);
    wanted = xs_dev_read(device, "vifname");
    index = rtnl_ifindex(fd, name);
    if (index < 0 && wanted)
        index = rtnl_ifindex(fd, wanted); /* it has been given before */
    mtu = index < 0 ? NULL : xs_dev_read(device, "mtu");
    if (mtu && !set_mtu(fd, name, mtu)) {
        xs_dev_fail(device, "cannot set its MTU to %s: %s", mtu, strerror(errno));
        index = -ECANCELED;
    } else if (index >= 0 && wanted && strcmp(wanted, name) != 0 && !set_name(fd, name, wanted) &&
               errno != ENODEV) {
        xs_dev_fail(device,
                    errno == EEXIST ? "a network device with the name \"%s\" exists already"
                                    : "its network device cannot be called \"%s\"",
                    wanted);
        index = -ECANCELED;
    }
    free(mtu);
    free(wanted);
    return index;
}

bool xs_vif_set_up(struct bridges *bridges, const struct xs_device *device)
{
    int index = find_netdev(bridges->fd, device), rc;
    char *bridge;

    if (index < 0)
        return false; /* it has been said, or its event is still to come */
    bridge = xs_dev_read(device, "bridge");
    if (!bridge)
        return false;
    rc = bridges_put(bridges, index, bridge);
    if (rc < 0)
        xs_dev_fail(device, "cannot be put on bridge \"%s\": %s", bridge,
                    bridges_explain(bridges, bridge, -rc));
    free(bridge);
    return rc == 0;
}
