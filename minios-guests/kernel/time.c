/* SPDX-License-Identifier: BSD-3-Clause */
/* Xen's clock as it stands in the shared page, and one timer. */
#include "kernel/kernel.h"

#include <xen/vcpu.h>

static int timer_port = -1;
static uint64_t armed_for = NEVER;
static uint64_t offset; /* of our clock to Xen's, by which it goes on in another domain; may wrap */

void time_init(void)
{
    /* Xen starts every PV vcpu with a tick of 100 Hz. */
    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, NULL);
}

static uint64_t scale(uint64_t ticks, uint32_t mul, int8_t shift)
{
    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return (uint64_t)(((unsigned __int128)ticks * mul) >> 32);
}

static uint64_t xen_time_ns(void)
{
    const struct vcpu_time_info *t = &shared_info.vcpu_info[0].time;
    uint32_t version;
    uint64_t ns;

    do {
        version = READ_ONCE(t->version) & ~1u;
        rmb();
        ns = t->system_time +
             scale(__builtin_ia32_rdtsc() - t->tsc_timestamp, t->tsc_to_system_mul, t->tsc_shift);
        rmb();
    } while (READ_ONCE(t->version) != version);
    return ns;
}

uint64_t time_ns(void)
{
    return xen_time_ns() + offset;
}

uint64_t time_wall(void)
{
    uint32_t version;
    uint64_t sec, nsec;

    do {
        version = READ_ONCE(shared_info.wc_version) & ~1u;
        rmb();
        sec = (uint64_t)shared_info.wc_sec_hi << 32 | shared_info.wc_sec;
        nsec = shared_info.wc_nsec;
        rmb();
    } while (READ_ONCE(shared_info.wc_version) != version);
    return sec + (nsec + xen_time_ns()) / 1000000000;
}

static void timer_event(void *arg)
{
    (void)arg;
    armed_for = NEVER;
}

void time_wake_at(uint64_t deadline_ns)
{
    if (timer_port < 0) {
        timer_port = evtchn_bind_virq(VIRQ_TIMER, timer_event, NULL);
        if (timer_port < 0)
            guest_crash("timer: cannot bind its event channel: %d", timer_port);
    }
    if (armed_for == deadline_ns)
        return;
    armed_for = deadline_ns;
    hypercall1(__HYPERVISOR_set_timer_op, deadline_ns - offset);
}

void time_resume(uint64_t before_ns)
{
    time_init();
    offset = before_ns - xen_time_ns();
    timer_port = -1;
    armed_for = NEVER;
}
