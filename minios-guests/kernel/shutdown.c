/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways out. */
#include "kernel/kernel.h"
#include "noxs.h"

#include <xen/sched.h>

static _Noreturn void shut_down(unsigned reason)
{
    struct sched_shutdown op = {.reason = reason};

    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op);
}

_Noreturn void guest_poweroff(void)
{
    shut_down(SHUTDOWN_poweroff);
}

_Noreturn void guest_reboot(void)
{
    shut_down(SHUTDOWN_reboot);
}

_Noreturn void guest_crash(const char *fmt, ...)
{
    char text[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    kprintf("CRASH: %s\n", text);
    shut_down(SHUTDOWN_crash);
}

__attribute__((weak)) bool app_shutdown(uint32_t request)
{
    (void)request;
    return true;
}

void shutdown_request(uint32_t request)
{
    if (request == NOXS_SYSCTL_POWEROFF)
        guest_poweroff();
    if (request == NOXS_SYSCTL_REBOOT)
        guest_reboot();
    if (request == NOXS_SYSCTL_SUSPEND)
        suspend_request();
}
