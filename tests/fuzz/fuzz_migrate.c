// SPDX-License-Identifier: BSD-3-Clause
/*
 * What another host sends, to either side of a migration, and a note of the journal. Whatever
 * comes, a guest is destroyed only if the target said that it has it, started only after GO, and
 * goes on here or waits otherwise.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "migrate_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---------------------------------------------------------------- the other host, and what it
 * finds */

struct input {
    struct peer peer;
    const uint8_t *at, *end;
};

static int take(struct peer *peer, const struct iovec *parts, int nr)
{
    (void)peer;
    (void)parts;
    (void)nr;
    return 0;
}

static ssize_t give(struct peer *peer, void *buffer, size_t size)
{
    struct input *input = (struct input *)peer;
    const size_t left = (size_t)(input->end - input->at);

    if (size > left)
        size = left;
    memcpy(buffer, input->at, size);
    input->at += size;
    return (ssize_t)size;
}

static void leave_open(struct peer *peer)
{
    (void)peer;
}

static const struct peer_ops input_ops = {.write = take, .read = give, .close = leave_open};

static struct {
    struct input *input;
    bool runs, asked, destroyed; /* the source's guest */
    bool loaded, started;        /* the target's */
    bool noted;
    struct migrate_note note;
} world;

/* ---------------------------------------------------------------- journal */

static int note_write(struct migrate_journal *journal, const struct migrate_note *note,
                      struct chaos_error *err)
{
    (void)journal;
    (void)err;
    world.note = *note;
    world.noted = true;
    return 0;
}

static void note_remove(struct migrate_journal *journal, const struct migrate_note *note)
{
    (void)journal;
    (void)note;
    world.noted = false;
}

static int note_read(struct migrate_journal *journal, const uint8_t token[MIGRATE_TOKEN],
                     enum migrate_role role, struct migrate_note *note, struct chaos_error *err)
{
    (void)journal;
    (void)token;
    if (!world.noted || world.note.role != role)
        return chaos_error_set(err, -ENOENT, CHAOS_EXIT_FAILURE, "none");
    *note = world.note;
    return 0;
}

static int note_lock(struct migrate_journal *journal, const struct migrate_note *note,
                     struct chaos_error *err)
{
    (void)journal;
    (void)note;
    (void)err;
    return 0;
}

static void note_unlock(struct migrate_journal *journal, const struct migrate_note *note, int lock)
{
    (void)journal;
    (void)note;
    (void)lock;
}

static const struct migrate_journal_ops journal_ops = {
    .write = note_write,
    .remove = note_remove,
    .read = note_read,
    .lock = note_lock,
    .unlock = note_unlock,
};
static struct migrate_journal journal = {&journal_ops};

/* ---------------------------------------------------------------- guests */

static int source_send(void *guest, stream_write *write, void *opaque, struct chaos_error *err)
{
    const struct iovec part = {"guest", 5};

    (void)guest;
    (void)err;
    world.runs = false;
    return write(opaque, &part, 1);
}

static int source_resume(void *guest, struct chaos_error *err)
{
    (void)guest;
    (void)err;
    if (world.destroyed)
        abort();
    world.runs = true;
    return 0;
}

static int source_destroy(void *guest, struct chaos_error *err)
{
    (void)guest;
    (void)err;
    if (world.runs)
        abort();
    world.destroyed = true;
    return 0;
}

static int source_reconnect(void *guest, struct peer **peer, struct chaos_error *err)
{
    (void)guest;
    (void)err;
    *peer = &world.input->peer; /* it goes on where it was */
    return 0;
}

static const struct migrate_source_ops source_ops = {
    .send = source_send,
    .resume = source_resume,
    .destroy = source_destroy,
    .reconnect = source_reconnect,
};

static int target_prepare(void *guest, const struct migrate_offer *offer, struct migrate_note *note,
                          struct chaos_error *err)
{
    (void)guest;
    if (memchr(note->name, '\0', sizeof(note->name)) == NULL ||
        offer->silence_ms > MIGRATE_SILENCE_MAX || offer->config_length > MIGRATE_PAYLOAD_MAX)
        abort();
    if (memchr(offer->config, 'x', offer->config_length))
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "no");
    note->domid = 1;
    return 0;
}

static int target_load(void *guest, stream_read *read, void *opaque, struct chaos_error *err)
{
    char bytes[5];
    size_t done = 0;
    ssize_t got;

    (void)guest;
    while (done < sizeof(bytes) && (got = read(opaque, bytes + done, sizeof(bytes) - done)) > 0)
        done += (size_t)got;
    world.loaded = done == sizeof(bytes);
    return world.loaded ? 0 : chaos_error_set(err, -EBADMSG, CHAOS_EXIT_CONFIG, "cut off");
}

static int target_start(void *guest, struct chaos_error *err)
{
    (void)guest;
    (void)err;
    if (!world.loaded || world.note.phase != MIGRATE_STARTING)
        abort();
    world.started = true;
    return 0;
}

static int target_drop(void *guest, struct chaos_error *err)
{
    (void)guest;
    (void)err;
    if (world.started)
        abort();
    world.loaded = false;
    return 0;
}

static const struct migrate_target_ops target_ops = {
    .prepare = target_prepare,
    .load = target_load,
    .start = target_start,
    .drop = target_drop,
};

static int target_open(void *opaque, const struct migrate_note *note, void **guest,
                       struct chaos_error *err)
{
    (void)note;
    (void)err;
    *guest = opaque;
    return 0;
}

static void target_release(void *opaque, void *guest)
{
    (void)opaque;
    (void)guest;
}

/* ---------------------------------------------------------------- the three */

static void be_source(struct input *input)
{
    const struct migrate_offer offer = {.config = "name = \"a\"\n", .config_length = 11};
    struct migrate_note note = {.name = "a", .domid = 1, .peer = "b:8002"};
    const struct migrate_source source = {.journal = &journal, .note = &note, .ops = &source_ops};
    struct chaos_error err = {0};
    int rc, tries = 0;

    world.runs = true;
    rc = migrate_send(&source, &input->peer, &offer, &err);
    do {
        if ((rc == 0 && !world.destroyed) || (rc == -EINPROGRESS && world.runs) ||
            (rc == -EAGAIN && !world.runs && !world.destroyed) || (rc < 0 && !err.text[0]) ||
            (rc != 0 && rc != -EINPROGRESS && rc != -EAGAIN && !world.runs))
            abort();
        if (world.noted)
            rc = migrate_resolve(&source, &err);
    } while (world.noted && ++tries < 3);
}

static void be_target(struct input *input, bool has_copy)
{
    const struct migrate_target target = {.journal = &journal,
                                          .ops = &target_ops,
                                          .open = target_open,
                                          .release = target_release,
                                          .opaque = input};
    struct chaos_error err = {0};

    if (has_copy) {
        world.loaded = world.noted = true;
        world.note = (struct migrate_note){
            .role = MIGRATE_TARGET, .phase = MIGRATE_LOADED, .name = "a", .domid = 1};
    }
    if (migrate_serve(&input->peer, &target, "a:1", &err) < 0 && !err.text[0])
        abort();
}

static void be_note(const uint8_t *data, size_t size)
{
    struct migrate_note note = {.domid = 0};
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    if (migrate_note_parse(text, &note) &&
        (strlen(note.name) > CHAOS_NAME_MAX || strlen(note.peer) > MIGRATE_PEER_MAX ||
         note.phase > MIGRATE_RUNNING))
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.peer = {.ops = &input_ops}, .at = data + 1, .end = data + size};

    if (size == 0)
        return 0;
    memset(&world, 0, sizeof(world));
    world.input = &input;
    if (data[0] % 4 == 0)
        be_note(data + 1, size - 1);
    else if (data[0] % 4 == 1)
        be_source(&input);
    else
        be_target(&input, data[0] % 4 == 3);
    return 0;
}
