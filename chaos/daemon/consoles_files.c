// SPDX-License-Identifier: BSD-3-Clause
#include "consoles_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "worker.h"

#define BATCH 64 /* consoles of one job */

struct piece {
    char name[CHAOS_NAME_MAX + 1];
    uint64_t lost; /* before these bytes */
    char *bytes;
    size_t length;
};

struct filing {
    struct job job;
    const char *directory;
    uint64_t most; /* bytes of a file */
    struct piece pieces[BATCH];
    size_t nr;
    int rc; /* of the last piece that could not be written */
};

/* ---------------------------------------------------------------- on a worker */

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t r = write(fd, bytes, length);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        bytes += r;
        length -= (size_t)r;
    }
    return 0;
}

static int open_log(int directory, const char *file)
{
    return openat(directory, file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* The file, or a new one if these bytes would make it too large. */
static int open_with_room(int directory, const char *name, size_t length, uint64_t most)
{
    char file[CHAOS_NAME_MAX + 8], former[CHAOS_NAME_MAX + 8];
    struct stat st;
    int fd;

    snprintf(file, sizeof(file), "%s.log", name);
    snprintf(former, sizeof(former), "%s.log.1", name);
    fd = open_log(directory, file);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0 || (uint64_t)st.st_size + length <= most)
        return fd;
    close(fd);
    if (renameat(directory, file, directory, former) < 0)
        return -1;
    return open_log(directory, file);
}

static int write_piece(int directory, const struct piece *piece, uint64_t most)
{
    cleanup_close int fd = open_with_room(directory, piece->name, piece->length, most);
    char note[64];
    int length, rc = 0;

    if (fd < 0)
        return -errno;
    if (piece->lost > 0) {
        length = snprintf(note, sizeof(note), "\n[%llu bytes are missing here]\n",
                          (unsigned long long)piece->lost);
        rc = write_all(fd, note, (size_t)length);
    }
    return rc < 0 ? rc : write_all(fd, piece->bytes, piece->length);
}

static void write_pieces(struct job *job, struct chaos *chaos)
{
    struct filing *filing = container_of(job, struct filing, job);
    cleanup_close int directory = open(filing->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    size_t i;
    int rc;

    (void)chaos;
    if (directory < 0) {
        filing->rc = -errno;
        return;
    }
    for (i = 0; i < filing->nr; i++) {
        rc = write_piece(directory, &filing->pieces[i], filing->most);
        if (rc < 0)
            filing->rc = rc;
    }
}

/* ---------------------------------------------------------------- on the loop */

/* Copies what the console's file has not got. */
static void add_piece(struct filing *filing, struct console *console)
{
    struct piece *piece = &filing->pieces[filing->nr];
    const char *bytes;
    size_t length;

    piece->bytes = malloc(LOG_MAX);
    if (!piece->bytes)
        return;
    piece->lost = 0;
    piece->length = 0;
    while ((length = log_read(&console->log, &console->filed, &piece->lost, &bytes)) > 0) {
        memcpy(piece->bytes + piece->length, bytes, length);
        piece->length += length;
        console->filed += length;
    }
    strcpy(piece->name, console->name);
    filing->nr++;
}

static struct filing *collect(struct consoles *consoles)
{
    const struct settings *settings = &consoles->daemon->settings;
    struct filing *filing = calloc(1, sizeof(*filing));
    struct console *console;

    if (!filing)
        return NULL;
    filing->directory = settings->console_logs;
    filing->most = (uint64_t)settings->console_log_kib << 10;
    while ((console = consoles->unfiled) && filing->nr < BATCH) {
        consoles->unfiled = console->next_unfiled;
        console->unfiled = false;
        add_piece(filing, console);
    }
    return filing;
}

static void filing_free(struct filing *filing)
{
    while (filing->nr > 0)
        free(filing->pieces[--filing->nr].bytes);
    free(filing);
}

static void start_timer(struct consoles *consoles)
{
    if (consoles->unfiled && !consoles->filing && consoles->file_timer.place == 0)
        loop_timer_start(consoles->daemon->loop, &consoles->file_timer, FILES_DELAY_NS);
}

static void written(struct job *job, struct daemon *daemon)
{
    struct filing *filing = container_of(job, struct filing, job);
    struct consoles *consoles = daemon->consoles;

    if (consoles) {
        if (filing->rc < 0 && filing->rc != consoles->file_error)
            log_error("cannot write consoles to %s: %s", filing->directory, strerror(-filing->rc));
        consoles->file_error = filing->rc;
        consoles->filing = false;
        start_timer(consoles);
    }
    filing_free(filing);
}

static void time_to_write(struct loop_timer *timer)
{
    struct consoles *consoles = container_of(timer, struct consoles, file_timer);
    struct filing *filing = collect(consoles);

    if (!filing) {
        start_timer(consoles);
        return;
    }
    filing->job.run = write_pieces;
    filing->job.done = written;
    consoles->filing = true;
    worker_submit(consoles->daemon, &filing->job, JOB_BACKGROUND);
}

void files_note(struct console *console)
{
    struct consoles *consoles = console->daemon->consoles;

    if (!consoles->daemon->settings.console_logs[0] || console->unfiled)
        return;
    console->unfiled = true;
    console->next_unfiled = consoles->unfiled;
    consoles->unfiled = console;
    start_timer(consoles);
}

void files_forget(struct console *console)
{
    struct console **link = &console->daemon->consoles->unfiled;

    if (!console->unfiled)
        return;
    while (*link != console)
        link = &(*link)->next_unfiled;
    *link = console->next_unfiled;
    console->unfiled = false;
}

void files_init(struct consoles *consoles)
{
    const char *directory = consoles->daemon->settings.console_logs;

    consoles->file_timer.expired = time_to_write;
    if (directory[0] && mkdir(directory, 0700) < 0 && errno != EEXIST)
        log_error("cannot make %s for the consoles: %s", directory, strerror(errno));
}

void files_fini(struct consoles *consoles)
{
    struct filing *filing;

    loop_timer_stop(consoles->daemon->loop, &consoles->file_timer);
    while (consoles->unfiled && (filing = collect(consoles))) {
        write_pieces(&filing->job, NULL);
        filing_free(filing);
    }
}
