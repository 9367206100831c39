// SPDX-License-Identifier: BSD-3-Clause
/* chaos doctor: everything that a create needs, looked at one by one. */
#include "chaos.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chaos/host.h>

#include "cleanup.h"
#include "noxs_ioctl.h"
#include "store.h"

#define DEFAULT_BRIDGE "xenbr0"
#define MEMORY_LOW_MIB 16
#define XENDEVD        "xendevd"

/* How a bus is: what there is of it may be broken, or it may not be there at all. */
enum bus_state { BUS_GOOD, BUS_ABSENT, BUS_BAD };

struct visit {
    chaos_finding *finding;
    void *opaque;
    bool well;
};

/* One line on a bus, said when it is known whether there is another. */
struct bus_line {
    const char *subject;
    enum bus_state state;
    char text[CHAOS_ERROR_TEXT];
};

static void __attribute__((format(printf, 4, 5)))
say(struct visit *visit, const char *subject, bool ok, const char *format, ...)
{
    char text[CHAOS_ERROR_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    visit->finding(visit->opaque, subject, ok ? CHAOS_FINDING_GOOD : CHAOS_FINDING_BAD, text);
    visit->well &= ok;
}

static void look_at_xen(struct visit *visit, struct hv *hv)
{
    struct hv_host host;
    struct hv_info info;
    int rc = hv->ops->host(hv, &host);

    if (rc == 0)
        rc = hv->ops->info(hv, 0, &info);
    if (rc == -EACCES)
        say(visit, "xen", false,
            "it speaks another version of the control interface than 4.17: install chaos for it");
    else if (rc < 0)
        say(visit, "xen", false, "it does not answer: %s; run this in the control domain as root",
            strerror(-rc));
    else
        say(visit, "xen", true, "%u.%u%s", host.major, host.minor, host.extra);
    if (rc < 0)
        return;
    say(visit, "memory", host.free_pages >> 8 >= MEMORY_LOW_MIB,
        "%llu MiB free for guests, of %llu%s", (unsigned long long)host.free_pages >> 8,
        (unsigned long long)host.total_pages >> 8,
        host.free_pages >> 8 >= MEMORY_LOW_MIB
            ? ""
            : "; give the control domain less (dom0_mem=), or destroy guests");
}

static void __attribute__((format(printf, 3, 4)))
put(struct bus_line *line, enum bus_state state, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(line->text, sizeof(line->text), format, args);
    va_end(args);
    line->state = state;
}

static void look_at_noxs(struct hv *hv, struct bus_line *line)
{
    struct hv_noxs noxs;
    int rc = hv->ops->noxs(hv, 0, &noxs);

    if (rc == -ENOSYS)
        put(line, BUS_ABSENT, "this Xen has no noxs: boot the one built from xen-patches/");
    else if (rc < 0)
        put(line, BUS_BAD, "it does not answer: %s", strerror(-rc));
    else if (noxs.abi_version != NOXS_ABI_VERSION)
        put(line, BUS_BAD, "ABI version %u, this chaos has %u: install one version",
            noxs.abi_version, NOXS_ABI_VERSION);
    else
        put(line, BUS_GOOD, "ABI version %u, %u devices a domain", noxs.abi_version, noxs.max_devs);
}

static void look_at_module(struct bus_line *line)
{
    cleanup_close int fd = open(NOXS_DEVICE_PATH, O_RDWR | O_CLOEXEC);
    struct noxs_ioc_version version;

    if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
        put(line, BUS_ABSENT, "%s is missing: modprobe noxs", NOXS_DEVICE_PATH);
    else if (fd < 0)
        put(line, BUS_BAD, "cannot open %s: %s", NOXS_DEVICE_PATH, strerror(errno));
    else if (ioctl(fd, NOXS_IOC_VERSION, &version) < 0)
        put(line, BUS_BAD, "%s does not tell its version: %s", NOXS_DEVICE_PATH, strerror(errno));
    else if (version.module != NOXS_ABI_VERSION)
        put(line, BUS_BAD, "ABI version %u, this chaos has %u: install one version", version.module,
            NOXS_ABI_VERSION);
    else
        put(line, BUS_GOOD, "ABI version %u", version.module);
}

static void look_at_xenstore(struct bus_line *line)
{
    const bool vif = access("/sys/bus/xen-backend/drivers/vif", F_OK) == 0;
    const bool vbd = access("/sys/bus/xen-backend/drivers/vbd", F_OK) == 0;
    struct store store = {0};
    struct chaos_error err;

    if (store_connect(&store, &err) < 0)
        put(line, BUS_ABSENT, "%s", err.text);
    else if (!vif || !vbd) /* as on any Debian with Xen's tools where nobody needed them yet */
        put(line, BUS_ABSENT,
            "xenstored runs, but the kernel has no back-end for a %s: modprobe %s",
            vif ? "vbd" : "vif", vif ? "xen-blkback" : "xen-netback");
    else
        put(line, BUS_GOOD, "xenstored runs; back-ends for vif and vbd");
    store_disconnect(&store);
}

/* A bus that is absent is no failure where the other one is good. */
static void say_bus(struct visit *visit, const struct bus_line *line, bool other)
{
    enum chaos_finding_state state = line->state == BUS_GOOD              ? CHAOS_FINDING_GOOD
                                     : other && line->state == BUS_ABSENT ? CHAOS_FINDING_ABSENT
                                                                          : CHAOS_FINDING_BAD;

    visit->finding(visit->opaque, line->subject, state, line->text);
    visit->well &= state != CHAOS_FINDING_BAD;
}

static void look_at_buses(struct visit *visit, struct hv *hv)
{
    struct bus_line xen = {.subject = "noxs in xen"}, module = {.subject = "module"};
    struct bus_line xenstore = {.subject = "xenstore"};
    bool noxs;

    look_at_noxs(hv, &xen);
    look_at_module(&module);
    look_at_xenstore(&xenstore);
    if (xen.state == BUS_GOOD && module.state == BUS_ABSENT)
        module.state = BUS_BAD; /* who boots the patched Xen wants it */
    noxs = xen.state == BUS_GOOD && module.state == BUS_GOOD;
    say_bus(visit, &xen, xenstore.state == BUS_GOOD);
    say_bus(visit, &module, xenstore.state == BUS_GOOD);
    say_bus(visit, &xenstore, noxs);
    if (noxs || xenstore.state == BUS_GOOD)
        say(visit, "buses", true, "%s",
            !noxs                        ? "xenstore"
            : xenstore.state == BUS_GOOD ? "noxs, xenstore"
                                         : "noxs");
    else
        say(visit, "buses", false, "none: there is no way to give a guest devices");
}

static void look_at_bridge(struct visit *visit)
{
    if (access("/sys/class/net/" DEFAULT_BRIDGE "/bridge", F_OK) == 0)
        say(visit, "bridge", true, "%s", DEFAULT_BRIDGE);
    else
        say(visit, "bridge", false,
            "there is no %s, which vifs without bridge= are put on: ip link add %s type bridge; "
            "ip link set %s up",
            DEFAULT_BRIDGE, DEFAULT_BRIDGE, DEFAULT_BRIDGE);
}

/* A process by its name; 0: there is none. */
static long find_process(const char *name)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    long found = 0;

    while (proc && !found && (entry = readdir(proc))) {
        char path[32 + sizeof(entry->d_name)], comm[32];
        cleanup_close int fd = -1;
        ssize_t length;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        length = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);
        if (length <= 0)
            continue;
        comm[length] = '\0';
        comm[strcspn(comm, "\n")] = '\0';
        if (strcmp(comm, name) == 0)
            found = strtol(entry->d_name, NULL, 10);
    }
    if (proc)
        closedir(proc);
    return found;
}

static void look_at_xendevd(struct visit *visit)
{
    long process = find_process(XENDEVD);

    if (process)
        say(visit, XENDEVD, true, "process %ld", process);
    else
        say(visit, XENDEVD, false,
            "it does not run, so that nobody puts vifs on bridges: start it");
}

static int count_one(void *opaque, const char *name, struct chaos_error *err)
{
    (void)name;
    (void)err;
    ++*(unsigned int *)opaque;
    return 0;
}

static int count_abandoned(void *opaque, struct registry_claim *claim, struct chaos_error *err)
{
    (void)err;
    registry_release(claim); /* only looking */
    ++*(unsigned int *)opaque;
    return 0;
}

static void look_at_state(struct visit *visit)
{
    struct registry registry = {.dir = -1};
    unsigned int domains = 0, abandoned = 0;
    struct chaos_error err;

    if (registry_open(&registry, secure_getenv("CHAOS_RUN_DIR"), &err) < 0) {
        say(visit, "state", false, "%s", err.text);
        return;
    }
    registry_visit_names(&registry, count_one, &domains, &err);
    registry_visit_abandoned(&registry, REGISTRY_PENDING, count_abandoned, &abandoned, &err);
    registry_close(&registry);
    if (abandoned)
        say(visit, "state", false,
            "%u domains are half made or half gone: the next create or destroy clears them away",
            abandoned);
    else
        say(visit, "state", true, "%u domains", domains);
}

bool chaos_doctor(chaos_finding *finding, void *opaque)
{
    struct visit visit = {.finding = finding, .opaque = opaque, .well = true};
    struct chaos_error err;
    struct hv *hv;

    if (hv_xen_open(&hv, &err) < 0) {
        say(&visit, "xen", false, "%s", err.text);
    } else {
        look_at_xen(&visit, hv);
        look_at_buses(&visit, hv);
        hv->ops->close(hv);
    }
    look_at_bridge(&visit);
    look_at_xendevd(&visit);
    look_at_state(&visit);
    return visit.well;
}
