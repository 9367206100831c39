// SPDX-License-Identifier: BSD-3-Clause
#include "migrations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chaos.h"
#include "departures.h"
#include "log.h"
#include "peer_tls.h"
#include "server.h"

/* ---------------------------------------------------------------- finding */

struct search {
    bool target_only;
    const char *which;
    struct migrate_note *note;
    bool found;
};

static bool is_meant(const struct migrate_note *note, const char *which)
{
    char id[16], uuid[UUID_TEXT];

    if (strncmp(which, "name:", 5) == 0)
        return strcmp(note->name, which + 5) == 0;
    if (strncmp(which, "uuid:", 5) == 0) {
        uuid_format(note->uuid, uuid);
        return strcmp(uuid, which + 5) == 0;
    }
    snprintf(id, sizeof(id), "%u", note->domid);
    return strcmp(id, strncmp(which, "id:", 3) == 0 ? which + 3 : which) == 0 ||
           strcmp(note->name, which) == 0;
}

static void compare(void *opaque, const struct migrate_note *note)
{
    struct search *search = opaque;

    if ((search->target_only && note->role != MIGRATE_TARGET) || !is_meant(note, search->which) ||
        (search->found && !migrate_is_held(note->phase)))
        return;
    *search->note = *note;
    search->found = true;
}

int migrations_find(struct daemon *daemon, bool target_only, const char *which,
                    struct migrate_note *note, struct chaos_error *err)
{
    struct search search = {target_only, which, note, false};
    int rc = migrate_journal_visit(daemon->migrations->journal, compare, &search, err);

    if (rc == 0 && !search.found)
        rc = chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND,
                             target_only ? "no copy of \"%s\" from another host waits here"
                                         : "no migration of \"%s\" waits here",
                             which);
    return rc;
}

/* ---------------------------------------------------------------- list */

struct listing {
    struct daemon *daemon;
    const struct request *request;
    struct wire_writer writer;
};

static void put_note(struct listing *l, const struct migrate_note *note)
{
    size_t group = wire_put_group(&l->writer, WIRE_MIGRATION);

    wire_put_string(&l->writer, WIRE_NAME, note->name);
    wire_put_u32(&l->writer, WIRE_DOMID, note->domid);
    wire_put_bytes(&l->writer, WIRE_UUID, note->uuid, sizeof(note->uuid));
    wire_put_string(&l->writer, WIRE_ROLE, migrate_role_name(note->role));
    wire_put_string(&l->writer, WIRE_PHASE, migrate_phase_name(note->phase));
    wire_put_string(&l->writer, WIRE_HOST, note->peer);
    if (note->role == MIGRATE_SOURCE)
        departures_put(l->daemon, note, &l->writer);
    wire_end_group(&l->writer, group);
}

/* In as many messages as it takes. */
static void list_one(void *opaque, const struct migrate_note *note)
{
    struct listing *l = opaque;
    const size_t mark = l->writer.used;

    put_note(l, note);
    if (!l->writer.overflow)
        return;
    wire_rewind(&l->writer, mark);
    request_send(l->request, &l->writer);
    request_reply(l->request, WIRE_MORE, &l->writer);
    put_note(l, note);
}

static int handle_list(struct daemon *daemon, const struct request *request,
                       struct chaos_error *err)
{
    struct listing l = {.daemon = daemon, .request = request};
    int rc;

    request_reply(request, WIRE_MORE, &l.writer);
    rc = migrate_journal_visit(daemon->migrations->journal, list_one, &l, err);
    if (rc < 0)
        return rc;
    request_send(request, &l.writer);
    request_reply(request, 0, &l.writer);
    request_send(request, &l.writer);
    return 0;
}

/* ---------------------------------------------------------------- module */

static void migrations_fini(struct daemon *daemon)
{
    struct migrations *migrations = daemon->migrations;

    if (migrations->journal)
        migrations->journal->ops->close(migrations->journal);
    peer_tls_context_free(migrations->dialer.tls);
    free(migrations);
    daemon->migrations = NULL;
}

static struct peer_tls_files files_of(const struct migration_settings *settings)
{
    return (struct peer_tls_files){settings->authority, settings->certificate, settings->key};
}

void migrations_reload(struct daemon *daemon)
{
    const struct peer_tls_files files = files_of(&daemon->settings.migration);
    struct peer_tls_context *tls = daemon->migrations->dialer.tls;
    struct chaos_error err;

    if (!tls)
        return;
    if (peer_tls_context_reload(tls, &files, &err) < 0)
        log_error("the certificates of before remain in use: %s", err.text);
    else
        log_info("has read its certificates again");
}

static int migrations_init(struct daemon *daemon, struct chaos_error *err)
{
    const struct migration_settings *settings = &daemon->settings.migration;
    const struct peer_tls_files files = files_of(settings);
    struct migrations *migrations = calloc(1, sizeof(*migrations));
    int rc;

    if (!migrations)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    migrations->daemon = daemon;
    migrations->dialer.timeout_ms = (int)settings->timeout_s * 1000;
    daemon->migrations = migrations;
    rc = migrate_journal_open(daemon->run_dir, &migrations->journal, err);
    if (rc == 0)
        migrate_journal_tidy(migrations->journal);
    if (rc == 0 && settings->authority[0])
        rc = peer_tls_context_new(&files, &migrations->dialer.tls, err);
    if (rc < 0)
        migrations_fini(daemon);
    return rc;
}

const struct module migrations_module = {
    .name = "migrations",
    .handlers = {{WIRE_MIGRATIONS, handle_list}},
    .init = migrations_init,
    .fini = migrations_fini,
};
