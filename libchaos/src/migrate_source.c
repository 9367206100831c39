// SPDX-License-Identifier: BSD-3-Clause
/* The host that a guest leaves. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "migrate_link.h"
#include "timing.h"

static int say_hello(struct migrate_link *link, const struct migrate_source *s,
                     const struct migrate_offer *offer, struct chaos_error *err)
{
    struct migrate_hello hello = {
        .xen_major = htole16(offer->xen_major),
        .xen_minor = htole16(offer->xen_minor),
        .silence_ms = htole32(offer->silence_ms),
    };
    size_t i;

    memcpy(hello.token, s->note->token, sizeof(hello.token));
    memcpy(hello.uuid, s->note->uuid, sizeof(hello.uuid));
    memcpy(hello.name, s->note->name, sizeof(hello.name));
    for (i = 0; i < 8; i++)
        hello.hw_caps[i] = htole32(offer->hw_caps[i]);
    return migrate_link_send2(link, MIGRATE_HELLO, &hello, sizeof(hello), offer->config,
                              offer->config_length, err);
}

static int set_phase(const struct migrate_source *s, enum migrate_phase phase,
                     struct chaos_error *err)
{
    s->note->phase = phase;
    s->note->written_s = time(NULL);
    return s->journal->ops->write(s->journal, s->note, err);
}

static void forget(const struct migrate_source *s)
{
    s->journal->ops->remove(s->journal, s->note);
}

/* ---------------------------------------------------------------- it goes on here */

/* The guest goes on here. owed: the target may have a copy, and is to be told. err keeps why. */
static int stay(const struct migrate_source *s, bool owed, struct chaos_error *err)
{
    struct chaos_error failure, ignored;
    int rc = s->ops->resume(s->guest, &failure);

    if (rc < 0 && rc != -ESRCH) { /* the journal remembers: whoever comes next tries again */
        return chaos_error_set(err, -EINPROGRESS, CHAOS_EXIT_FAILURE,
                               "%s was not moved (%.150s), and is paused here, since it cannot be "
                               "let go on (%.150s); chaos migrate --finish %s tries again",
                               s->note->name, err->text, failure.text, s->note->name);
    }
    if (rc < 0)
        chaos_error_set(err, rc, CHAOS_EXIT_NOT_FOUND,
                        "%s is gone here, and %s does not have it (any more)", s->note->name,
                        s->note->peer);
    if (!owed)
        forget(s);
    else if (set_phase(s, MIGRATE_STAYED, &ignored) < 0)
        s->note->phase =
            MIGRATE_STAYED; /* whoever comes next finds it running, and says the same */
    return err->code;
}

/* Says that the copy is to be dropped. True: it is. */
static bool call_off(struct migrate_link *link)
{
    struct chaos_error ignored;

    return migrate_link_send(link, MIGRATE_ABORT, NULL, 0, &ignored) == 0 &&
           migrate_link_expect(link, MIGRATE_DONE, &ignored) == 0;
}

/* Before anything was decided. complete: all was sent, so that there may be a copy that waits. */
static int give_up(struct migrate_link *link, const struct migrate_source *s, bool complete,
                   struct chaos_error *err)
{
    struct chaos_error ignored;
    int rc;

    if (link->type == MIGRATE_REFUSE) /* its last word */
        return stay(s, false, err);
    if (!complete) { /* what is half loaded goes with the connection */
        migrate_link_send(link, MIGRATE_ABORT, NULL, 0, &ignored);
        return stay(s, false, err);
    }
    rc = stay(s, true, err);
    if (s->note->phase == MIGRATE_STAYED && call_off(link))
        forget(s);
    return rc;
}

/* ---------------------------------------------------------------- it is the target's */

/* It runs at the target. Both notes go when each side knows that the other needs its own no more.
 */
static int leave(struct migrate_link *link, const struct migrate_source *s, struct chaos_error *err)
{
    struct chaos_error ignored, why;

    if (s->ops->destroy(s->guest, &why) < 0)
        return chaos_error_set(err, -EINPROGRESS, CHAOS_EXIT_FAILURE,
                               "%s runs on %s, and what is left here could not be destroyed "
                               "(%.200s); chaos migrate --finish %s tries again",
                               s->note->name, s->note->peer, why.text, s->note->name);
    timing_note(s->timing, "destroy");
    if (migrate_link_send(link, MIGRATE_DONE, NULL, 0, &ignored) == 0 &&
        migrate_link_expect(link, MIGRATE_DONE, &ignored) == 0)
        forget(s);
    else
        set_phase(s, MIGRATE_LEFT, &ignored); /* if not, it is found to be gone */
    timing_note(s->timing, "done");
    return 0;
}

static int in_doubt(const struct migrate_source *s, struct chaos_error *err)
{
    struct chaos_error why = *err;

    return chaos_error_set(err, -EINPROGRESS, CHAOS_EXIT_FAILURE,
                           "%s is paused here, and perhaps runs on %s (%.200s); chaos migrate "
                           "--finish %s asks again",
                           s->note->name, s->note->peer, why.text, s->note->name);
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

/* ---------------------------------------------------------------- asking */

static int ask(struct migrate_link *link, const struct migrate_source *s, enum migrate_where *where,
               struct chaos_error *err)
{
    uint32_t answer;
    int rc = migrate_link_send(link, MIGRATE_ASK, s->note->token, MIGRATE_TOKEN, err);

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

static int act_on(struct migrate_link *link, const struct migrate_source *s,
                  enum migrate_where where, struct chaos_error *err)
{
    bool said;
    int rc;

    switch (where) {
    case MIGRATE_WHERE_RUNNING:
        return leave(link, s, err);
    case MIGRATE_WHERE_LOADED:
        link->type = 0;
        rc = hand_over(link, &said, err);
        if (rc == 0)
            return leave(link, s, err);
        return said ? stay(s, false, err) : in_doubt(s, err);
    case MIGRATE_WHERE_UNKNOWN:
        chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE,
                        "%s goes on here: the other host does not have it", s->note->name);
        return stay(s, false, err);
    default:
        chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE, "the other host still works on it");
        return in_doubt(s, err);
    }
}

/* The guest went on here: a copy that waits is to be dropped. */
static int tell_stayed(struct migrate_link *link, const struct migrate_source *s,
                       enum migrate_where where, struct chaos_error *err)
{
    if (where == MIGRATE_WHERE_UNKNOWN || (where == MIGRATE_WHERE_LOADED && call_off(link))) {
        forget(s);
        return chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE, "%s went on here",
                               s->note->name);
    }
    if (where == MIGRATE_WHERE_RUNNING)
        return chaos_error_set(err, -EAGAIN, CHAOS_EXIT_FAILURE,
                               "%s went on here, and %s runs it, too: somebody has it start there",
                               s->note->name, s->note->peer);
    return chaos_error_set(err, -EAGAIN, CHAOS_EXIT_FAILURE,
                           "%s went on here, and %s is still to drop its copy", s->note->name,
                           s->note->peer);
}

/* The guest is gone here: the target is to know. */
static int tell_left(struct migrate_link *link, const struct migrate_source *s,
                     enum migrate_where where, struct chaos_error *err)
{
    if (where == MIGRATE_WHERE_RUNNING)
        return leave(link, s, err);
    if (where == MIGRATE_WHERE_UNKNOWN) {
        forget(s);
        return 0;
    }
    return chaos_error_set(err, -EAGAIN, CHAOS_EXIT_FAILURE,
                           "%s has moved to %s, which does not answer as it should", s->note->name,
                           s->note->peer);
}

/* The target is said to be lost. Should it come back its copy is to go, or somebody to hear of it.
 */
static int take_back(const struct migrate_source *s, struct chaos_error *err)
{
    chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE,
                    "%s goes on here: %s is said to be lost (%.200s)", s->note->name, s->note->peer,
                    err->text);
    return stay(s, true, err);
}

/* It could not be asked, or not told. */
static int unheard(const struct migrate_source *s, enum migrate_phase phase,
                   struct chaos_error *err)
{
    const struct chaos_error why = *err;

    if (phase == MIGRATE_COMMITTING)
        return s->forced ? take_back(s, err) : in_doubt(s, err);
    return chaos_error_set(err, -EAGAIN, CHAOS_EXIT_FAILURE,
                           "%s %s, which %s is still to hear (%.200s)", s->note->name,
                           phase == MIGRATE_STAYED ? "went on here" : "is gone here", s->note->peer,
                           why.text);
}

static int ask_and_act(const struct migrate_source *s, struct chaos_error *err)
{
    const enum migrate_phase phase = s->note->phase;
    enum migrate_where where = MIGRATE_WHERE_BUSY;
    struct migrate_link link;
    struct peer *peer;
    int rc = s->ops->reconnect(s->guest, &peer, err);

    if (rc < 0)
        return unheard(s, phase, err);
    rc = migrate_link_open(&link, peer, err);
    if (rc == 0)
        rc = ask(&link, s, &where, err);
    if (rc < 0)
        rc = unheard(s, phase, err);
    else if (phase == MIGRATE_COMMITTING)
        rc = act_on(&link, s, where, err);
    else
        rc = phase == MIGRATE_STAYED ? tell_stayed(&link, s, where, err)
                                     : tell_left(&link, s, where, err);
    migrate_link_close(&link);
    peer->ops->close(peer);
    return rc;
}

/* ---------------------------------------------------------------- from the beginning */

/* The target's answer is READY: whether it reads what it would be sent. */
static int check_features(const struct migrate_link *link, const struct migrate_offer *offer,
                          struct chaos_error *err)
{
    struct migrate_ready ready = {0};
    uint32_t missing;

    if (link->length >= sizeof(ready))
        memcpy(&ready, link->payload, sizeof(ready));
    missing = offer->features & ~le32toh(ready.features);
    if (missing == 0)
        return 0;
    return chaos_error_set(err, -EPROTONOSUPPORT, CHAOS_EXIT_FAILURE,
                           "the other host's chaos is older and cannot read what %s sends: "
                           "leave that out",
                           missing & STREAM_LZ4 ? "--compress" : "--live");
}

static int move(struct migrate_link *link, const struct migrate_source *s,
                const struct migrate_offer *offer, struct chaos_error *err)
{
    bool said, complete = false;
    int rc = say_hello(link, s, offer, err);

    if (rc == 0)
        rc = migrate_link_expect(link, MIGRATE_READY, err);
    timing_note(s->timing, "prepare");
    if (rc == 0)
        rc = check_features(link, offer, err);
    if (rc == 0) {
        rc = s->ops->send(s->guest, migrate_link_write, link, err);
        if (rc < 0)
            rc = migrate_link_explain(link, err);
    }
    if (rc == 0) {
        complete = true;
        rc = migrate_link_send(link, MIGRATE_DATA_END, NULL, 0, err);
    }
    if (rc == 0)
        rc = migrate_link_expect(link, MIGRATE_DONE_LOADING, err);
    timing_note(s->timing, "load");
    if (rc == 0)
        rc = set_phase(s, MIGRATE_COMMITTING, err);
    if (rc < 0)
        return give_up(link, s, complete, err);
    rc = hand_over(link, &said, err);
    timing_note(s->timing, "start");
    if (rc == 0)
        return leave(link, s, err);
    return said ? stay(s, false, err) : ask_and_act(s, err);
}

int migrate_send(const struct migrate_source *s, struct peer *peer,
                 const struct migrate_offer *offer, struct chaos_error *err)
{
    struct migrate_link link;
    int rc, lock;

    s->note->role = MIGRATE_SOURCE;
    lock = s->journal->ops->lock(s->journal, s->note, err);
    if (lock < 0)
        return lock;
    rc = migrate_link_open(&link, peer, err);
    if (rc == 0)
        rc = set_phase(s, MIGRATE_SENDING, err); /* before the guest is told, or anybody else */
    if (rc == 0)
        rc = move(&link, s, offer, err);
    migrate_link_close(&link);
    s->journal->ops->unlock(s->journal, s->note, lock);
    return rc;
}

/* Cut short before anything was decided: all may have been sent by then, or nothing. */
static int resolve_sending(const struct migrate_source *s, struct chaos_error *err)
{
    int rc;

    chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE,
                    "%s goes on here: its migration was interrupted", s->note->name);
    rc = stay(s, true, err);
    return s->note->phase == MIGRATE_STAYED ? ask_and_act(s, err) : rc;
}

static bool is_old(const struct migrate_note *note)
{
    return time(NULL) - note->written_s > MIGRATE_OWED_S;
}

/* Where the guest is is known, and whoever has not heard it by now is not told any more. */
static int write_off(const struct migrate_source *s, struct chaos_error *err)
{
    const bool left = s->note->phase == MIGRATE_LEFT;

    forget(s);
    return left ? 0
                : chaos_error_set(err, -ECONNABORTED, CHAOS_EXIT_FAILURE,
                                  "%s went on here, and %s is told no more", s->note->name,
                                  s->note->peer);
}

int migrate_resolve(const struct migrate_source *s, struct chaos_error *err)
{
    struct migrate_journal *journal = s->journal;
    int rc, lock = journal->ops->lock(journal, s->note, err);

    if (lock < 0)
        return lock;
    rc = journal->ops->read(journal, s->note->token, MIGRATE_SOURCE, s->note, err);
    if (rc == 0)
        rc = s->note->phase == MIGRATE_SENDING ? resolve_sending(s, err) : ask_and_act(s, err);
    else if (rc == -ENOENT)
        rc = chaos_error_set(err, -ESRCH, CHAOS_EXIT_NOT_FOUND, "the migration of %s has ended",
                             s->note->name);
    if (rc == -EAGAIN && (s->forced || is_old(s->note)))
        rc = write_off(s, err);
    journal->ops->unlock(journal, s->note, lock);
    return rc;
}
