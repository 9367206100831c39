/* SPDX-License-Identifier: BSD-3-Clause */
/* Clock, and what is different for each guest of a series. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "series.h"

int64_t monotonic_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void sleep_us(long us)
{
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    while (nanosleep(&ts, &ts) && errno == EINTR)
        ;
}

/* Guest n (from 1) of a series is called bench-n and has an address of its own in 10.1.0.0/16. */
void guest_address(unsigned int n, char out[ADDRESS_MAX])
{
    snprintf(out, ADDRESS_MAX, "10.1.%u.%u", (n + 9) / 250, (n + 9) % 250 + 2);
}

/* Replaces {n} and {ip} in one argument. */
char *expand(const char *argument, unsigned int n)
{
    char address[ADDRESS_MAX], number[16], out[1024];
    size_t used = 0;

    guest_address(n, address);
    snprintf(number, sizeof(number), "%u", n);
    while (*argument && used < sizeof(out) - ADDRESS_MAX) {
        const char *value = NULL;

        if (!strncmp(argument, "{n}", 3)) {
            value = number;
            argument += 3;
        } else if (!strncmp(argument, "{ip}", 4)) {
            value = address;
            argument += 4;
        }
        if (value)
            used += (size_t)sprintf(out + used, "%s", value);
        else
            out[used++] = *argument++;
    }
    out[used] = 0;
    return strdup(out);
}
