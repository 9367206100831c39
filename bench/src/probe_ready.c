/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks the hypervisor when the guest said that it is up. The guest's time stamp is Xen's system
 * time; "now" on both clocks in one call relates it to ours, so polling late costs no accuracy.
 */
#include <stdio.h>
#include <string.h>
#include <xencall.h>

#include <noxs_abi.h>

#include "probe.h"
#include "series.h"

#define POLL_US   200
#define POLLS_MAX 50000

static xencall_handle *xencall;
static struct noxs_op_query *query;

static int ready_open(void)
{
    xencall = xencall_open(NULL, 0);
    if (xencall)
        query = xencall_alloc_buffer(xencall, sizeof(*query));
    if (query)
        return 0;
    perror("series: cannot make hypercalls");
    return -1;
}

static int64_t ready_wait(unsigned int n, int domid)
{
    for (int i = 0; i < POLLS_MAX; i++) {
        int64_t now;

        memset(query, 0, sizeof(*query));
        query->domid = (uint16_t)domid;
        if (domid <= 0 ||
            xencall2(xencall, NOXS_HYPERCALL, NOXS_OP_QUERY, (uint64_t)(uintptr_t)query)) {
            fprintf(stderr, "series: guest %u (domain %d) cannot be queried\n", n, domid);
            return -1;
        }
        now = monotonic_ns();
        if (query->ready_ns)
            return now - (int64_t)(query->now_ns - query->ready_ns);
        sleep_us(POLL_US);
    }
    fprintf(stderr, "series: guest %u never said that it is up\n", n);
    return -1;
}

const struct probe probe_ready = {
    .name = "ready", .needs_domid = true, .open = ready_open, .wait_up = ready_wait};
