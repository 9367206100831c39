/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs in dom0: what CREATE, CONFIGURE and DESTROY cost. Prints name, median and largest of N, in
 * us. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "devnoxs.h"

#define RUNS 40

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void report(const char *name, double *us)
{
    qsort(us, RUNS, sizeof(*us), compare);
    printf("%-24s %8.1f %8.1f\n", name, us[RUNS / 2], us[RUNS - 1]);
}

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000};

    nanosleep(&pause, NULL);
}

static double measure_configure(uint16_t domid)
{
    struct noxs_dev_config dev = vif_config(0);
    struct noxs_ioc_configure call = {
        .abi_version = NOXS_ABI_VERSION,
        .domid = domid,
        .nr = 1,
        .devs = (uintptr_t)&dev,
    };
    double start = now_us();

    dev.vif.mac[5] = 0x77;
    if (devnoxs_ioctl(NOXS_IOC_CONFIGURE, &call))
        exit(1);
    return now_us() - start;
}

static void measure(const char *name, unsigned int vifs)
{
    double create[RUNS], configure[RUNS], destroy[RUNS];
    char label[32];

    for (unsigned int i = 0; i < RUNS; i++) {
        struct noxs_dev_config devs[2] = {sysctl_config(), vif_config(0)};
        uint16_t domid = domain_create();
        double start = now_us();

        if (devnoxs_create(domid, devs, (uint16_t)(1 + vifs), NULL))
            exit(1);
        create[i] = now_us() - start;
        pause_ms(50);
        configure[i] = vifs ? measure_configure(domid) : 0;
        domain_destroy(domid);
        start = now_us();
        if (devnoxs_destroy(domid, NOXS_DEV_NONE, NOXS_ID_ALL, NULL))
            exit(1);
        destroy[i] = now_us() - start;
        pause_ms(100);
    }
    snprintf(label, sizeof(label), "create %s", name);
    report(label, create);
    if (vifs)
        report("configure vif", configure);
    snprintf(label, sizeof(label), "destroy %s", name);
    report(label, destroy);
}

int main(void)
{
    devnoxs_open();
    measure("sysctl", 0);
    measure("sysctl+vif", 1);
    return 0;
}
