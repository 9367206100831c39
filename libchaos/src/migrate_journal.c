// SPDX-License-Identifier: BSD-3-Clause
#include "migrate_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "hv.h"
#include "record.h"
#include "registry.h"

#define FIRST_LINE "chaos-migration 1\n"
#define NOTE_MAX   1024
#define FILE_MAX   (UUID_TEXT + 16) /* TOKEN.source.lock */
#define LOCK_TRIES 10

static const char role_names[][7] = {[MIGRATE_SOURCE] = "source", [MIGRATE_TARGET] = "target"};

static const char *const phase_names[] = {
    [MIGRATE_SENDING] = "sending",   [MIGRATE_COMMITTING] = "committing",
    [MIGRATE_STAYED] = "stayed",     [MIGRATE_LEFT] = "left",
    [MIGRATE_LOADING] = "loading",   [MIGRATE_LOADED] = "loaded",
    [MIGRATE_STARTING] = "starting", [MIGRATE_RUNNING] = "running",
};

#define NR_PHASES (sizeof(phase_names) / sizeof(phase_names[0]))

struct journal {
    struct migrate_journal journal;
    int dir;
};

const char *migrate_role_name(enum migrate_role role)
{
    return role_names[role];
}

const char *migrate_phase_name(enum migrate_phase phase)
{
    return phase_names[phase];
}

bool migrate_is_held(enum migrate_phase phase)
{
    return phase != MIGRATE_STAYED && phase != MIGRATE_LEFT && phase != MIGRATE_RUNNING;
}

static const char *file_name(char name[FILE_MAX], const uint8_t token[MIGRATE_TOKEN],
                             enum migrate_role role, const char *suffix)
{
    char text[UUID_TEXT];

    uuid_format(token, text);
    snprintf(name, FILE_MAX, "%s.%s%s", text, role_names[role], suffix);
    return name;
}

static int failed(struct chaos_error *err, int error, const char *what)
{
    return chaos_error_set(err, -error, CHAOS_EXIT_FAILURE, "cannot %s the migration's journal: %s",
                           what, strerror(error));
}

static int note_format(const struct migrate_note *note, char text[NOTE_MAX])
{
    char uuid[UUID_TEXT];

    uuid_format(note->uuid, uuid);
    return snprintf(text, NOTE_MAX, FIRST_LINE "phase %s\nname %s\ndomid %u\nuuid %s\npeer %s\n",
                    phase_names[note->phase], note->name, note->domid, uuid, note->peer);
}

/* Takes "KEY VALUE\n" off the text; NULL: it is something else. The value ends with a NUL. */
static char *take_line(char **text, const char *key)
{
    size_t length = strlen(key);
    char *value = *text + length + 1, *end;

    if (strncmp(*text, key, length) != 0 || (*text)[length] != ' ')
        return NULL;
    end = strchr(value, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *text = end + 1;
    return value;
}

static bool take_domid(char **text, uint32_t *domid)
{
    const char *value = take_line(text, "domid");
    char *end;
    unsigned long number;

    if (!value || value[0] < '0' || value[0] > '9')
        return false;
    number = strtoul(value, &end, 10);
    *domid = (uint32_t)number;
    return *end == '\0' && number < HV_DOMID_LIMIT;
}

bool migrate_note_parse(char *text, struct migrate_note *note)
{
    const char *phase, *name, *uuid, *peer;
    size_t i;

    if (strncmp(text, FIRST_LINE, sizeof(FIRST_LINE) - 1) != 0)
        return false;
    text += sizeof(FIRST_LINE) - 1;
    if (!(phase = take_line(&text, "phase")) || !(name = take_line(&text, "name")) ||
        !take_domid(&text, &note->domid) || !(uuid = take_line(&text, "uuid")) ||
        !(peer = take_line(&text, "peer")))
        return false;
    for (i = 0; i < NR_PHASES && strcmp(phase, phase_names[i]) != 0; i++)
        ;
    if (i == NR_PHASES || strlen(name) > CHAOS_NAME_MAX || strlen(peer) > MIGRATE_PEER_MAX ||
        !uuid_parse(uuid, note->uuid))
        return false;
    note->phase = (enum migrate_phase)i;
    snprintf(note->name, sizeof(note->name), "%s", name);
    snprintf(note->peer, sizeof(note->peer), "%s", peer);
    return true;
}

static int write_note(struct migrate_journal *base, const struct migrate_note *note,
                      struct chaos_error *err)
{
    const struct journal *journal = (struct journal *)base;
    char name[FILE_MAX], fresh[FILE_MAX], text[NOTE_MAX];
    int length = note_format(note, text);
    cleanup_close int fd = openat(journal->dir, file_name(fresh, note->token, note->role, ".new"),
                                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    ssize_t written;

    if (fd < 0)
        return failed(err, errno, "write");
    written = write(fd, text, (size_t)length);
    if (written != length || renameat(journal->dir, fresh, journal->dir,
                                      file_name(name, note->token, note->role, "")) < 0) {
        int error = written < 0 || written == length ? errno : ENOSPC;

        unlinkat(journal->dir, fresh, 0);
        return failed(err, error, "write");
    }
    return 0;
}

static void remove_note(struct migrate_journal *base, const struct migrate_note *note)
{
    const struct journal *journal = (struct journal *)base;
    char name[FILE_MAX];

    unlinkat(journal->dir, file_name(name, note->token, note->role, ""), 0);
}

/* TOKEN.source or TOKEN.target, and what comes behind that; NULL: it is another file. */
static const char *parse_file_name(const char *name, uint8_t token[MIGRATE_TOKEN],
                                   enum migrate_role *role)
{
    char text[UUID_TEXT];
    size_t length;

    if (strlen(name) <= UUID_TEXT || name[UUID_TEXT - 1] != '.')
        return NULL;
    memcpy(text, name, UUID_TEXT - 1);
    text[UUID_TEXT - 1] = '\0';
    name += UUID_TEXT;
    length = sizeof(role_names[0]) - 1;
    *role =
        strncmp(name, role_names[MIGRATE_TARGET], length) == 0 ? MIGRATE_TARGET : MIGRATE_SOURCE;
    if (!uuid_parse(text, token) || strncmp(name, role_names[*role], length) != 0)
        return NULL;
    return name + length;
}

int migrate_note_load(int dir, const char *file, struct migrate_note *note, struct chaos_error *err)
{
    struct migrate_note found = {.domid = 0};
    char text[NOTE_MAX + 1];
    cleanup_close int fd = -1;
    struct stat st;
    ssize_t length;

    const char *suffix = parse_file_name(file, found.token, &found.role);

    if (!suffix || *suffix)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_FAILURE, "%s is no migration's journal",
                               file);
    fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return failed(err, errno, "read");
    length = read(fd, text, NOTE_MAX);
    if (length < 0 || fstat(fd, &st) < 0)
        return failed(err, errno, "read");
    found.written_s = st.st_mtime;
    text[length] = '\0';
    if (!migrate_note_parse(text, &found) ||
        (found.phase <= MIGRATE_LEFT) != (found.role == MIGRATE_SOURCE))
        return chaos_error_set(err, -EBADMSG, CHAOS_EXIT_FAILURE,
                               "the migration's journal %s is damaged", file);
    *note = found;
    return 0;
}

static int read_note(struct migrate_journal *base, const uint8_t token[MIGRATE_TOKEN],
                     enum migrate_role role, struct migrate_note *note, struct chaos_error *err)
{
    const struct journal *journal = (struct journal *)base;
    char name[FILE_MAX];

    return migrate_note_load(journal->dir, file_name(name, token, role, ""), note, err);
}

static int lock_note(struct migrate_journal *base, const struct migrate_note *note,
                     struct chaos_error *err)
{
    const struct journal *journal = (struct journal *)base;
    char name[FILE_MAX];
    int tries;

    file_name(name, note->token, note->role, ".lock");
    for (tries = 0; tries < LOCK_TRIES; tries++) {
        cleanup_close int fd =
            openat(journal->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
            return failed(err, errno, "lock");
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            break;
        if (registry_still_there(journal->dir, name, fd)) /* who had it removes it */
            return take_fd(&fd);
    }
    return chaos_error_set(err, -EBUSY, CHAOS_EXIT_FAILURE, "%s: its migration is being worked on",
                           note->name[0] ? note->name : "the guest");
}

static void unlock_note(struct migrate_journal *base, const struct migrate_note *note, int lock)
{
    const struct journal *journal = (struct journal *)base;
    char name[FILE_MAX];

    unlinkat(journal->dir, file_name(name, note->token, note->role, ".lock"), 0);
    close(lock);
}

static void close_journal(struct migrate_journal *base)
{
    struct journal *journal = (struct journal *)base;

    close(journal->dir);
    free(journal);
}

static const struct migrate_journal_ops file_ops = {
    .write = write_note,
    .remove = remove_note,
    .read = read_note,
    .lock = lock_note,
    .unlock = unlock_note,
    .close = close_journal,
};

int migrate_journal_open(const char *run_dir, struct migrate_journal **out, struct chaos_error *err)
{
    struct journal *journal;
    cleanup_close int top =
        open(run_dir ? run_dir : REGISTRY_PATH, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int dir = -1;

    if (top < 0 || (mkdirat(top, "migrations", 0700) < 0 && errno != EEXIST))
        return failed(err, errno, "make");
    dir = openat(top, "migrations", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0)
        return failed(err, errno, "open");
    journal = malloc(sizeof(*journal));
    if (!journal)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    journal->journal.ops = &file_ops;
    journal->dir = take_fd(&dir);
    *out = &journal->journal;
    return 0;
}

static DIR *open_entries(const struct journal *journal, struct chaos_error *err)
{
    int copy = openat(journal->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);

    if (!entries) {
        failed(err, errno, "read");
        if (copy >= 0)
            close(copy);
    }
    return entries;
}

void migrate_journal_tidy(struct migrate_journal *base)
{
    const struct journal *journal = (struct journal *)base;
    struct migrate_note note = {.name = ""};
    struct chaos_error ignored;
    DIR *entries = open_entries(journal, &ignored);
    struct dirent *entry;
    char fresh[FILE_MAX];
    int lock;

    while (entries && (entry = readdir(entries))) {
        const char *suffix = parse_file_name(entry->d_name, note.token, &note.role);

        if (!suffix || *suffix == '\0')
            continue;
        lock = lock_note(base, &note, &ignored);
        if (lock < 0)
            continue;
        unlinkat(journal->dir, file_name(fresh, note.token, note.role, ".new"), 0);
        unlock_note(base, &note, lock);
    }
    if (entries)
        closedir(entries);
}

int migrate_journal_room(struct migrate_journal *base, struct chaos_error *err)
{
    DIR *entries = open_entries((struct journal *)base, err);
    struct migrate_note note;
    unsigned int nr = 0;
    struct dirent *entry;

    if (!entries)
        return err->code;
    while ((entry = readdir(entries))) {
        const char *suffix = parse_file_name(entry->d_name, note.token, &note.role);

        if (suffix && *suffix == '\0')
            nr++;
    }
    closedir(entries);
    if (nr < MIGRATE_NOTES_MAX)
        return 0;
    return chaos_error_set(err, -EUSERS, CHAOS_EXIT_RESOURCE,
                           "%u migrations have not ended on this host: see chaos migrate --list",
                           nr);
}

int migrate_journal_visit(struct migrate_journal *base, migrate_visit *visit, void *opaque,
                          struct chaos_error *err)
{
    const struct journal *journal = (struct journal *)base;
    DIR *entries = open_entries(journal, err);
    struct chaos_error ignored;
    struct migrate_note note;
    struct dirent *entry;

    if (!entries)
        return err->code;
    while ((entry = readdir(entries))) {
        if (migrate_note_load(journal->dir, entry->d_name, &note, &ignored) == 0)
            visit(opaque, &note);
    }
    closedir(entries);
    return 0;
}
