/* SPDX-License-Identifier: BSD-3-Clause */
/* TAP of one program. */
#ifndef TESTS_KMOD_TAP_H
#define TESTS_KMOD_TAP_H

#include <stdio.h>

static unsigned int number, failures;

/* is(name, wanted, got) */
static void is(const char *name, long wanted, long got)
{
    number++;
    if (wanted == got) {
        printf("ok %u - %s\n", number, name);
        return;
    }
    failures++;
    printf("not ok %u - %s\n# wanted %ld, got %ld\n", number, name, wanted, got);
}

static int tap_end(void)
{
    printf("1..%u\n", number);
    return failures ? 1 : 0;
}

#endif
