/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints Xen's free memory in KiB, once all pages of destroyed domains are scrubbed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <xenctrl.h>

enum {
    TRIES = 1000, /* of 10 ms each */
    KIB_PER_PAGE = 4,
};

int main(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    xc_physinfo_t info;

    for (int i = 0; xc && i < TRIES && xc_physinfo(xc, &info) == 0; i++) {
        if (info.scrub_pages == 0) {
            printf("%llu\n", (unsigned long long)info.free_pages * KIB_PER_PAGE);
            return 0;
        }
        nanosleep(&pause, NULL);
    }
    fprintf(stderr, "xen-free: cannot tell Xen's free memory: %s\n", strerror(errno));
    return 1;
}
