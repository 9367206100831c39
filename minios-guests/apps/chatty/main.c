/* SPDX-License-Identifier: BSD-3-Clause */
/* Floods the console: "lines=N" of them, or for ever. */
#include "noxs.h"

int app_main(void)
{
    uint64_t lines = UINT64_MAX;
    char text[24];

    if (cmdline_get("lines", text, sizeof(text)) && !parse_u64(text, UINT64_MAX, &lines))
        guest_crash("command line: lines=%s: not a number", text);
    noxs_ready();
    for (uint64_t i = 1; i <= lines; i++) {
        kprintf("chatty: line %lu of a guest that has a lot to say and nobody to say it to\n", i);
        thread_yield();
    }
    for (;;) {
        kprintf("chatty: %lu lines, %lu bytes dropped\n", lines, console_dropped());
        thread_sleep_until(time_ns() + 1000000000);
    }
}
