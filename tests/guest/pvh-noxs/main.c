// SPDX-License-Identifier: BSD-3-Clause
/* A PVH guest that tries what a translated domain can do with noxs, and what it must not. What it
 * finds goes to the console ring; the last line is SUCCESS or FAILURE. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "noxs_abi.h"

/* Holes in our physical memory, inside of what start.S maps. */
#define DEVICE_PAGE  0x20000000ul
#define MOVED_PAGE   0x20400000ul
#define SHARED_INFO  0x20800000ul
#define NOT_MAPPED   0x500000000ul
#define STUB         32
#define HOTPLUG_TYPE NOXS_DEV_VIF

extern char hypercall_page[];
extern int32_t answer_to_32_bits;

int main(void);

static struct xencons_interface *console;
static unsigned int failures;

static long hypercall3(unsigned int number, unsigned long a, unsigned long b, unsigned long c)
{
    char *entry = hypercall_page + (size_t)number * STUB;
    long ret;

    __asm__ volatile("call *%[entry]"
                     : "=a"(ret), "+D"(a), "+S"(b), "+d"(c)
                     : [entry] "r"(entry)
                     : "memory", "rcx", "r8", "r9", "r10", "r11");
    return ret;
}

static long hypercall(unsigned int number, unsigned long a, unsigned long b)
{
    return hypercall3(number, a, b, 0);
}

static long noxs_op(unsigned int op, void *arg)
{
    return hypercall(NOXS_HYPERCALL, op, (unsigned long)arg);
}

static void print(const char *text)
{
    for (; *text; text++) {
        console->out[MASK_XENCONS_IDX(console->out_prod, console->out)] = *text;
        __atomic_store_n(&console->out_prod, console->out_prod + 1, __ATOMIC_RELEASE);
    }
}

static void print_number(long number)
{
    char text[24], *at = text + sizeof(text) - 1;
    unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;

    *at = 0;
    do {
        *--at = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (number < 0)
        *--at = '-';
    print(at);
}

static void expect(const char *what, long got, long wanted)
{
    if (got == wanted)
        return;
    failures++;
    print(what);
    print(": ");
    print_number(got);
    print(", not ");
    print_number(wanted);
    print("\r\n");
}

static long map_space(unsigned int space, unsigned long index, unsigned long address)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF, .space = space, .idx = index, .gpfn = address >> 12};

    return hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (unsigned long)&map);
}

static void find_console(void)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = HVM_PARAM_CONSOLE_PFN};

    hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, (unsigned long)&param);
    console = (struct xencons_interface *)(param.value << 12);
}

static struct noxs_page *map_page(void)
{
    volatile struct noxs_page *page = (struct noxs_page *)DEVICE_PAGE;
    struct vcpu_register_vcpu_info info = {.mfn = DEVICE_PAGE >> 12};

    expect("index 1", map_space(NOXS_MAPSPACE, 1, DEVICE_PAGE), -XEN_EINVAL);
    expect("map", map_space(NOXS_MAPSPACE, 0, DEVICE_PAGE), 0);
    expect("magic", page->magic, NOXS_PAGE_MAGIC);
    expect("version", page->abi_version, NOXS_ABI_VERSION);
    expect("slots", page->slots, 0);

    /* A write is dropped, however it is made. */
    page->magic = 1;
    page->slots = 7;
    expect("magic after a write", page->magic, NOXS_PAGE_MAGIC);
    expect("slots after a write", page->slots, 0);
    hypercall(__HYPERVISOR_xen_version, XENVER_capabilities, DEVICE_PAGE);
    expect("magic after Xen's write", page->magic, NOXS_PAGE_MAGIC);
    expect("vcpu info there",
           hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (unsigned long)&info),
           -XEN_EINVAL);

    expect("map elsewhere", map_space(NOXS_MAPSPACE, 0, MOVED_PAGE), 0);
    page = (struct noxs_page *)MOVED_PAGE;
    expect("moved magic", page->magic, NOXS_PAGE_MAGIC);
    return (struct noxs_page *)page;
}

static void try_query(const struct noxs_page *page)
{
    struct noxs_op_query query = {.domid = NOXS_DOMID_SELF}, own = {.domid = page->domid};

    expect("query", noxs_op(NOXS_OP_QUERY, &query), 0);
    expect("query version", query.abi_version, NOXS_ABI_VERSION);
    expect("query slots", query.slots, page->slots);
    expect("query generation", query.generation, page->generation);
    expect("frame", (long)query.frame, -1);
    expect("not ready", (long)query.ready_ns, 0);
    expect("created in the past", query.created_ns != 0 && query.created_ns < query.now_ns, 1);
    expect("query by own number", noxs_op(NOXS_OP_QUERY, &own), 0);

    expect("ready", noxs_op(NOXS_OP_READY, (void *)NOT_MAPPED), 0);
    expect("query again", noxs_op(NOXS_OP_QUERY, &query), 0);
    expect("ready in the past", query.ready_ns > query.created_ns && query.ready_ns < query.now_ns,
           1);
}

static void try_forbidden(const struct noxs_page *page)
{
    struct noxs_op_query query = {.domid = 0};
    struct noxs_op_devs devs = {.nr = 1};

    expect("query of dom0", noxs_op(NOXS_OP_QUERY, &query), -XEN_EPERM);
    devs.dev[0].type = NOXS_DEV_VIF;
    for (unsigned int op = NOXS_OP_ADD; op <= NOXS_OP_LIST; op++) {
        devs.domid = page->domid;
        devs.dev[0].back_end = 0;
        expect("change of the own page", noxs_op(op, &devs), -XEN_EPERM);
        devs.domid = 0;
        devs.dev[0].back_end = page->domid;
        expect("change of dom0's page", noxs_op(op, &devs), -XEN_EPERM);
        devs.domid = DOMID_SELF;
        expect("change of self", noxs_op(op, &devs), -XEN_ESRCH);
        expect("bad address", noxs_op(op, (void *)NOT_MAPPED), -XEN_EFAULT);
    }
    expect("bad address to query", noxs_op(NOXS_OP_QUERY, (void *)NOT_MAPPED), -XEN_EFAULT);
    expect("find", noxs_op(NOXS_OP_FIND, &devs), -XEN_EPERM);
    expect("changed", noxs_op(NOXS_OP_CHANGED, &devs), -XEN_EPERM);
    expect("unknown", noxs_op(8, &devs), -XEN_EOPNOTSUPP);
    expect("unknown", noxs_op(~0u, &devs), -XEN_EOPNOTSUPP);
    expect("32-bit caller", answer_to_32_bits, -XEN_ENOSYS);
    expect("slots are as before", page->slots, 0);
}

/* dom0 adds a device when it reads WAITING. */
static void wait_for_device(const volatile struct noxs_page *page)
{
    struct evtchn_bind_virq bind = {.virq = NOXS_VIRQ, .vcpu = 0};
    evtchn_port_t port;
    struct sched_poll poll = {.nr_ports = 1};
    struct noxs_dev dev;
    uint32_t before;

    expect("shared info", map_space(XENMAPSPACE_shared_info, 0, SHARED_INFO), 0);
    expect("bind the VIRQ",
           hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (unsigned long)&bind), 0);
    port = bind.port;
    set_xen_guest_handle(poll.ports, &port);
    print("WAITING\r\n");
    expect("poll", hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, (unsigned long)&poll), 0);
    do {
        before = page->generation & ~1u;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        dev = *(const struct noxs_dev *)&page->dev[0];
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } while (page->generation != before);
    expect("slots with a device", page->slots, 1);
    expect("type", dev.type, HOTPLUG_TYPE);
    expect("back-end", dev.back_end, 0);
    expect("generation", before, 2);
}

int main(void)
{
    struct sched_shutdown off = {.reason = SHUTDOWN_poweroff};
    struct noxs_page *page;

    find_console();
    page = map_page();
    try_query(page);
    try_forbidden(page);
    wait_for_device(page);
    print(failures ? "FAILURE\r\n" : "SUCCESS\r\n");
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (unsigned long)&off);
    return 0;
}
