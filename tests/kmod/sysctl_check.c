/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0: who takes a request to shut down, and who does not. Arguments: domain ids of a
 * guest that obeys, of one that ignores. Prints TAP.
 */
#include <errno.h>
#include <stdlib.h>

#include "devnoxs.h"
#include "tap.h"

static int wait_for(uint16_t domid, uint32_t timeout_ms, uint32_t *acknowledged)
{
    struct noxs_ioc_wait call = {
        .abi_version = NOXS_ABI_VERSION,
        .timeout_ms = timeout_ms,
        .key = {.domid = domid, .type = NOXS_DEV_SYSCTL},
    };
    int rc = devnoxs_ioctl(NOXS_IOC_WAIT, &call);

    *acknowledged = call.info.acknowledged;
    return rc;
}

static void check_nobody(void)
{
    struct noxs_dev_config dev = sysctl_config();
    uint16_t domid = domain_create();
    uint32_t acknowledged;

    is("wait for no device", ENOENT, wait_for(domid, 10, &acknowledged));
    is("device", 0, devnoxs_create(domid, &dev, 1, NULL));
    is("wait for one without front-end", ENOTCONN, wait_for(domid, 10, &acknowledged));
    domain_destroy(domid);
    is("destroy", 0, devnoxs_destroy(domid, NOXS_DEV_NONE, NOXS_ID_ALL, NULL));
}

static void check_obeys(uint16_t domid)
{
    uint32_t sequence = 0, acknowledged = 99;

    is("nothing was asked: no wait", 0, wait_for(domid, 10, &acknowledged));
    is("nothing was taken", 0, acknowledged);
    is("ask one that obeys", 0, devnoxs_shutdown(domid, NOXS_SYSCTL_POWEROFF, &sequence));
    is("it is the first request", 1, sequence);
    is("it takes it", 0, wait_for(domid, 10000, &acknowledged));
    is("this one", sequence, acknowledged);
}

static void check_ignores(uint16_t domid)
{
    uint32_t sequence, acknowledged = 99;

    is("ask one that does not", 0, devnoxs_shutdown(domid, NOXS_SYSCTL_POWEROFF, &sequence));
    is("the time is over", ETIMEDOUT, wait_for(domid, 200, &acknowledged));
    is("nothing was taken", 0, acknowledged);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    devnoxs_open();
    check_nobody();
    check_obeys((uint16_t)atoi(argv[1]));
    check_ignores((uint16_t)atoi(argv[2]));
    return tap_end();
}
