/* SPDX-License-Identifier: BSD-3-Clause */
/* Results of a test guest. */
#include "guest.h"
#include "report.h"

static const char *const names[] = {"SUCCESS", "SKIP", "ERROR", "FAILURE"};
static enum result worst;

void report(enum result result, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if (result > worst)
        worst = result;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    kprintf("%s: %s\n", names[result], text);
}

void report_end(void)
{
    kprintf("Test result: %s\n", names[worst]);
}
