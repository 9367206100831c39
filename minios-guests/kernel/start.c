/* SPDX-License-Identifier: BSD-3-Clause */
/* From the first C instruction to the app, in the order in which things come up. */
#include "kernel/kernel.h"

const struct start_info *start_info;

void guest_start(const struct start_info *si, uint64_t boot_sp);

__attribute__((weak)) void xenbus_init(void) {}

void guest_start(const struct start_info *si, uint64_t boot_sp)
{
    start_info = si;
    shared_info_map();
    suspend_publish();
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
