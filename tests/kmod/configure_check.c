/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0: CONFIGURE of vifs of a domain without memory, and, with an argument, of the
 * connected vif 0 of that domain. Prints TAP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "devnoxs.h"
#include "tap.h"

static int configure(uint16_t domid, struct noxs_dev_config *devs, uint16_t nr, uint32_t *failed)
{
    struct noxs_ioc_configure call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = domid,
        .nr = nr,
        .devs = (uintptr_t)devs,
    };
    int rc = devnoxs_ioctl(NOXS_IOC_CONFIGURE, &call);

    if (failed)
        *failed = call.failed;
    return rc;
}

static int run(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The configuration of a domain's vif as LIST tells it. */
static struct noxs_vif_config listed(uint16_t domid, uint16_t id)
{
    struct noxs_dev_info infos[4];
    uint32_t nr = 4;

    devnoxs_list(domid, infos, &nr);
    for (uint32_t i = 0; i < nr && i < 4; i++)
        if (infos[i].key.type == NOXS_DEV_VIF && infos[i].key.id == id)
            return infos[i].config.vif;
    return (struct noxs_vif_config){0};
}

static void check_arguments(uint16_t domid)
{
    struct noxs_ioc_configure call = {.abi_version = NOXS_ABI_VERSION, .domid = domid, .nr = 1};
    struct noxs_dev_config dev = vif_config(0);

    is("bad pointer to devices", EFAULT, devnoxs_ioctl(NOXS_IOC_CONFIGURE, &call));
    call.devs = (uintptr_t)&dev;
    call.reserved = 1;
    is("reserved field", EINVAL, devnoxs_ioctl(NOXS_IOC_CONFIGURE, &call));
    call.abi_version++;
    is("another version", EPROTO, devnoxs_ioctl(NOXS_IOC_CONFIGURE, &call));
    is("no devices", EINVAL, configure(domid, &dev, 0, NULL));
    is("too many devices", EINVAL, configure(domid, &dev, NOXS_OP_BATCH + 1, NULL));
    is("of dom0", EINVAL, configure(0, &dev, 1, NULL));
    is("of no domain", ENOENT, configure(30000, &dev, 1, NULL));
    dev.id = 9;
    is("of no device", ENOENT, configure(domid, &dev, 1, NULL));
    dev = sysctl_config();
    is("of a sysctl device", EINVAL, configure(domid, &dev, 1, NULL));
    dev.type = 60000;
    is("of no type", EINVAL, configure(domid, &dev, 1, NULL));
    dev = vif_config(0);
    dev.vif.mac[0] = 1;
    is("multicast address", EINVAL, configure(domid, &dev, 1, NULL));
    dev = vif_config(0);
    dev.vif.mtu = 65535;
    is("MTU too large", EINVAL, configure(domid, &dev, 1, NULL));
    dev = vif_config(0);
    strcpy(dev.vif.ifname, "a/b");
    is("name with a slash", EINVAL, configure(domid, &dev, 1, NULL));
    dev = vif_config(0);
    strcpy(dev.vif.bridge, "other");
    is("another bridge", EXDEV, configure(domid, &dev, 1, NULL));
}

static void check_change(uint16_t domid)
{
    struct noxs_dev_config devs[2] = {vif_config(0), vif_config(1)};
    struct noxs_vif_config now;
    char own_name[NOXS_IFNAMSIZ], command[96];
    uint32_t failed = 99;

    strcpy(own_name, listed(domid, 0).ifname);
    devs[0].vif.mac[5] = 0x77;
    devs[0].vif.ipv4 = 0x0200000a;
    devs[0].vif.ipv4_prefix = 24;
    is("two at once", 0, configure(domid, devs, 2, &failed));
    is("no device is at fault", 2, failed);
    is("the name is filled in", 0, strcmp(devs[0].vif.ifname, own_name));
    now = listed(domid, 0);
    is("its address", 0x77, now.mac[5]);
    is("its IPv4 address", 0x0200000a, now.ipv4);
    is("its prefix", 24, now.ipv4_prefix);
    is("its bridge is the one it had", 0, strcmp(now.bridge, "tbr"));

    devs[0].vif.mtu = 1400;
    strcpy(devs[0].vif.ifname, "renamed");
    strcpy(devs[1].vif.ifname, "lo");
    devs[1].vif.mtu = 1300;
    snprintf(command, sizeof(command), "ip link set %s up", own_name);
    is("one that is up", 0, run(command));
    is("the second's name is taken", EADDRINUSE, configure(domid, devs, 2, &failed));
    is("it is at fault", 1, failed);
    is("the first has its new name and MTU", 0,
       run("ip -o link show renamed | grep -q 'mtu 1400 .*master tbr'"));
    snprintf(command, sizeof(command), "ip -o link show vif%u.1 | grep -q 'mtu 1500 '", domid);
    is("the second is as it was", 0, run(command));
    is("in its configuration, too", 1500, listed(domid, 1).mtu);
    devs[0].vif.ifname[0] = '\0';
    is("no name", 0, configure(domid, devs, 1, NULL));
    is("keeps the one it has", 0, strcmp(devs[0].vif.ifname, "renamed"));
}

static void check_shell(void)
{
    struct noxs_dev_config devs[3] = {sysctl_config(), vif_config(0), vif_config(1)};
    uint16_t domid = domain_create();
    struct noxs_dev_config late = vif_config(0);
    char command[96];

    strcpy(devs[1].vif.bridge, "tbr");
    is("bridge", 0, run("ip link add tbr type bridge && ip link set tbr up"));
    is("devices", 0, devnoxs_create(domid, devs, 3, NULL));
    snprintf(command, sizeof(command), "ip link set vif%u.0 master tbr", domid);
    is("on the bridge", 0, run(command));
    check_arguments(domid);
    check_change(domid);
    domain_destroy(domid);
    is("destroy", 0, devnoxs_destroy(domid, NOXS_DEV_NONE, NOXS_ID_ALL, NULL));
    is("of one that is gone", ENOENT, configure(domid, &late, 1, NULL));
    is("bridge goes", 0, run("ip link del tbr"));
}

static void check_connected(uint16_t domid)
{
    struct noxs_dev_config dev = vif_config(0);
    struct noxs_vif_config before = listed(domid, 0), now;

    is("of one that is connected", EBUSY, configure(domid, &dev, 1, NULL));
    now = listed(domid, 0);
    is("it is as it was", 0, memcmp(&before, &now, sizeof(now)));
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    devnoxs_open();
    if (argc > 1)
        check_connected((uint16_t)atoi(argv[1]));
    else
        check_shell();
    return tap_end();
}
