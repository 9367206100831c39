/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest guest: says that it is up, and sleeps. */
#include "noxs.h"

int app_main(void)
{
    kprintf("noop: up\n");
    noxs_ready();
    for (;;)
        thread_sleep_until(NEVER);
}
