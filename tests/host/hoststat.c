/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Xen holds: domains, free memory, dom0's event channels, grants in use. The whole-host tests
 * compare its output before and after.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <xenctrl.h>

enum {
    MAX_DOMAINS = 1024,
    CONSOLE_BYTES = 1 << 20,
    SCRUB_TRIES = 500, /* of 10 ms each */
};

static const char *event_channel_kind(uint32_t status)
{
    switch (status) {
    case EVTCHNSTAT_unbound:
        return "unbound";
    case EVTCHNSTAT_interdomain:
        return "interdomain";
    case EVTCHNSTAT_pirq:
        return "pirq";
    case EVTCHNSTAT_virq:
        return "virq";
    case EVTCHNSTAT_ipi:
        return "ipi";
    default:
        return NULL;
    }
}

static int show_domains(xc_interface *xc)
{
    static xc_domaininfo_t info[MAX_DOMAINS];
    int n = xc_domain_getinfolist(xc, 0, MAX_DOMAINS, info);

    for (int i = 0; i < n; i++) {
        printf("domain %u%s\n", info[i].domain, info[i].flags & XEN_DOMINF_dying ? " (dying)" : "");
    }
    return n < 0 ? -1 : 0;
}

/* Pages of destroyed domains count as free only once they are scrubbed, which takes idle time. */
static int show_memory(xc_interface *xc)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    xc_physinfo_t info;

    for (int i = 0; i < SCRUB_TRIES; i++) {
        if (xc_physinfo(xc, &info) < 0)
            return -1;
        if (info.scrub_pages == 0)
            break;
        nanosleep(&pause, NULL);
    }
    printf("free-pages %llu\n", (unsigned long long)info.free_pages);
    return 0;
}

static int show_event_channels(xc_interface *xc)
{
    unsigned unbound = 0, interdomain = 0, other = 0;
    xc_evtchn_status_t status;

    for (unsigned port = 0;; port++) {
        const char *kind;

        memset(&status, 0, sizeof(status));
        status.dom = DOMID_SELF;
        status.port = port;
        if (xc_evtchn_status(xc, &status) < 0)
            break; /* past the last port that was ever allocated */
        kind = event_channel_kind(status.status);
        if (kind && strcmp(kind, "interdomain") == 0)
            interdomain++;
        else if (kind && strcmp(kind, "unbound") == 0)
            unbound++;
        else if (kind)
            other++;
    }
    printf("event-channels unbound %u interdomain %u other %u\n", unbound, interdomain, other);
    return 0;
}

/* Xen tells its active grants on its console only: the part after the last such request. */
static int show_grants(xc_interface *xc)
{
    static const char opening[] = "gnttab_usage_print_all [";
    static char text[CONSOLE_BYTES + 1];
    unsigned length = CONSOLE_BYTES;
    unsigned owner = 0, count = 0;
    char *start = NULL, *save = NULL;

    if (xc_send_debug_keys(xc, "g") < 0 || xc_readconsolering(xc, text, &length, 0, 0, NULL) < 0)
        return -1;
    text[length] = 0;
    for (char *at = text; (at = strstr(at, opening)); at++)
        start = at;
    if (!start) {
        errno = ENODATA;
        return -1;
    }
    for (char *line = strtok_r(start, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *mark = strstr(line, "grant-table for remote d");

        if (strstr(line, "[0x"))
            count++;
        if (!mark && !strstr(line, "] done"))
            continue;
        if (count > 0)
            printf("grants of domain %u: %u\n", owner, count);
        count = 0;
        if (mark)
            sscanf(mark, "grant-table for remote d%u", &owner);
    }
    return 0;
}

int main(void)
{
    static const struct {
        const char *name;
        int (*show)(xc_interface *xc);
    } parts[] = {
        {"domains", show_domains},
        {"event channels", show_event_channels},
        {"grants", show_grants},
        {"memory", show_memory},
    };
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);

    if (!xc) {
        fprintf(stderr, "hoststat: cannot reach Xen: %s; is this dom0, and are you root?\n",
                strerror(errno));
        return 1;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].show(xc) < 0) {
            fprintf(stderr, "hoststat: cannot read the %s: %s\n", parts[i].name, strerror(errno));
            return 1;
        }
    }
    xc_interface_close(xc);
    return 0;
}
