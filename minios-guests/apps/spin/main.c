/* SPDX-License-Identifier: BSD-3-Clause */
/* Never sleeps again, so it sees no event and no request. */
#include "noxs.h"

int app_main(void)
{
    kprintf("spin: up\n");
    noxs_ready();
    for (;;)
        barrier();
}
