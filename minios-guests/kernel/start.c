/* SPDX-License-Identifier: BSD-3-Clause */
/* From the first C instruction to the app, in the order in which things come up. */
#include "kernel/kernel.h"

#include <xen/sched.h>

const struct start_info *start_info;

void guest_start(const struct start_info *si, uint64_t boot_sp);

__attribute__((weak)) void xenbus_init(void) {}

void guest_start(const struct start_info *si, uint64_t boot_sp)
{
    start_info = si;
    if (hypercall4(__HYPERVISOR_update_va_mapping, HYPERCALL_ARG(&shared_info),
                   si->shared_info | 0x67, UVMF_INVLPG, 0))
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown,
                   &(struct sched_shutdown){SHUTDOWN_crash});
    evtchn_init();
    trap_init();
    mm_init(boot_sp);
    console_init();
    time_init();
    thread_init();
    if (si->store_evtchn)
        xenbus_init();
    else
        noxs_init();

    int rc = app_main();

    if (rc)
        guest_crash("app returned %d", rc);
    guest_poweroff();
}
