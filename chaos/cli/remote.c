// SPDX-License-Identifier: BSD-3-Clause
#include "remote.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cleanup.h"
#include "output.h"

struct series {
    const struct remote_create *create;
    struct chaos_error last;
};

static void warn(void *opaque, const char *text)
{
    const struct series *series = opaque;

    if (series->create->warning)
        series->create->warning(NULL, text);
}

/* main reports the last failure; those before it are reported here. */
static void created(void *opaque, uint32_t index, const struct chaos_domain *domain,
                    const struct chaos_error *err)
{
    struct series *series = opaque;

    (void)index;
    if (domain)
        return;
    if (series->last.code)
        out_note_as(series->create->command, "%s", series->last.text);
    series->last = *err;
}

static int restore(struct chaos_client *client, struct remote_create *create,
                   struct chaos_error *err)
{
    struct series series = {.create = create};
    const struct chaos_client_restore request = {
        .fd = create->fd,
        .source = create->path,
        .overrides = create->overrides,
        .nr_overrides = create->nr_overrides,
        .paused = create->paused,
        .strict = create->strict,
        .warning = warn,
        .opaque = &series,
        .timing = create->timing,
    };

    if (create->count == 0)
        return chaos_client_restore(client, &request, &create->domain, err);
    return chaos_client_restore_many(client, &request, create->count, created, err);
}

static int boot(struct chaos_client *client, struct remote_create *create, const char *text,
                size_t length, struct chaos_error *err)
{
    struct series series = {.create = create};
    cleanup_free char *directory = malloc(PATH_MAX); /* lies beside text: no page more */
    const struct chaos_client_create request = {
        .config = text,
        .length = length,
        .source = create->path,
        .directory = directory ? getcwd(directory, PATH_MAX) : NULL,
        .overrides = create->overrides,
        .nr_overrides = create->nr_overrides,
        .paused = create->paused,
        .strict = create->strict,
        .warning = warn,
        .opaque = &series,
        .timing = create->timing,
    };

    if (create->count == 0)
        return chaos_client_create(client, &request, &create->domain, err);
    return chaos_client_create_many(client, &request, create->count, created, err);
}

static int send(struct chaos_client *client, struct remote_create *create, struct chaos_error *err)
{
    size_t length;
    char *text;
    int rc;

    if (create->fd >= 0)
        return restore(client, create, err);
    rc = chaos_config_read(create->path, &text, &length, err);
    return rc < 0 ? rc : boot(client, create, text, length, err);
}

int remote_create(struct remote_create *create, struct chaos_error *err)
{
    struct chaos_client *client;
    struct chaos_error why;
    int rc;

    if (secure_getenv("CHAOS_BUS") && !create->must)
        return REMOTE_NOT; /* the daemon has an environment of its own */
    rc = chaos_client_open(NULL, &client, &why);
    if (rc < 0 && why.exit == CHAOS_EXIT_DAEMON && !create->must)
        return REMOTE_NOT;
    if (rc == 0) {
        rc = send(client, create, &why);
        if (rc == -EMSGSIZE && !create->must)
            return REMOTE_NOT;
    }
    if (rc < 0)
        *err = why;
    return rc; /* exit closes and frees all */
}

int remote_exclude(const char *first, const char *second, struct chaos_error *err)
{
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "%s and %s exclude each other", first,
                           second);
}

int remote_check_options(bool daemon, bool no_daemon, uint32_t count, const char *timing,
                         struct chaos_error *err)
{
    if (daemon && no_daemon)
        return remote_exclude("--daemon", "--no-daemon", err);
    if (count > 0 && timing)
        return remote_exclude("--count", "--timing", err);
    return 0;
}
