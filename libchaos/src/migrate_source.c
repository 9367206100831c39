// SPDX-License-Identifier: BSD-3-Clause
/* The host that a guest leaves. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "migrate_link.h"

struct leaving {
    struct migrate_journal *journal;
    struct migrate_note *note;
    const struct migrate_source_ops *ops;
    void *guest;
};

static int say_hello(struct migrate_link *link, const struct leaving *l,
                     const struct migrate_offer *offer, struct chaos_error *err)
{
    struct migrate_hello hello = {
        .xen_major = htole16(offer->xen_major),
        .xen_minor = htole16(offer->xen_minor),
    };
    size_t i;

    memcpy(hello.token, l->note->token, sizeof(hello.token));
    memcpy(hello.uuid, l->note->uuid, sizeof(hello.uuid));
    memcpy(hello.name, l->note->name, sizeof(hello.name));
    for (i = 0; i < 8; i++)
        hello.hw_caps[i] = htole32(offer->hw_caps[i]);
    return migrate_link_send2(link, MIGRATE_HELLO, &hello, sizeof(hello), offer->config,
                              offer->config_length, err);
}

static int set_phase(const struct leaving *l, enum migrate_phase phase, struct chaos_error *err)
{
    l->note->phase = phase;
    return l->journal->ops->write(l->journal, l->note, err);
}

/* The guest goes on here: the migration never was. err keeps why. */
static int stay(const struct leaving *l, struct chaos_error *err)
{
    struct chaos_error failure;
    int rc = l->ops->resume(l->guest, &failure);

    if (rc < 0) { /* the journal remembers: the next start tries again */
        chaos_error_wrap(err, "%s; and it could not be resumed here (%s); it was not migrated",
                         l->note->name, failure.text);
        return err->code;
    }
    l->journal->ops->remove(l->journal, l->note);
    return err->code;
}

/* It runs at the target, which may forget the migration once our copy is gone. */
static int leave(struct migrate_link *link, const struct leaving *l, struct chaos_error *err)
{
    struct chaos_error ignored;
    int rc = l->ops->destroy(l->guest, err);

    if (rc < 0)
        return chaos_error_wrap(err, "it runs on the other host, but here");
    l->journal->ops->remove(l->journal, l->note);
    migrate_link_send(link, MIGRATE_DONE, NULL, 0, &ignored);
    return 0;
}

static int in_doubt(const struct leaving *l, struct chaos_error *err)
{
    struct chaos_error why = *err;

    return chaos_error_set(err, -EINPROGRESS, CHAOS_EXIT_FAILURE,
                           "%s is paused here, and perhaps runs on %s (%.200s); chaos migrate "
                           "--finish %s asks again",
                           l->note->name, l->note->peer, why.text, l->note->name);
}

/* GO, and what comes of it. *said: the target answered, so that there is no doubt. */
static int hand_over(struct migrate_link *link, bool *said, struct chaos_error *err)
{
    int rc = migrate_link_send(link, MIGRATE_GO, NULL, 0, err);

    if (rc == 0)
        rc = migrate_link_expect(link, MIGRATE_IS_RUNNING, err);
    *said = rc == 0 || link->type == MIGRATE_REFUSE;
    return rc;
}

static int ask(struct migrate_link *link, const struct leaving *l, enum migrate_where *where,
               struct chaos_error *err)
{
    uint32_t answer;
    int rc = migrate_link_send(link, MIGRATE_ASK, l->note->token, MIGRATE_TOKEN, err);

    if (rc == 0)
        rc = migrate_link_expect(link, MIGRATE_STATE, err);
    if (rc == 0 && link->length != sizeof(answer))
        rc = chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE,
                             "the other host sent a damaged message");
    if (rc < 0)
        return rc;
    memcpy(&answer, link->payload, sizeof(answer));
    *where = (enum migrate_where)le32toh(answer);
    return 0;
}

static int act_on(struct migrate_link *link, const struct leaving *l, enum migrate_where where,
                  struct chaos_error *err)
{
    bool said;
    int rc;

    switch (where) {
    case MIGRATE_WHERE_RUNNING:
        return leave(link, l, err);
    case MIGRATE_WHERE_LOADED:
        link->type = 0;
        rc = hand_over(link, &said, err);
        if (rc == 0)
            return leave(link, l, err);
        return said ? stay(l, err) : in_doubt(l, err);
    case MIGRATE_WHERE_UNKNOWN:
        chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE,
                        "%s goes on here: the other host knows nothing of it (any more)",
                        l->note->name);
        return stay(l, err);
    case MIGRATE_WHERE_DROPPED:
        chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE,
                        "%s goes on here: the other host could not start it", l->note->name);
        return stay(l, err);
    default:
        chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE, "the other host still works on it");
        return in_doubt(l, err);
    }
}

/* The guest was taken up again, and the target could not be told: its copy would wait for ever. */
static void tell_later(const struct leaving *l)
{
    struct chaos_error ignored;
    enum migrate_where where;
    struct migrate_link link;
    struct peer *peer;

    if (l->ops->reconnect(l->guest, &peer, &ignored) < 0)
        return;
    if (migrate_link_open(&link, peer, &ignored) == 0 && ask(&link, l, &where, &ignored) == 0 &&
        where == MIGRATE_WHERE_LOADED)
        migrate_link_send(&link, MIGRATE_ABORT, NULL, 0, &ignored);
    migrate_link_close(&link);
    peer->ops->close(peer);
}

static int resolve(const struct leaving *l, struct chaos_error *err)
{
    enum migrate_where where;
    struct migrate_link link;
    struct peer *peer;
    int rc = l->ops->reconnect(l->guest, &peer, err);

    if (rc < 0)
        return in_doubt(l, err);
    rc = migrate_link_open(&link, peer, err);
    if (rc == 0)
        rc = ask(&link, l, &where, err);
    rc = rc == 0 ? act_on(&link, l, where, err) : in_doubt(l, err);
    migrate_link_close(&link);
    peer->ops->close(peer);
    return rc;
}

/* Up to the point where all is loaded there, and nothing is decided. */
static int transfer(struct migrate_link *link, const struct leaving *l, struct chaos_error *err)
{
    int rc = l->ops->send(l->guest, migrate_link_write, link, err);

    if (rc == 0)
        rc = migrate_link_send(link, MIGRATE_DATA_END, NULL, 0, err);
    if (rc == 0)
        rc = migrate_link_expect(link, MIGRATE_DONE_LOADING, err);
    return rc;
}

static int move(struct migrate_link *link, const struct leaving *l,
                const struct migrate_offer *offer, struct chaos_error *err)
{
    struct chaos_error ignored;
    bool said, told;
    int rc;

    rc = say_hello(link, l, offer, err);
    if (rc == 0)
        rc = migrate_link_expect(link, MIGRATE_READY, err);
    if (rc == 0)
        rc = set_phase(l, MIGRATE_SENDING, err);
    if (rc < 0)
        return rc; /* nothing was done yet */
    rc = transfer(link, l, err);
    if (rc == 0)
        rc = set_phase(l, MIGRATE_COMMITTING, err);
    if (rc < 0) {
        /* A refusal was its last word. */
        told = link->type == MIGRATE_REFUSE ||
               (migrate_link_send(link, MIGRATE_ABORT, NULL, 0, &ignored) == 0 &&
                rc != -ETIMEDOUT && rc != -ECONNRESET);
        rc = stay(l, err);
        if (!told)
            tell_later(l);
        return rc;
    }
    rc = hand_over(link, &said, err);
    if (rc == 0)
        return leave(link, l, err);
    return said ? stay(l, err) : resolve(l, err);
}

int migrate_send(struct peer *peer, struct migrate_journal *journal, struct migrate_note *note,
                 const struct migrate_offer *offer, const struct migrate_source_ops *ops,
                 void *guest, struct chaos_error *err)
{
    const struct leaving l = {journal, note, ops, guest};
    struct migrate_link link;
    int rc, lock;

    note->role = MIGRATE_SOURCE;
    lock = journal->ops->lock(journal, note, err);
    if (lock < 0)
        return lock;
    rc = migrate_link_open(&link, peer, err);
    if (rc == 0)
        rc = move(&link, &l, offer, err);
    migrate_link_close(&link);
    journal->ops->unlock(journal, note, lock);
    return rc;
}

int migrate_resolve(struct migrate_journal *journal, struct migrate_note *note,
                    const struct migrate_source_ops *ops, void *guest, struct chaos_error *err)
{
    const struct leaving l = {journal, note, ops, guest};
    int rc, lock = journal->ops->lock(journal, note, err);

    if (lock < 0)
        return lock;
    if (note->phase == MIGRATE_COMMITTING) {
        rc = resolve(&l, err);
    } else {
        chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE,
                        "%s goes on here: its migration was interrupted", note->name);
        rc = stay(&l, err);
    }
    journal->ops->unlock(journal, note, lock);
    return rc;
}
