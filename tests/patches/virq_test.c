// SPDX-License-Identifier: BSD-3-Clause
/* Runs in dom0 of a host with the patched Xen: NOXS_VIRQ says that a domain has ended. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xen/sched.h>

#include "noxs_abi.h"

#define SOON_MS  2000
#define QUIET_MS 1000 /* a domain goes in the background, some time after its destruction */

static unsigned int checks, failures;
static xc_interface *ctrl;
static xenevtchn_handle *events;

static void check(bool good, const char *what)
{
    checks++;
    if (good)
        return;
    failures++;
    printf("FAILED: %s (errno %d)\n", what, errno);
}

/* Takes what is pending; true: there was something within the time. */
static bool event_within(int ms)
{
    struct pollfd fd = {.fd = xenevtchn_fd(events), .events = POLLIN};
    xenevtchn_port_or_error_t port;

    if (poll(&fd, 1, ms) != 1)
        return false;
    port = xenevtchn_pending(events);
    return port >= 0 && xenevtchn_unmask(events, (evtchn_port_t)port) == 0;
}

static uint32_t domain_create(void)
{
    struct xen_domctl_createdomain config = {
        .max_vcpus = 1,
        .max_evtchn_port = -1,
        .max_grant_frames = 4,
        .max_maptrack_frames = 0,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };
    uint32_t domid = 0;

    check(xc_domain_create(ctrl, &domid, &config) == 0, "create a domain");
    return domid;
}

/* True: the domain, or the next one, has these flags. */
static bool is_there(uint32_t domid)
{
    xc_dominfo_t info;

    return xc_domain_getinfo(ctrl, domid, 1, &info) == 1 && info.domid == domid;
}

static void check_end(int reason, const char *what)
{
    uint32_t domid = domain_create();
    xc_dominfo_t info = {0};

    check(!event_within(QUIET_MS), "nothing ended");
    check(xc_domain_shutdown(ctrl, domid, reason) == 0, "shutdown");
    check(event_within(SOON_MS), what);
    check(xc_domain_getinfo(ctrl, domid, 1, &info) == 1 && (info.shutdown || info.crashed) &&
              info.shutdown_reason == (unsigned int)reason,
          "it is seen by then");
    check(xc_domain_destroy(ctrl, domid) == 0, "destroy");
    while (is_there(domid) && event_within(SOON_MS))
        ;
    check(!is_there(domid), "an event comes when it is gone");
    while (event_within(QUIET_MS))
        ;
}

static void check_alive(void)
{
    uint32_t domid = domain_create();

    check(xc_domain_destroy(ctrl, domid) == 0, "destroy one that is alive");
    check(event_within(SOON_MS), "an event comes");
    while (event_within(QUIET_MS))
        ;
}

int main(void)
{
    ctrl = xc_interface_open(NULL, NULL, 0);
    events = xenevtchn_open(NULL, 0);
    if (!ctrl || !events || xenevtchn_bind_virq(events, NOXS_VIRQ) < 0) {
        printf("FAILED: cannot bind VIRQ %u: %s\n", NOXS_VIRQ, strerror(errno));
        return 1;
    }
    while (event_within(QUIET_MS)) /* binding is followed by an event */
        ;
    check_end(SHUTDOWN_poweroff, "poweroff");
    check_end(SHUTDOWN_reboot, "reboot");
    check_end(SHUTDOWN_suspend, "suspend");
    check_end(SHUTDOWN_crash, "crash");
    check_alive();
    printf("%u checks, %u failed\n", checks, failures);
    return failures ? 1 : 0;
}
