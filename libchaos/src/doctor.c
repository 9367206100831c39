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

#define DEFAULT_BRIDGE "xenbr0"
#define MEMORY_LOW_MIB 16
#define XENDEVD        "xendevd"

struct visit {
    chaos_finding *finding;
    void *opaque;
    bool well;
};

static void __attribute__((format(printf, 4, 5)))
say(struct visit *visit, const char *subject, bool ok, const char *format, ...)
{
    char text[CHAOS_ERROR_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    visit->finding(visit->opaque, subject, ok, text);
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

static void look_at_noxs(struct visit *visit, struct hv *hv)
{
    struct hv_noxs noxs;
    int rc = hv->ops->noxs(hv, 0, &noxs);

    if (rc == -ENOSYS)
        say(visit, "noxs in xen", false,
            "this Xen has no noxs: boot the one built from xen-patches/");
    else if (rc < 0)
        say(visit, "noxs in xen", false, "it does not answer: %s", strerror(-rc));
    else if (noxs.abi_version != NOXS_ABI_VERSION)
        say(visit, "noxs in xen", false, "ABI version %u, this chaos has %u: install one version",
            noxs.abi_version, NOXS_ABI_VERSION);
    else
        say(visit, "noxs in xen", true, "ABI version %u, %u devices a domain", noxs.abi_version,
            noxs.max_devs);
}

static void look_at_module(struct visit *visit)
{
    cleanup_close int fd = open(NOXS_DEVICE_PATH, O_RDWR | O_CLOEXEC);
    struct noxs_ioc_version version;

    if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
        say(visit, "module", false, "%s is missing: modprobe noxs", NOXS_DEVICE_PATH);
    else if (fd < 0)
        say(visit, "module", false, "cannot open %s: %s", NOXS_DEVICE_PATH, strerror(errno));
    else if (ioctl(fd, NOXS_IOC_VERSION, &version) < 0)
        say(visit, "module", false, "%s does not tell its version: %s", NOXS_DEVICE_PATH,
            strerror(errno));
    else if (version.module != NOXS_ABI_VERSION)
        say(visit, "module", false, "ABI version %u, this chaos has %u: install one version",
            version.module, NOXS_ABI_VERSION);
    else
        say(visit, "module", true, "ABI version %u", version.module);
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
        look_at_noxs(&visit, hv);
        hv->ops->close(hv);
    }
    look_at_module(&visit);
    look_at_bridge(&visit);
    look_at_xendevd(&visit);
    look_at_state(&visit);
    return visit.well;
}
