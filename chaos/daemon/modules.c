// SPDX-License-Identifier: BSD-3-Clause
/* The table of modules; they are started in this order. */
#include "daemon.h"

#include "arrivals.h"
#include "consoles.h"
#include "creates.h"
#include "departures.h"
#include "domains.h"
#include "events.h"
#include "lifecycle.h"
#include "migrations.h"
#include "movers.h"
#include "refill.h"
#include "server.h"
#include "stats.h"
#include "status.h"
#include "suspensions.h"
#include "watch.h"
#include "worker.h"

const struct module *const modules[] = {
    &worker_module,
    &server_module,
    &status_module,
    &stats_module,
    &refill_module,
    &creates_module,
    &domains_module,
    &ports_module,
    &events_module,
    &consoles_module,
    &suspensions_module,
    &watch_module,
    &consoles_serve_module,
    &lifecycle_module,
    &movers_module,
    &migrations_module,
    &departures_module,
    &arrivals_module,
    NULL,
};

int daemon_start(struct daemon *daemon, struct chaos_error *err)
{
    const struct module *const *m;
    int rc;

    daemon->started_ns = loop_now();
    for (m = modules; *m; m++) {
        rc = (*m)->init ? (*m)->init(daemon, err) : 0;
        if (rc < 0) {
            while (m-- != modules)
                if ((*m)->fini)
                    (*m)->fini(daemon);
            return rc;
        }
    }
    return 0;
}

void daemon_quiesce(struct daemon *daemon)
{
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->quiesce)
            (*m)->quiesce(daemon);
}

void daemon_stop(struct daemon *daemon)
{
    size_t nr = 0;

    while (modules[nr])
        nr++;
    while (nr-- > 0)
        if (modules[nr]->fini)
            modules[nr]->fini(daemon);
}

void daemon_created(struct daemon *daemon, const struct chaos_domain *domain,
                    const struct chaos_config *config)
{
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->created)
            (*m)->created(daemon, domain, config);
}

void daemon_destroyed(struct daemon *daemon, const struct chaos_domain *domain)
{
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->destroyed)
            (*m)->destroyed(daemon, domain);
}
