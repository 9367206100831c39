/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client of chaosd(8): what domain.h does, asked of the daemon, which has domains prepared and so
 * answers sooner than the work would take.
 *
 * A handle is one connection, for one thread at a time; many may be open at once. It may be passed
 * to a child over fork or exec, if only one of the two goes on using it. Functions block until the
 * answer is there, at most for the handle's timeout. After -EPROTO, -ECONNRESET, -EPIPE and
 * -ETIMEDOUT a handle is good for chaos_client_close only. What a failed connection had asked for
 * may have been done: a domain that was asked for by name is either there or not, and asking again
 * fails with CHAOS_EXIT_EXISTS if it is. Strings and structs that are filled in need no freeing
 * unless it is said.
 */
#ifndef CHAOS_CLIENT_H
#define CHAOS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/domain.h>
#include <chaos/error.h>

struct chaos_client;

/*
 * socket NULL: what the environment variable CHAOSD_SOCKET says, or chaosd.sock in the state
 * directory (CHAOS_RUN_DIR, or /run/chaos).
 * CHAOS_EXIT_DAEMON: no daemon answers there, or one of another version. CHAOS_EXIT_PRIVILEGE: it
 * is root's, or a member's of the group chaos.
 */
int chaos_client_open(const char *socket, struct chaos_client **out, struct chaos_error *err);
void chaos_client_close(struct chaos_client *client); /* NULL: nothing */

/* How long to wait for an answer; 0: for ever. Without it: one minute. */
int chaos_client_timeout(struct chaos_client *client, uint32_t ms, struct chaos_error *err);

struct chaos_client_info {
    uint32_t protocol, pid;
    char version[32];
    uint64_t uptime_ms;
    char degraded[256]; /* why pools are not at their levels; "": they are, or will be */
};
int chaos_client_info(struct chaos_client *client, struct chaos_client_info *out,
                      struct chaos_error *err);

/* ---------------------------------------------------------------- domains */

struct chaos_client_create {
    const char *config; /* text of a configuration (chaos.cfg(5)); with the overrides < 60 KiB */
    size_t length;
    const char *source;           /* how messages call it; may be NULL */
    const char *directory;        /* what relative paths in it are relative to; NULL: "/" */
    const char *const *overrides; /* further statements, "key=value" */
    size_t nr_overrides;
    bool paused;                   /* do not let it run yet */
    bool strict;                   /* warnings are errors */
    bool cold;                     /* not out of a pool */
    chaos_config_warning *warning; /* told of each; may be NULL */
    void *opaque;
    struct chaos_timing *timing; /* where the daemon's time went, from start_ns 0; may be NULL */
};

/* Returns when the guest runs, not when it has booted. All or nothing. */
int chaos_client_create(struct chaos_client *client, const struct chaos_client_create *request,
                        struct chaos_domain *out, struct chaos_error *err);

/* One of several: domain NULL if it failed, and err then says why. index counts from 0. */
typedef void chaos_client_created(void *opaque, uint32_t index, const struct chaos_domain *domain,
                                  const struct chaos_error *err);

/*
 * The same `count` times (at most 10000) with one request. Domain i (from 1) is called NAME-i; or,
 * where "{n}" stands in the configuration or an override, i is put in its place first. Each is told
 * to `created` (with request->opaque) when it is there; a failure does not keep the others from
 * being made. Returns 0 if all were, or the last failure.
 */
int chaos_client_create_many(struct chaos_client *client, const struct chaos_client_create *request,
                             uint32_t count, chaos_client_created *created,
                             struct chaos_error *err);

struct chaos_client_restore {
    int fd;                       /* the checkpoint, open for reading; stays the caller's */
    const char *source;           /* how messages call it */
    const char *const *overrides; /* "key=value", which win over what was saved */
    size_t nr_overrides;
    bool paused;                   /* do not let it go on yet */
    bool cold;                     /* not out of a pool */
    bool strict;                   /* warnings are errors */
    chaos_config_warning *warning; /* as in struct chaos_client_create, like all below */
    void *opaque;
    struct chaos_timing *timing;
};

/*
 * Makes a domain of a checkpoint (chaos/checkpoint.h) and lets it go on, all or nothing. The daemon
 * reads the file that is open as fd, wherever we have read it to: it needs no right to it of its
 * own. Files that block keep other restores waiting, and nobody else.
 */
int chaos_client_restore(struct chaos_client *client, const struct chaos_client_restore *request,
                         struct chaos_domain *out, struct chaos_error *err);
/* Several as in chaos_client_create_many; each has an own uuid and own MAC addresses. */
int chaos_client_restore_many(struct chaos_client *client,
                              const struct chaos_client_restore *request, uint32_t count,
                              chaos_client_created *created, struct chaos_error *err);

/* which: as for chaos_domain_find; force: as for chaos_domain_destroy. out may be NULL. */
int chaos_client_destroy(struct chaos_client *client, const char *which, bool force,
                         struct chaos_domain *out, struct chaos_error *err);

/* All domains of the host, by id; free(*list). */
int chaos_client_list(struct chaos_client *client, struct chaos_domain **list, size_t *nr,
                      struct chaos_error *err);

/* ---------------------------------------------------------------- pools */

#define CHAOS_POOL_NAME_MAX 31
#define CHAOS_POOL_PATH_MAX 255

/* Domains that are prepared and wait for who asks; what they have in common. */
struct chaos_pool {
    char name[CHAOS_POOL_NAME_MAX + 1];
    uint32_t memory_mib, vcpus;
    enum chaos_bus bus;
    uint32_t nr_vifs;
    char bridge[CHAOS_VIFS_MAX][16];
    char kernel[CHAOS_POOL_PATH_MAX + 1], ramdisk[CHAOS_POOL_PATH_MAX + 1]; /* loaded already */
    uint32_t low, high;
    /* From here on the daemon fills in. */
    uint32_t target, level; /* how many it wants now, and has */
    bool adaptive;          /* made by what was asked for */
    uint64_t hits, misses, refills, failures;
    char degraded[256]; /* why it cannot be filled; "" */
};

/* free(*list) */
int chaos_client_pools(struct chaos_client *client, struct chaos_pool **list, size_t *nr,
                       struct chaos_error *err);
/* Makes a pool, or sets the marks of the one of this name (memory_mib 0: whatever its flavour). */
int chaos_client_pool_set(struct chaos_client *client, const struct chaos_pool *pool,
                          struct chaos_error *err);
/* Destroys a pool's shells, and keeps it empty; name NULL: of all. An adaptive one is forgotten. */
int chaos_client_pool_drain(struct chaos_client *client, const char *name, struct chaos_error *err);

/* ---------------------------------------------------------------- migrations */

struct chaos_client_migrate {
    const char *which;           /* as for chaos_domain_find */
    const char *host;            /* "HOST[:PORT]", "[IPV6]:PORT": its chaosd listens there */
    uint32_t timeout_ms;         /* for the guest to suspend itself; 0: 10 s */
    bool live;                   /* most of its memory goes while it still runs */
    bool compress;               /* with lz4: for slow links */
    struct chaos_timing *timing; /* where the time went, from start_ns 0; may be NULL */
};

/*
 * Moves a guest to another host. 0: it runs there, and here it is no more. -EINPROGRESS: it is
 * paused here, and perhaps runs there, since the other host could not be asked; the daemon asks
 * again, until it is known. Any other failure: it goes on here. It may take long: see
 * chaos_client_timeout. out: as it was; may be NULL.
 */
int chaos_client_migrate(struct chaos_client *client, const struct chaos_client_migrate *request,
                         struct chaos_domain *out, struct chaos_error *err);

/* A migration that is under way, or has not ended. */
struct chaos_migration {
    char name[CHAOS_NAME_MAX + 1];
    uint32_t domid; /* here */
    uint8_t uuid[16];
    char role[8];      /* "source": the guest goes from here; "target": it comes here */
    char phase[16];    /* chaos(1) explains them */
    char host[256];    /* the other one */
    char detail[256];  /* why it has not ended yet; "": it is being worked on, or waits */
    uint32_t tries;    /* to end it */
    uint64_t retry_ms; /* until the next one; 0: none is due */
};
/* free(*list) */
int chaos_client_migrations(struct chaos_client *client, struct chaos_migration **list, size_t *nr,
                            struct chaos_error *err);

/*
 * Ends the migration of a guest that is in doubt, by asking the other host now. force: if that
 * cannot be asked it is lost for good, which only an operator can know: then the guest goes on
 * here, whichever side this is. host: where it runs, "" if that is here, of `size` bytes.
 */
int chaos_client_migrate_finish(struct chaos_client *client, const char *which, bool force,
                                char *host, size_t size, struct chaos_error *err);
/* Drops a copy that waits here for the decision of the host that it comes from. */
int chaos_client_migrate_discard(struct chaos_client *client, const char *which,
                                 struct chaos_error *err);

/* ---------------------------------------------------------------- statistics */

struct chaos_metric {
    char name[32];
    bool timed;     /* the times are there */
    uint64_t value; /* how often, or how many */
    uint64_t p50_ns, p99_ns, max_ns;
};
/* Since the daemon's start; free(*list). */
int chaos_client_stats(struct chaos_client *client, struct chaos_metric **list, size_t *nr,
                       struct chaos_error *err);

/* ---------------------------------------------------------------- events */

/* Something that happened to a guest, or to a pool. */
struct chaos_event {
    uint64_t sequence; /* counted from the daemon's start */
    uint64_t lost;     /* so many before it could not be told */
    uint64_t time_ns;  /* CLOCK_REALTIME */
    uint32_t domid;    /* 0: none */
    uint8_t uuid[16];
    char name[CHAOS_NAME_MAX + 1];
    char kind[24]; /* "created", "shutdown", "destroyed", ...: chaos(1) lists them */
    bool ended;    /* reason says how */
    enum chaos_shutdown reason;
    char detail[128]; /* more about it, or "" */
};

/*
 * Has what happens from now on sent on this handle, which is good for chaos_client_next_event and
 * chaos_client_close from then on. chaos_client_events: with the last `tail` events before it
 * (the daemon keeps 1024), and only with these unless follow.
 */
int chaos_client_subscribe(struct chaos_client *client, struct chaos_error *err);
int chaos_client_events(struct chaos_client *client, uint32_t tail, bool follow,
                        struct chaos_error *err);
/* Readable when there is an event, or the connection ended. For poll; do not read it. */
int chaos_client_fd(const struct chaos_client *client);
/* -EAGAIN: there is none now. -ENODATA: there will be none. Both leave err untouched. */
int chaos_client_next_event(struct chaos_client *client, struct chaos_event *out,
                            struct chaos_error *err);

/* What the daemon knows of a guest beyond its domain. */
struct chaos_guest {
    char state[16];        /* "running", "shut down", "backoff", "restarting", "destroying" */
    uint32_t restarts;     /* by the daemon, since it was created or the daemon began */
    uint32_t quick_ends;   /* in a row */
    uint64_t restart_ms;   /* until its restart, in state "backoff" */
    uint64_t output_bytes; /* that it wrote to its console */
};
/* CHAOS_EXIT_NOT_FOUND: it is none that chaos made. */
int chaos_client_guest(struct chaos_client *client, const char *which, struct chaos_guest *out,
                       struct chaos_error *err);

/* ---------------------------------------------------------------- consoles */

/*
 * Has the log of a guest's console sent on this handle: the last `tail` lines (UINT32_MAX: all that
 * is kept), and what follows, through restarts, until the guest is gone. Also of one that is gone
 * already, but not for long. The handle is good for chaos_client_output and chaos_client_close.
 */
int chaos_client_logs(struct chaos_client *client, const char *which, uint32_t tail, bool follow,
                      struct chaos_error *err);

/*
 * Attaches the guest's console: the end of its log, and what follows. *writer: the process that was
 * there before and may type; 0: we may, with chaos_client_input.
 */
int chaos_client_console(struct chaos_client *client, const char *which, uint32_t *writer,
                         struct chaos_error *err);
/* At most 4096 bytes, and only once what was sent before has been taken. */
#define CHAOS_CLIENT_INPUT_MAX 4096u
int chaos_client_input(struct chaos_client *client, const char *which, const char *bytes,
                       size_t length, struct chaos_error *err);

struct chaos_output {
    const char *bytes; /* until the handle is used again; any bytes at all */
    size_t length;
    uint64_t lost; /* so many before these are not kept any more */
    bool taken;    /* the input that was sent is in the guest's hands */
};
/* As chaos_client_next_event. */
int chaos_client_output(struct chaos_client *client, struct chaos_output *out,
                        struct chaos_error *err);

#endif
