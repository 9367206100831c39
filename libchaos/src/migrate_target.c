// SPDX-License-Identifier: BSD-3-Clause
/* The host that a guest comes to. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "migrate_link.h"

struct arriving {
    const struct migrate_target *target;
    struct migrate_note note;
    void *guest;
};

static int set_phase(struct arriving *a, enum migrate_phase phase, struct chaos_error *err)
{
    struct migrate_journal *journal = a->target->journal;

    a->note.phase = phase;
    return journal->ops->write(journal, &a->note, err);
}

static void forget(struct arriving *a)
{
    a->target->journal->ops->remove(a->target->journal, &a->note);
}

/* The source has the guest, and knows it, or is about to hear it. */
static int drop(struct arriving *a, struct chaos_error *err)
{
    int rc = a->target->ops->drop(a->guest, err);

    if (rc == 0)
        forget(a);
    return rc;
}

/* From here on it is ours, whether the source hears of it now or asks later. */
static int start(struct arriving *a, struct chaos_error *err)
{
    struct chaos_error ignored;
    int rc = set_phase(a, MIGRATE_STARTING, err);

    if (rc == 0)
        rc = a->target->ops->start(a->guest, err);
    if (rc == 0) /* if not, it is started once more, which does no harm */
        set_phase(a, MIGRATE_RUNNING, &ignored);
    return rc;
}

/* The source destroys its copy: then it asks no more, and both forget the migration. */
static void await_done(struct migrate_link *link, struct arriving *a)
{
    struct chaos_error ignored;

    if (migrate_link_expect(link, MIGRATE_DONE, &ignored) < 0)
        return;
    forget(a);
    migrate_link_send(link, MIGRATE_DONE, NULL, 0, &ignored);
}

static int run(struct migrate_link *link, struct arriving *a, struct chaos_error *err)
{
    struct chaos_error ignored;

    if (start(a, err) < 0) {
        if (drop(a, &ignored) == 0)
            migrate_link_refuse(link, err); /* if not, the source is to ask */
        return err->code;
    }
    if (migrate_link_send(link, MIGRATE_IS_RUNNING, NULL, 0, &ignored) == 0)
        await_done(link, a);
    return 0;
}

/* Loaded, and the source's to decide; when it cannot be heard the guest waits, paused. */
static int await_decision(struct migrate_link *link, struct arriving *a, struct chaos_error *err)
{
    int rc = migrate_link_receive(link, err);

    if (rc < 0)
        return chaos_error_wrap(err, "%s waits, paused, for the host that it comes from",
                                a->note.name);
    if (link->type == MIGRATE_GO)
        return run(link, a, err);
    if (link->type == MIGRATE_ABORT) {
        rc = drop(a, err);
        if (rc == 0)
            migrate_link_send(link, MIGRATE_DONE, NULL, 0, err);
        return rc < 0 ? rc
                      : chaos_error_set(err, -ECANCELED, CHAOS_EXIT_FAILURE,
                                        "the other host took %s up again", a->note.name);
    }
    return chaos_error_set(
        err, -EPROTO, CHAOS_EXIT_FAILURE,
        "%s waits, paused: the other host sent message %u where a decision is due", a->note.name,
        link->type);
}

static int take_offer(struct migrate_link *link, struct arriving *a, struct migrate_offer *offer,
                      struct chaos_error *err)
{
    struct migrate_hello hello;
    size_t i;

    if (link->length <= sizeof(hello))
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE, "the greeting is too short");
    memcpy(&hello, link->payload, sizeof(hello));
    offer->silence_ms = le32toh(hello.silence_ms);
    if (memchr(hello.name, '\0', sizeof(hello.name)) == NULL ||
        offer->silence_ms > MIGRATE_SILENCE_MAX)
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE, "the greeting is damaged");
    if (chaos_name_check(hello.name, err) < 0)
        return err->code;
    memcpy(a->note.token, hello.token, sizeof(a->note.token));
    memcpy(a->note.uuid, hello.uuid, sizeof(a->note.uuid));
    memcpy(a->note.name, hello.name, sizeof(a->note.name));
    a->note.role = MIGRATE_TARGET;
    a->note.phase = MIGRATE_LOADING;
    offer->config = (const char *)link->payload + sizeof(hello);
    offer->config_length = link->length - sizeof(hello);
    offer->xen_major = le16toh(hello.xen_major);
    offer->xen_minor = le16toh(hello.xen_minor);
    for (i = 0; i < 8; i++)
        offer->hw_caps[i] = le32toh(hello.hw_caps[i]);
    return 0;
}

/* The stream has its own end; behind it must be that of the data, and nothing else. */
static int expect_data_end(struct migrate_link *link, struct chaos_error *err)
{
    char more;

    if (link->type == MIGRATE_DATA_END || migrate_link_read(link, &more, 1) == 0)
        return 0;
    return chaos_error_set(err, -EPROTO, CHAOS_EXIT_FAILURE,
                           "the other host sent more than the guest");
}

/* Domain and devices, and the guest's memory in it. */
static int receive_guest(struct migrate_link *link, struct arriving *a,
                         const struct migrate_offer *offer, struct chaos_error *err)
{
    const struct migrate_target_ops *ops = a->target->ops;
    const struct migrate_ready ready = {.features = htole32(STREAM_FEATURES)};
    const int patience_ms = link->peer->timeout_ms;
    int rc = ops->prepare(a->guest, offer, &a->note, err);

    /* Should we die before this the domain is reaped, as any that is half made. */
    if (rc == 0)
        rc = set_phase(a, MIGRATE_LOADING, err);
    if (rc == 0)
        rc = migrate_link_send(link, MIGRATE_READY, &ready, sizeof(ready), err);
    if (rc == 0) {
        link->type = MIGRATE_READY; /* no DATA message is half read */
        link->peer->timeout_ms += (int)offer->silence_ms;
        rc = ops->load(a->guest, migrate_link_read, link, err);
        if (rc < 0)
            rc = migrate_link_explain(link, err);
        else
            rc = expect_data_end(link, err);
        link->peer->timeout_ms = patience_ms;
    }
    if (rc == 0)
        rc = set_phase(a, MIGRATE_LOADED, err);
    return rc;
}

static int is_new(struct arriving *a, struct chaos_error *err)
{
    struct migrate_journal *journal = a->target->journal;
    struct migrate_note note;
    struct chaos_error ignored;

    if (journal->ops->read(journal, a->note.token, MIGRATE_TARGET, &note, &ignored) == -ENOENT)
        return 0;
    return chaos_error_set(err, -EEXIST, CHAOS_EXIT_EXISTS,
                           "there is a migration with this token already");
}

static int arrive(struct migrate_link *link, struct arriving *a, struct migrate_offer *offer,
                  struct chaos_error *err)
{
    struct chaos_error ignored;
    int rc = is_new(a, err);

    if (rc == 0)
        rc = a->target->open(a->target->opaque, &a->note, &a->guest, err);
    if (rc < 0) {
        migrate_link_refuse(link, err);
        return rc;
    }
    rc = receive_guest(link, a, offer, err);
    if (rc < 0) {
        migrate_link_refuse(link, err);
        drop(a, &ignored);
        return rc;
    }
    /* Should it not be heard, the source asks, or says that it is to be dropped. */
    migrate_link_send(link, MIGRATE_DONE_LOADING, NULL, 0, &ignored);
    return await_decision(link, a, err);
}

static int greet(struct migrate_link *link, struct arriving *a, struct chaos_error *err)
{
    struct migrate_journal *journal = a->target->journal;
    struct migrate_offer offer;
    int rc = take_offer(link, a, &offer, err), lock = -1;

    if (rc == 0)
        rc = lock = journal->ops->lock(journal, &a->note, err);
    if (rc < 0) {
        migrate_link_refuse(link, err);
        return rc;
    }
    rc = arrive(link, a, &offer, err);
    journal->ops->unlock(journal, &a->note, lock);
    return rc;
}

static int answer(struct migrate_link *link, enum migrate_where where, struct chaos_error *err)
{
    const uint32_t state = htole32(where);

    return migrate_link_send(link, MIGRATE_STATE, &state, sizeof(state), err);
}

static int tell_state(struct migrate_link *link, struct arriving *a, struct chaos_error *err)
{
    int rc;

    switch (a->note.phase) {
    case MIGRATE_LOADED:
        rc = answer(link, MIGRATE_WHERE_LOADED, err);
        if (rc == 0)
            rc = a->target->open(a->target->opaque, &a->note, &a->guest, err);
        return rc == 0 ? await_decision(link, a, err) : rc;
    case MIGRATE_STARTING: /* who was to start it has died over it */
        rc = a->target->open(a->target->opaque, &a->note, &a->guest, err);
        if (rc == 0 && start(a, err) < 0) {
            rc = drop(a, err);
            return rc == 0 ? answer(link, MIGRATE_WHERE_UNKNOWN, err) : rc;
        }
        rc = rc == 0 ? answer(link, MIGRATE_WHERE_RUNNING, err) : rc;
        break;
    case MIGRATE_RUNNING:
        rc = answer(link, MIGRATE_WHERE_RUNNING, err);
        break;
    default: /* whoever was loading it is gone: nothing of it is worth anything */
        rc = a->target->open(a->target->opaque, &a->note, &a->guest, err);
        if (rc == 0)
            rc = drop(a, err);
        return rc == 0 ? answer(link, MIGRATE_WHERE_UNKNOWN, err) : rc;
    }
    if (rc == 0)
        await_done(link, a);
    return rc;
}

static int be_asked(struct migrate_link *link, struct arriving *a, struct chaos_error *err)
{
    struct migrate_journal *journal = a->target->journal;
    int rc, lock;

    if (link->length != MIGRATE_TOKEN)
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE, "the question is damaged");
    memcpy(a->note.token, link->payload, MIGRATE_TOKEN);
    a->note.role = MIGRATE_TARGET;
    lock = journal->ops->lock(journal, &a->note, err);
    if (lock < 0)
        return answer(link, MIGRATE_WHERE_BUSY, err);
    rc = journal->ops->read(journal, a->note.token, MIGRATE_TARGET, &a->note, err);
    if (rc == 0)
        rc = tell_state(link, a, err);
    else if (rc == -ENOENT)
        rc = answer(link, MIGRATE_WHERE_UNKNOWN, err);
    else
        rc = answer(link, MIGRATE_WHERE_BUSY, err); /* not readable now is not "unknown" */
    journal->ops->unlock(journal, &a->note, lock);
    return rc;
}

int migrate_serve(struct peer *peer, const struct migrate_target *target, const char *from,
                  struct chaos_error *err)
{
    struct arriving a = {.target = target};
    struct migrate_link link;
    int rc = migrate_link_open(&link, peer, err);

    snprintf(a.note.peer, sizeof(a.note.peer), "%s", from);
    if (rc == 0)
        rc = migrate_link_receive(&link, err);
    if (rc == -EPROTONOSUPPORT)
        migrate_link_refuse(&link, err);
    if (rc == 0 && link.type == MIGRATE_HELLO)
        rc = greet(&link, &a, err);
    else if (rc == 0 && link.type == MIGRATE_ASK)
        rc = be_asked(&link, &a, err);
    else if (rc == 0)
        rc = chaos_error_set(err, -EPROTO, CHAOS_EXIT_FAILURE,
                             "the other host began with message %u", link.type);
    if (a.guest)
        target->release(target->opaque, a.guest);
    migrate_link_close(&link);
    return rc;
}

/* Takes up again what the journal tells of; the lock, or why not. */
static int open_again(struct arriving *a, const struct migrate_note *note, struct chaos_error *err)
{
    struct migrate_journal *journal = a->target->journal;
    int rc, lock = journal->ops->lock(journal, note, err);

    if (lock < 0)
        return lock;
    rc = journal->ops->read(journal, note->token, MIGRATE_TARGET, &a->note, err);
    if (rc == -ENOENT)
        rc = chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "the migration of %s has ended",
                             note->name);
    if (rc == 0)
        rc = a->target->open(a->target->opaque, &a->note, &a->guest, err);
    if (rc == 0)
        return lock;
    journal->ops->unlock(journal, note, lock);
    return rc;
}

static void close_again(struct arriving *a, int lock)
{
    struct migrate_journal *journal = a->target->journal;

    a->target->release(a->target->opaque, a->guest);
    journal->ops->unlock(journal, &a->note, lock);
}

int migrate_discard(const struct migrate_target *target, const struct migrate_note *note,
                    struct chaos_error *err)
{
    struct arriving a = {.target = target};
    int rc, lock = open_again(&a, note, err);

    if (lock < 0)
        return lock;
    if (a.note.phase == MIGRATE_LOADED)
        rc = drop(&a, err);
    else
        rc = chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE, "%s does not wait (any more)",
                             note->name);
    close_again(&a, lock);
    return rc;
}

int migrate_take_over(const struct migrate_target *target, const struct migrate_note *note,
                      struct chaos_error *err)
{
    struct arriving a = {.target = target};
    int rc = 0, lock = open_again(&a, note, err);

    if (lock < 0)
        return lock;
    if (a.note.phase == MIGRATE_RUNNING)
        forget(&a);
    else if (a.note.phase == MIGRATE_LOADED || a.note.phase == MIGRATE_STARTING)
        rc = start(&a, err);
    else
        rc = chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE, "%s was not loaded", note->name);
    if (rc == -ESRCH)
        forget(&a);
    close_again(&a, lock);
    return rc;
}

int migrate_recover(const struct migrate_target *target, const struct migrate_note *note,
                    struct chaos_error *err)
{
    struct arriving a = {.target = target};
    int rc = 0, lock;

    if (note->phase != MIGRATE_LOADING && note->phase != MIGRATE_STARTING)
        return 0;
    lock = open_again(&a, note, err);
    if (lock < 0)
        return lock;
    if (a.note.phase == MIGRATE_LOADING) {
        rc = drop(&a, err);
    } else if (a.note.phase == MIGRATE_STARTING) {
        rc = start(&a, err);
        if (rc == -ESRCH) { /* it went with who was to start it */
            forget(&a);
            rc = 0;
        }
    }
    close_again(&a, lock);
    return rc;
}
