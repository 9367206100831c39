/* SPDX-License-Identifier: BSD-3-Clause */
/* Says that it can shut down, then neither does nor acknowledges. */
#include "noxs.h"

bool app_shutdown(uint32_t request)
{
    kprintf("deaf: request %u ignored\n", request);
    return false;
}

int app_main(void)
{
    kprintf("deaf: up\n");
    noxs_ready();
    for (;;)
        thread_sleep_until(NEVER);
}
