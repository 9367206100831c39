/* SPDX-License-Identifier: BSD-3-Clause */
/* A page fault as soon as possible. */
#include "guest.h"

int app_main(void)
{
    volatile uint32_t *nowhere = (volatile uint32_t *)0x10;

    __asm__("" : "+r"(nowhere));
    return (int)*nowhere;
}
