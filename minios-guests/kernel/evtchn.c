/* SPDX-License-Identifier: BSD-3-Clause */
/* Event channels, 2-level ABI. Upcalls only end a block; dispatching is the scheduler's. */
#include "kernel/kernel.h"

#include <xen/event_channel.h>
#include <xen/sched.h>

#define MAX_PORTS 64

static struct {
    evtchn_handler *handler;
    void *arg;
} ports[MAX_PORTS];

static struct vcpu_info *vcpu(void)
{
    return &shared_info.vcpu_info[0];
}

void evtchn_init(void)
{
    WRITE_ONCE(vcpu()->evtchn_upcall_mask, 1);
    memset(shared_info.evtchn_mask, 0xff, sizeof(shared_info.evtchn_mask));
}

void evtchn_resume(void)
{
    memset(ports, 0, sizeof(ports));
    evtchn_init();
}

static void unmask(unsigned port)
{
    __atomic_fetch_and(&shared_info.evtchn_mask[0], ~(1ul << port), __ATOMIC_SEQ_CST);
    if (READ_ONCE(shared_info.evtchn_pending[0]) & 1ul << port) {
        __atomic_fetch_or(&vcpu()->evtchn_pending_sel, 1, __ATOMIC_SEQ_CST);
        WRITE_ONCE(vcpu()->evtchn_upcall_pending, 1);
    }
}

static int bind(evtchn_port_t port, evtchn_handler *handler, void *arg)
{
    if (port >= MAX_PORTS) {
        evtchn_close((int)port);
        return -XEN_ENOSPC;
    }
    ports[port].handler = handler;
    ports[port].arg = arg;
    unmask(port);
    return (int)port;
}

int evtchn_bind_virq(unsigned virq, evtchn_handler *handler, void *arg)
{
    struct evtchn_bind_virq op = {.virq = virq};
    long rc = hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &op);

    return rc ? (int)rc : bind(op.port, handler, arg);
}

int evtchn_bind_interdomain(uint16_t domid, uint32_t remote_port, evtchn_handler *handler,
                            void *arg)
{
    struct evtchn_bind_interdomain op = {.remote_dom = domid, .remote_port = remote_port};
    long rc = hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &op);

    return rc ? (int)rc : bind(op.local_port, handler, arg);
}

int evtchn_alloc_unbound(uint16_t domid, evtchn_handler *handler, void *arg)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = domid};
    long rc = hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &op);

    return rc ? (int)rc : bind(op.port, handler, arg);
}

int evtchn_adopt(uint32_t port, evtchn_handler *handler, void *arg)
{
    return bind(port, handler, arg);
}

void evtchn_close(int port)
{
    struct evtchn_close op = {.port = (evtchn_port_t)port};

    if (port < 0)
        return;
    if (port < MAX_PORTS) {
        __atomic_fetch_or(&shared_info.evtchn_mask[0], 1ul << port, __ATOMIC_SEQ_CST);
        ports[port].handler = NULL;
    }
    hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &op);
    if (port < MAX_PORTS)
        __atomic_fetch_and(&shared_info.evtchn_pending[0], ~(1ul << port), __ATOMIC_SEQ_CST);
}

int evtchn_notify(int port)
{
    struct evtchn_send op = {.port = (evtchn_port_t)port};

    return (int)hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &op);
}

/* All our ports are in the first word. */
bool evtchn_dispatch(void)
{
    unsigned long todo;
    bool ran = false;

    if (!READ_ONCE(vcpu()->evtchn_upcall_pending))
        return false;
    WRITE_ONCE(vcpu()->evtchn_upcall_pending, 0);
    __atomic_exchange_n(&vcpu()->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    todo = READ_ONCE(shared_info.evtchn_pending[0]) & ~READ_ONCE(shared_info.evtchn_mask[0]);
    __atomic_fetch_and(&shared_info.evtchn_pending[0], ~todo, __ATOMIC_SEQ_CST);
    for (; todo; todo &= todo - 1) {
        unsigned port = (unsigned)__builtin_ctzl(todo);

        if (ports[port].handler) {
            ports[port].handler(ports[port].arg);
            ran = true;
        }
    }
    return ran;
}

void evtchn_block(void)
{
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
    WRITE_ONCE(vcpu()->evtchn_upcall_mask, 1);
}
