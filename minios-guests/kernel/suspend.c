/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Suspend and resume. While it is suspended no page table maps a frame that is not the guest's own,
 * and start_info tells the pages of store and console by pseudo-physical number: whoever saves the
 * guest can then translate all it finds (docs/guest-suspend.md). Nothing is told to a back-end, so
 * that a guest whose suspension is cancelled goes on as if nothing had been.
 */
#include "kernel/kernel.h"
#include "noxs.h"

#include <xen/sched.h>

static bool wanted;
static uint32_t generation;

__attribute__((weak)) void app_resumed(void) {}
/* net/vif.c, in guests that have a network */
__attribute__((weak)) void net_tell_unused(struct noxs_unused *out)
{
    (void)out;
}

uint32_t guest_generation(void)
{
    return generation;
}

void suspend_publish(void)
{
    struct arch_shared_info *arch = &shared_info.arch;

    arch->max_pfn = start_info->nr_pages;
    arch->p2m_vaddr = start_info->mfn_list;
    arch->p2m_generation = 0;
    arch->p2m_cr3 = virt_to_mfn((void *)start_info->pt_base) << PAGE_SHIFT;
}

void shared_info_map(void)
{
    /* Without it there is no console, either, to say so on. */
    if (map_frame(&shared_info, start_info->shared_info >> PAGE_SHIFT, true))
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown,
                   &(struct sched_shutdown){SHUTDOWN_crash});
}

/* Of the two pages that start_info names: mfn to pfn, or back. */
static void translate(bool to_pfn)
{
    struct start_info *si = (struct start_info *)start_info;
    uint64_t store = si->store_mfn, console = si->console.domU.mfn;

    if (store)
        si->store_mfn = to_pfn ? mfn_to_pfn(store) : pfn_to_mfn(store);
    if (console)
        si->console.domU.mfn = to_pfn ? mfn_to_pfn(console) : pfn_to_mfn(console);
}

static void tell_unused(struct noxs_unused *out)
{
    out->nr = 0;
    mm_tell_free(out);
    net_tell_unused(out);
    out->magic = NOXS_UNUSED_MAGIC;
}

/* Returns what Xen does: 0 in a new domain, 1 when it was cancelled, else why it was refused. */
static long suspended(void)
{
    struct sched_shutdown op = {.reason = SHUTDOWN_suspend};
    long rc;

    translate(true);
    tell_unused(&shared_unused);
    map_nothing(&shared_info);
    rc = hypercall4(__HYPERVISOR_sched_op, SCHEDOP_shutdown, HYPERCALL_ARG(&op),
                    virt_to_mfn(start_info), 0);
    shared_info_map();
    if (rc)
        translate(false);
    return rc;
}

bool guest_suspend(void)
{
    uint64_t before = time_ns();
    bool restored;

    noxs_suspend();
    grant_suspend();
    restored = suspended() == 0;
    if (restored) {
        generation++;
        suspend_publish();
        evtchn_resume();
        time_resume(before);
        console_init();
    }
    grant_resume();
    noxs_resume(restored);
    return restored;
}

void suspend_request(void)
{
    wanted = true;
}

void suspend_if_requested(void)
{
    if (!wanted)
        return;
    wanted = false;
    if (guest_suspend())
        suspend_done();
}

void suspend_done(void)
{
    noxs_ready();
    app_resumed();
}
