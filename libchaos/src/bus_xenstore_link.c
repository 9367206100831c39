// SPDX-License-Identifier: BSD-3-Clause
/* The netdev of a shell's vif, which xendevd has put on its bridge: what only the request tells. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bus_xenstore.h"
#include "cleanup.h"

static int set_up(int fd, const char *name, bool up)
{
    struct ifreq request = {0};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return -errno;
    request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int set_mtu(int fd, const char *name, unsigned int mtu)
{
    struct ifreq request = {.ifr_mtu = (int)mtu};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return ioctl(fd, SIOCSIFMTU, &request) < 0 ? -errno : 0;
}

/* The kernel renames only what is down. */
static int rename_link(int fd, const char *name, const char *wanted)
{
    struct ifreq request = {0};
    int rc = set_up(fd, name, false);

    if (rc < 0)
        return rc;
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    snprintf(request.ifr_newname, sizeof(request.ifr_newname), "%s", wanted);
    rc = ioctl(fd, SIOCSIFNAME, &request) < 0 ? -errno : 0;
    if (rc == 0)
        rc = set_up(fd, wanted, true);
    return rc;
}

int link_configure(uint32_t domid, const struct chaos_vif_config *vif, struct chaos_error *err)
{
    cleanup_close int fd = -1;
    char name[IF_NAMESIZE];
    int rc;

    if (vif->mtu == 0 && vif->ifname[0] == '\0')
        return 0;
    snprintf(name, sizeof(name), "vif%u.%u", domid, vif->id);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    rc = fd < 0 ? -errno : 0;
    if (rc == 0 && vif->mtu)
        rc = set_mtu(fd, name, vif->mtu);
    if (rc < 0)
        return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "vif %u: cannot set its MTU to %u: %s",
                               vif->id, vif->mtu, strerror(-rc));
    if (vif->ifname[0] && strcmp(vif->ifname, name) != 0)
        rc = rename_link(fd, name, vif->ifname);
    if (rc == -EEXIST)
        return chaos_error_set(err, rc, CHAOS_EXIT_EXISTS,
                               "vif %u: a network device with the name \"%s\" exists already",
                               vif->id, vif->ifname);
    if (rc < 0)
        return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "vif %u: cannot call it \"%s\": %s",
                               vif->id, vif->ifname, strerror(-rc));
    return 0;
}
