// SPDX-License-Identifier: BSD-3-Clause
#include "restart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

static bool is_there(struct chaos *chaos, const char *name)
{
    cleanup_free char *text = NULL;
    struct chaos_error ignored;
    size_t length;

    return registry_read(&chaos->registry, name, &text, &length, &ignored) == 0;
}

int restart_begin(struct chaos *chaos, const struct chaos_domain *domain,
                  struct chaos_config *config, struct chaos_error *err)
{
    int rc = chaos_domain_config(chaos, domain, config, err);

    if (rc < 0)
        return rc;
    rc = registry_mark_restart(&chaos->registry, domain->name, err);
    if (rc == 0) {
        rc = chaos_domain_destroy(chaos, domain, false, err);
        if (rc < 0 && (err->exit == CHAOS_EXIT_NOT_FOUND || is_there(chaos, domain->name)))
            registry_unmark_restart(&chaos->registry, domain->name);
    }
    if (rc < 0)
        chaos_config_free(config);
    return rc;
}

int restart_finish(struct chaos *chaos, const struct chaos_domain *created, struct chaos_error *err)
{
    if (registry_unmark_restart(&chaos->registry, created->name))
        return 0;
    chaos_domain_destroy(chaos, created, false, err);
    return chaos_error_set(err, -ECANCELED, CHAOS_EXIT_NOT_FOUND,
                           "the restart of \"%s\" was called off", created->name);
}

bool restart_wanted(struct chaos *chaos, const char *name)
{
    return registry_restart_marked(&chaos->registry, name);
}

bool chaos_domain_call_off_restart(struct chaos *chaos, const char *name)
{
    return registry_unmark_restart(&chaos->registry, name);
}

struct resumption {
    struct chaos *chaos;
    restart_visit *visit;
    void *opaque;
};

int restart_config(struct chaos *chaos, const char *name, struct chaos_config *config,
                   struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct record record;
    size_t length;
    int rc = registry_read_restart(&chaos->registry, name, &text, &length, err);

    if (rc == 0)
        rc = record_parse(text, length, &record, err);
    if (rc == 0)
        rc = record_config(&record, config, err);
    if (rc < 0) {
        registry_unmark_restart(&chaos->registry, name);
        return rc;
    }
    snprintf(config->name, sizeof(config->name), "%s", name); /* it may have been renamed */
    return 0;
}

static int resume_one(void *opaque, const char *name, struct chaos_error *err)
{
    const struct resumption *resumption = opaque;
    struct chaos_config config;

    if (restart_config(resumption->chaos, name, &config, err) < 0)
        return 0; /* done, not begun, or nothing that could be read again */
    chaos_config_free(&config);
    resumption->visit(resumption->opaque, name);
    return 0;
}

int restart_resume(struct chaos *chaos, restart_visit *visit, void *opaque, struct chaos_error *err)
{
    struct resumption resumption = {chaos, visit, opaque};

    return registry_visit_restarts(&chaos->registry, resume_one, &resumption, err);
}
