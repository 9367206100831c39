/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs in dom0, the module loaded: /dev/noxs on domains that have no memory. Prints TAP. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "devnoxs.h"
#include "tap.h"

#define CYCLES 500

static bool netdev_exists(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/class/net/%s", name);
    return access(path, F_OK) == 0;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

/* The end of a network device comes some time after its destruction. */
static bool netdev_goes(const char *name)
{
    for (int i = 0; i < 100 && netdev_exists(name); i++)
        pause_ms(10);
    return !netdev_exists(name);
}

/* ------------------------------------------------------------------ arguments */

static void check_arguments(uint16_t domid)
{
    struct noxs_ioc_create create = {.abi_version = NOXS_ABI_VERSION + 1, .domid = domid, .nr = 1};
    struct noxs_ioc_version version = {0};
    struct noxs_dev_config dev;
    uint32_t failed;

    is("version", 0, devnoxs_ioctl(NOXS_IOC_VERSION, &version));
    is("version of the module", NOXS_ABI_VERSION, version.module);
    is("version of the hypervisor", NOXS_ABI_VERSION, version.hypervisor);
    is("another version", EPROTO, devnoxs_ioctl(NOXS_IOC_CREATE, &create));
    is("unknown ioctl", ENOTTY, devnoxs_ioctl(_IO('N', 77), NULL));
    is("bad pointer", EFAULT, devnoxs_ioctl(NOXS_IOC_CREATE, (void *)8));

    create.abi_version = NOXS_ABI_VERSION;
    is("bad pointer to devices", EFAULT, devnoxs_ioctl(NOXS_IOC_CREATE, &create));
    dev = sysctl_config();
    is("no devices", EINVAL, devnoxs_create(domid, &dev, 0, NULL));
    is("too many devices", EINVAL, devnoxs_create(domid, &dev, NOXS_OP_BATCH + 1, NULL));
    is("for dom0", EINVAL, devnoxs_create(0, &dev, 1, NULL));
    is("for a reserved domain id", EINVAL, devnoxs_create(NOXS_DOMID_SELF, &dev, 1, NULL));
    is("for no domain", ESRCH, devnoxs_create(30000, &dev, 1, &failed));
    is("no device is at fault", 1, failed);
    dev.type = NOXS_DEV_VBD;
    is("a type without back-end", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    dev.type = 60000;
    is("no type at all", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    dev = sysctl_config();
    dev.bytes[119] = 1;
    is("bytes that mean nothing", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
}

static void check_vif_arguments(uint16_t domid)
{
    struct noxs_dev_config dev = vif_config(0);

    dev.vif.mac[0] = 1;
    is("multicast address", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    memset(dev.vif.mac, 0, 6);
    is("address of zeros", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    dev = vif_config(0);
    dev.vif.mtu = 67;
    is("MTU too small", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    dev.vif.mtu = 65535;
    is("MTU too large", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    dev = vif_config(0);
    dev.vif.ipv4_prefix = 33;
    is("prefix too long", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    dev = vif_config(0);
    memset(dev.vif.ifname, 'x', NOXS_IFNAMSIZ);
    is("name without end", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    strcpy(dev.vif.ifname, "a/b");
    is("name with a slash", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    strcpy(dev.vif.ifname, "vif%d");
    is("name with a format", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    dev = vif_config(0);
    memset(dev.vif.bridge, 'x', NOXS_IFNAMSIZ);
    is("bridge without end", EINVAL, devnoxs_create(domid, &dev, 1, NULL));
    strcpy(dev.vif.bridge, "");
    strcpy(dev.vif.ifname, "lo");
    is("name that is taken", EADDRINUSE, devnoxs_create(domid, &dev, 1, NULL));
}

/* ------------------------------------------------------------------ life */

static void check_all_or_nothing(uint16_t domid)
{
    struct noxs_dev_config devs[3] = {sysctl_config(), vif_config(0), vif_config(0)};
    uint32_t failed = 0, nr = 0;
    char name[NOXS_IFNAMSIZ];

    snprintf(name, sizeof(name), "vif%u.0", domid);
    is("twice in one call", EEXIST, devnoxs_create(domid, devs, 3, &failed));
    is("the second is at fault", 2, failed);
    is("nothing is left", 0, devnoxs_list(domid, NULL, &nr));
    is("no device", 0, nr);
    is("no network device", 1, netdev_goes(name));

    devs[2] = vif_config(1);
    strcpy(devs[2].vif.ifname, "lo");
    is("the last name is taken", EADDRINUSE, devnoxs_create(domid, devs, 3, &failed));
    is("the last is at fault", 2, failed);
    devs[2].vif.ifname[0] = '\0';
    is("its id is free at once, its name too", 0, devnoxs_create(domid, devs, 3, &failed));
    is("no device is at fault", 3, failed);
    is("the name is filled in", 0, strcmp(devs[1].vif.ifname, name));
    is("network device", 1, netdev_exists(name));
    is("again", EEXIST, devnoxs_create(domid, devs, 1, &failed));
}

static void check_list(uint16_t domid)
{
    struct noxs_dev_info infos[4];
    uint32_t nr = 2;
    unsigned int i;

    is("list with little room", 0, devnoxs_list(domid, infos, &nr));
    is("says how many there are", 3, nr);
    is("list", 0, devnoxs_list(NOXS_DOMID_ALL, infos, &nr));
    is("of all domains", 3, nr);
    for (i = 0; i < 3; i++) {
        is("back-end state", NOXS_STATE_INITWAIT, infos[i].back_state);
        is("front-end state", NOXS_STATE_UNKNOWN, infos[i].front_state);
        is("hot-plug state",
           infos[i].key.type == NOXS_DEV_VIF ? NOXS_HOTPLUG_WAITING : NOXS_HOTPLUG_NONE,
           infos[i].hotplug);
    }
    is("shutdown of one that is not connected", ENOTCONN,
       devnoxs_shutdown(domid, NOXS_SYSCTL_POWEROFF, NULL));
    is("unknown request", EINVAL, devnoxs_shutdown(domid, 99, NULL));
    is("shutdown of nobody", ENODEV, devnoxs_shutdown(30000, NOXS_SYSCTL_POWEROFF, NULL));
}

static int run(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_link_is_ours(const char *name)
{
    char command[128];

    snprintf(command, sizeof(command), "ip -d link show %s | grep -q '%s'", name, NOXS_VIF_KIND);
    is("kind of the link", 0, run(command));
    snprintf(command, sizeof(command), "ip link del %s 2>/dev/null", name);
    is("a user cannot delete it", 2, run(command));
    is("nor make one", 2, run("ip link add x type " NOXS_VIF_KIND " 2>/dev/null"));
    snprintf(command, sizeof(command), "ip netns add t && ip link set %s netns t 2>/dev/null",
             name);
    is("nor take it away", 2, run(command));
    run("ip netns del t 2>/dev/null");
}

static void check_hotplug(uint16_t domid)
{
    struct noxs_dev_info info;
    char command[128];

    is("nobody brings it up", ETIMEDOUT, devnoxs_wait(domid, 0, 10, &info));
    is("hot-plug waits", NOXS_HOTPLUG_WAITING, info.hotplug);
    is("wait for no vif", ENOENT, devnoxs_wait(domid, 9, 10, &info));
    is("failure without error", EINVAL, devnoxs_hotplug(domid, 0, 0));
    is("hot-plug fails", 0, devnoxs_hotplug(domid, 0, ENODEV));
    is("wait ends", 0, devnoxs_wait(domid, 0, 10000, &info));
    is("hot-plug failed", NOXS_HOTPLUG_FAILED, info.hotplug);
    is("with the error", ENODEV, info.error);
    snprintf(command, sizeof(command), "ip link set vif%u.0 up", domid);
    is("brought up", 0, run(command));
    is("wait ends", 0, devnoxs_wait(domid, 0, 10000, &info));
    is("hot-plug is done", NOXS_HOTPLUG_DONE, info.hotplug);
}

static void check_bridge(uint16_t domid)
{
    struct noxs_dev_config dev = vif_config(7);
    struct noxs_dev_info info;

    strcpy(dev.vif.bridge, "tbr");
    strcpy(dev.vif.ifname, "named");
    is("bridge", 0, run("ip link add tbr type bridge && ip link set tbr up"));
    is("vif for it", 0, devnoxs_create(domid, &dev, 1, NULL));
    is("up without bridge", 0, run("ip link set named up"));
    is("is not enough", ETIMEDOUT, devnoxs_wait(domid, 7, 10, &info));
    is("down", 0, run("ip link set named down"));
    is("on its bridge", 0, run("ip link set named master tbr"));
    devnoxs_wait(domid, 7, 1, &info);
    is("enslaved", NOXS_HOTPLUG_ENSLAVED, info.hotplug);
    is("up", 0, run("ip link set named up"));
    is("wait ends", 0, devnoxs_wait(domid, 7, 10000, &info));
    is("done", NOXS_HOTPLUG_DONE, info.hotplug);
    is("destroy one", 0, devnoxs_destroy(domid, NOXS_DEV_VIF, 7, NULL));
    is("its name can be used again at once", 0, devnoxs_create(domid, &dev, 1, NULL));
    is("destroy it", 0, devnoxs_destroy(domid, NOXS_DEV_VIF, 7, NULL));
    is("it goes", 1, netdev_goes("named"));
    is("bridge goes", 0, run("ip link del tbr"));
}

static void check_destroy(uint16_t domid)
{
    uint32_t removed = 0, nr = 0;
    char name[NOXS_IFNAMSIZ];

    snprintf(name, sizeof(name), "vif%u.0", domid);
    is("rmmod of a module in use", 1, run("rmmod noxs 2>/dev/null"));
    is("destroy one that is not", ENOENT, devnoxs_destroy(domid, NOXS_DEV_VIF, 99, NULL));
    is("destroy of dom0", EINVAL, devnoxs_destroy(0, NOXS_DEV_NONE, NOXS_ID_ALL, NULL));
    is("destroy one", 0, devnoxs_destroy(domid, NOXS_DEV_VIF, 1, &removed));
    is("one went", 1, removed);
    domain_destroy(domid);
    is("destroy the rest", 0, devnoxs_destroy(domid, NOXS_DEV_NONE, NOXS_ID_ALL, &removed));
    is("two went", 2, removed);
    is("list", 0, devnoxs_list(NOXS_DOMID_ALL, NULL, &nr));
    is("none left", 0, nr);
    is("network device goes", 1, netdev_goes(name));
}

static void check_privilege(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        /* The node may be made readable by mistake: the capability counts. */
        if (chmod(NOXS_DEVICE_PATH, 0666) < 0 || setuid(65534) < 0)
            _exit(99);
        _exit(open(NOXS_DEVICE_PATH, O_RDWR) < 0 ? errno : 0);
    }
    waitpid(pid, &status, 0);
    chmod(NOXS_DEVICE_PATH, 0600);
    is("open by nobody", EPERM, WEXITSTATUS(status));
}

/* ------------------------------------------------------------------ leaks */

static long proc_meminfo(const char *field)
{
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    long value = -1;

    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, field, strlen(field)) == 0)
            value = atol(line + strlen(field) + 1);
    if (file)
        fclose(file);
    return value;
}

static long count_lines(const char *path, const char *with)
{
    char line[512];
    FILE *file = fopen(path, "r");
    long count = 0;

    while (file && fgets(line, sizeof(line), file))
        count += strstr(line, with) != NULL;
    if (file)
        fclose(file);
    return count;
}

static bool cycle(void)
{
    struct noxs_dev_config devs[2] = {sysctl_config(), vif_config(0)};
    uint16_t domid = domain_create();
    bool ok = devnoxs_create(domid, devs, 2, NULL) == 0;

    domain_destroy(domid);
    return devnoxs_destroy(domid, NOXS_DEV_NONE, NOXS_ID_ALL, NULL) == 0 && ok;
}

static long used_memory(void)
{
    pause_ms(2000);
    return proc_meminfo("MemTotal") - proc_meminfo("MemFree") - proc_meminfo("Cached") -
           proc_meminfo("Buffers");
}

static void check_leaks(void)
{
    long before, grown, interrupts = count_lines("/proc/interrupts", "xen-dyn");
    long netdevs = count_lines("/proc/net/dev", ":");
    bool ok = true;
    int i;

    for (i = 0; i < CYCLES; i++) /* until the allocators have settled */
        ok = cycle() && ok;
    before = used_memory();
    for (i = 0; i < CYCLES; i++)
        ok = cycle() && ok;
    grown = used_memory() - before;
    is("cycles", 1, ok);
    is("interrupts back", interrupts, count_lines("/proc/interrupts", "xen-dyn"));
    is("network devices back", netdevs, count_lines("/proc/net/dev", ":"));
    printf("# memory grew by %ld kB in %d cycles\n", grown, CYCLES);
    /* One page a cycle would be 2000 kB. */
    is("memory back", 1, grown < 4 * CYCLES / 2);
}

int main(void)
{
    uint16_t domid;
    char name[NOXS_IFNAMSIZ];

    setvbuf(stdout, NULL, _IOLBF, 0);
    devnoxs_open();
    domid = domain_create();
    snprintf(name, sizeof(name), "vif%u.0", domid);
    check_privilege();
    check_arguments(domid);
    check_vif_arguments(domid);
    check_all_or_nothing(domid);
    check_list(domid);
    check_link_is_ours(name);
    check_hotplug(domid);
    check_bridge(domid);
    check_destroy(domid);
    check_leaks();
    return tap_end();
}
