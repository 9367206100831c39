// SPDX-License-Identifier: BSD-3-Clause
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "nearest.h"

#define MEMORY_MIB_MAX (1u << 20)
#define VCPUS_MAX      512

enum section { SECTION_NONE, SECTION_DAEMON, SECTION_POOLS, SECTION_MIGRATION, SECTION_POOL };

struct parser {
    const char *source;
    unsigned int line;
    enum section section;
    struct settings *settings;
    struct chaos_error *err;
};

enum kind {
    KIND_NUMBER,
    KIND_BOOL,
    KIND_PATH,
    KIND_BUS,
    KIND_BRIDGES,
    KIND_STOP,
    KIND_LISTEN,
    KIND_BRIDGE_NAMES
};

static const struct key {
    enum section section;
    const char *name;
    enum kind kind;
    size_t offset; /* in struct settings, or struct pool_settings */
    uint32_t min, max;
} keys[] = {
    {SECTION_DAEMON, "checkpoint_cache_mib", KIND_NUMBER,
     offsetof(struct settings, checkpoint_cache_mib), 0, 1u << 20},
    {SECTION_DAEMON, "clients_per_user", KIND_NUMBER, offsetof(struct settings, clients_per_user),
     1, 1024},
    {SECTION_DAEMON, "console_logs", KIND_PATH, offsetof(struct settings, console_logs), 0, 0},
    {SECTION_DAEMON, "console_log_kib", KIND_NUMBER, offsetof(struct settings, console_log_kib), 16,
     1u << 20},
    {SECTION_DAEMON, "shells_on_stop", KIND_STOP, offsetof(struct settings, drain_on_stop), 0, 0},
    {SECTION_POOLS, "adaptive", KIND_BOOL, offsetof(struct settings, adaptive), 0, 0},
    {SECTION_POOLS, "adaptive_high", KIND_NUMBER, offsetof(struct settings, adaptive_high), 1,
     POOL_LEVEL_MAX},
    {SECTION_POOLS, "refill_rate", KIND_NUMBER, offsetof(struct settings, refill_rate), 1, 1000000},
    {SECTION_MIGRATION, "listen", KIND_LISTEN, 0, 0, 0},
    {SECTION_MIGRATION, "authority", KIND_PATH, offsetof(struct settings, migration.authority), 0,
     0},
    {SECTION_MIGRATION, "certificate", KIND_PATH, offsetof(struct settings, migration.certificate),
     0, 0},
    {SECTION_MIGRATION, "key", KIND_PATH, offsetof(struct settings, migration.key), 0, 0},
    {SECTION_MIGRATION, "timeout", KIND_NUMBER, offsetof(struct settings, migration.timeout_s), 1,
     3600},
    {SECTION_MIGRATION, "incoming", KIND_NUMBER, offsetof(struct settings, migration.incoming), 0,
     64},
    {SECTION_MIGRATION, "outgoing", KIND_NUMBER, offsetof(struct settings, migration.outgoing), 1,
     64},
    {SECTION_MIGRATION, "bridges", KIND_BRIDGE_NAMES, 0, 0, 0},
    {SECTION_POOL, "memory", KIND_NUMBER, offsetof(struct pool_settings, flavour.memory_mib), 1,
     MEMORY_MIB_MAX},
    {SECTION_POOL, "vcpus", KIND_NUMBER, offsetof(struct pool_settings, flavour.vcpus), 1,
     VCPUS_MAX},
    {SECTION_POOL, "max_event_channels", KIND_NUMBER,
     offsetof(struct pool_settings, flavour.max_event_channels), 1, 131071},
    {SECTION_POOL, "max_grant_frames", KIND_NUMBER,
     offsetof(struct pool_settings, flavour.max_grant_frames), 1, 1u << 20},
    {SECTION_POOL, "bus", KIND_BUS, offsetof(struct pool_settings, flavour.bus), 0, 0},
    {SECTION_POOL, "vif", KIND_BRIDGES, 0, 0, 0},
    {SECTION_POOL, "kernel", KIND_PATH, offsetof(struct pool_settings, flavour.kernel), 0, 0},
    {SECTION_POOL, "ramdisk", KIND_PATH, offsetof(struct pool_settings, flavour.ramdisk), 0, 0},
    {SECTION_POOL, "low", KIND_NUMBER, offsetof(struct pool_settings, low), 0, POOL_LEVEL_MAX},
    {SECTION_POOL, "high", KIND_NUMBER, offsetof(struct pool_settings, high), 1, POOL_LEVEL_MAX},
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static int __attribute__((format(printf, 2, 3))) bad(struct parser *p, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_CONFIG, "%s:%u: %s", p->source, p->line,
                           text);
}

/* ---------------------------------------------------------------- values */

static int number(struct parser *p, const struct key *key, const char *value, uint32_t *out)
{
    uint64_t n = 0;
    const char *c = value;

    for (; *c >= '0' && *c <= '9' && n <= UINT32_MAX; c++)
        n = n * 10 + (unsigned int)(*c - '0');
    if (c == value || *c || n < key->min || n > key->max)
        return bad(p, "%s: \"%s\" is not a number from %u to %u", key->name, value, key->min,
                   key->max);
    *out = (uint32_t)n;
    return 0;
}

/* One of two words: the first is false. */
static int choice(struct parser *p, const struct key *key, const char *value, const char *no,
                  const char *yes, bool *out)
{
    *out = strcmp(value, yes) == 0;
    if (*out || strcmp(value, no) == 0)
        return 0;
    return bad(p, "%s: \"%s\" is neither \"%s\" nor \"%s\"", key->name, value, no, yes);
}

static int path(struct parser *p, const struct key *key, const char *value, char out[256])
{
    if (value[0] != '/')
        return bad(p, "%s: \"%s\" is not an absolute path", key->name, value);
    if (strlen(value) >= 256)
        return bad(p, "%s: the path is longer than 255 bytes", key->name);
    strcpy(out, value);
    return 0;
}

/* "vif = xenbr0 xenbr1": one device on each of these bridges. */
static int bridges(struct parser *p, const char *value, struct flavour *flavour)
{
    static const char space[] = " \t,";

    flavour->nr_vifs = 0;
    for (const char *at = value + strspn(value, space); *at; at += strspn(at, space)) {
        size_t length = strcspn(at, space);

        if (length >= sizeof(flavour->bridge[0]))
            return bad(p, "vif: the bridge's name \"%.*s\" is longer than 15 bytes", (int)length,
                       at);
        if (flavour->nr_vifs == CHAOS_VIFS_MAX)
            return bad(p, "vif: there are more than %d", CHAOS_VIFS_MAX);
        memset(flavour->bridge[flavour->nr_vifs], 0, sizeof(flavour->bridge[0]));
        memcpy(flavour->bridge[flavour->nr_vifs++], at, length);
        at += length;
    }
    return 0;
}

bool settings_listen(struct settings *settings, const char *address)
{
    struct host_port at;

    if (!host_port_parse(address, &at))
        return false;
    if (at.port == 0)
        at.port = MIGRATION_PORT;
    host_port_format(&at, settings->migration.listen);
    return true;
}

static int listen_on(struct parser *p, const char *value)
{
    if (!settings_listen(p->settings, value))
        return bad(p, "listen: \"%s\" is not ADDRESS[:PORT] (an IPv6 address stands in brackets)",
                   value);
    return 0;
}

/* "bridges = THEIRS:OURS ...": what other hosts call their bridges, and this one its own. */
static int bridge_names(struct parser *p, const char *value)
{
    static const char space[] = " \t,";
    struct migration_settings *m = &p->settings->migration;

    m->nr_bridges = 0;
    for (const char *at = value + strspn(value, space); *at; at += strspn(at, space)) {
        size_t length = strcspn(at, space), theirs = strcspn(at, ":"), ours = length - theirs - 1;

        if (theirs == 0 || theirs >= length || theirs >= sizeof(m->bridge[0].theirs) || ours == 0 ||
            ours >= sizeof(m->bridge[0].ours))
            return bad(p, "bridges: \"%.*s\" is not THEIRS:OURS, names of 1 to 15 bytes",
                       (int)length, at);
        if (m->nr_bridges == MIGRATION_BRIDGES)
            return bad(p, "bridges: there are more than %d", MIGRATION_BRIDGES);
        memset(&m->bridge[m->nr_bridges], 0, sizeof(m->bridge[0]));
        memcpy(m->bridge[m->nr_bridges].theirs, at, theirs);
        memcpy(m->bridge[m->nr_bridges++].ours, at + theirs + 1, ours);
        at += length;
    }
    return 0;
}

static int store(struct parser *p, const struct key *key, void *target, const char *value)
{
    void *field = (char *)target + key->offset;
    bool second;
    int rc;

    switch (key->kind) {
    case KIND_NUMBER:
        return number(p, key, value, field);
    case KIND_BOOL:
        return choice(p, key, value, "no", "yes", field);
    case KIND_STOP:
        return choice(p, key, value, "keep", "destroy", field);
    case KIND_PATH:
        return path(p, key, value, field);
    case KIND_LISTEN:
        return listen_on(p, value);
    case KIND_BRIDGE_NAMES:
        return bridge_names(p, value);
    case KIND_BRIDGES:
        return bridges(p, value, &((struct pool_settings *)target)->flavour);
    default:
        rc = choice(p, key, value, "noxs", "xenstore", &second);
        *(enum chaos_bus *)field = second ? CHAOS_BUS_XENSTORE : CHAOS_BUS_NOXS;
        return rc;
    }
}

/* ---------------------------------------------------------------- lines */

int pool_name_check(const char *name, struct chaos_error *err)
{
    if (chaos_name_check(name, err) < 0)
        return chaos_error_wrap(err, "pool");
    if (strlen(name) > POOL_NAME_MAX)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "the pool's name \"%s\" is longer than %d bytes", name,
                               POOL_NAME_MAX);
    return 0;
}

static int add_pool(struct parser *p, const char *name)
{
    struct settings *s = p->settings;
    struct pool_settings *grown;
    struct chaos_error why;

    if (pool_name_check(name, &why) < 0)
        return bad(p, "%s", why.text);
    for (size_t i = 0; i < s->nr_pools; i++)
        if (strcmp(s->pools[i].name, name) == 0)
            return bad(p, "there is a pool \"%s\" already", name);
    if (s->nr_pools == POOLS_MAX)
        return bad(p, "there are more than %d pools", POOLS_MAX);
    grown = realloc(s->pools, (s->nr_pools + 1) * sizeof(*grown));
    if (!grown)
        return chaos_error_set(p->err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    s->pools = grown;
    grown += s->nr_pools++;
    memset(grown, 0, sizeof(*grown));
    strcpy(grown->name, name);
    grown->flavour.vcpus = 1;
    return 0;
}

/* "[daemon]", "[pools]", "[migration]", "[pool NAME]" */
static int begin_section(struct parser *p, char *text)
{
    size_t length = strlen(text);

    if (text[length - 1] != ']')
        return bad(p, "']' is missing");
    text[length - 1] = '\0';
    text++;
    if (strcmp(text, "daemon") == 0) {
        p->section = SECTION_DAEMON;
    } else if (strcmp(text, "pools") == 0) {
        p->section = SECTION_POOLS;
    } else if (strcmp(text, "migration") == 0) {
        p->section = SECTION_MIGRATION;
    } else if (strncmp(text, "pool ", 5) == 0) {
        p->section = SECTION_POOL;
        return add_pool(p, text + 5 + strspn(text + 5, " \t"));
    } else {
        return bad(p,
                   "unknown section [%s]: there are [daemon], [pools], [migration] and [pool NAME]",
                   text);
    }
    return 0;
}

static int assign(struct parser *p, const char *name, const char *value)
{
    struct settings *s = p->settings;
    struct nearest n;

    if (p->section == SECTION_NONE)
        return bad(p, "\"%s\" stands before the first section", name);
    nearest_init(&n, name);
    for (size_t i = 0; i < NR_KEYS; i++) {
        if (keys[i].section != p->section)
            continue;
        if (strcmp(keys[i].name, name) == 0)
            return store(
                p, &keys[i],
                p->section == SECTION_POOL ? (void *)&s->pools[s->nr_pools - 1] : (void *)s, value);
        nearest_offer(&n, keys[i].name);
    }
    if (n.best)
        return bad(p, "unknown key \"%s\" (did you mean \"%s\"?)", name, n.best);
    return bad(p, "unknown key \"%s\"", name);
}

static void trim(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && strchr(" \t\r", text[length - 1]))
        text[--length] = '\0';
}

static int parse_line(struct parser *p, char *line)
{
    char *name = line + strspn(line, " \t"), *value;

    name[strcspn(name, "#")] = '\0';
    trim(name);
    if (*name == '\0')
        return 0;
    if (*name == '[')
        return begin_section(p, name);
    value = strchr(name, '=');
    if (!value)
        return bad(p, "neither a section nor \"key = value\"");
    *value++ = '\0';
    trim(name);
    return assign(p, name, value + strspn(value, " \t"));
}

int pool_settings_check(const struct pool_settings *pool, struct chaos_error *err)
{
    if (pool->flavour.memory_mib == 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "pool \"%s\" has no memory",
                               pool->name);
    if (pool->high == 0 || pool->low > pool->high || pool->high > POOL_LEVEL_MAX)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "pool \"%s\": low (%u) is to be at most high (%u), and that from 1 "
                               "to %d",
                               pool->name, pool->low, pool->high, POOL_LEVEL_MAX);
    if (pool->flavour.ramdisk[0] && !pool->flavour.kernel[0])
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "pool \"%s\" has a ramdisk and no kernel", pool->name);
    return 0;
}

static int check_migration(struct parser *p, const struct migration_settings *m)
{
    const int files = (m->authority[0] != 0) + (m->certificate[0] != 0) + (m->key[0] != 0);

    if (files == 0 || files == 3)
        return 0;
    return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_CONFIG,
                           "%s: [migration] has some of authority, certificate and key: all three "
                           "are needed, or none",
                           p->source);
}

int settings_parse(const char *source, const char *text, size_t length, struct settings *settings,
                   struct chaos_error *err)
{
    struct parser p = {.source = source, .settings = settings, .err = err};
    cleanup_free char *copy = malloc(length + 1);
    int rc = 0;

    if (!copy)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strlen(copy) != length)
        return bad(&p, "there is a NUL byte: this is no text");
    for (char *line = copy; rc == 0 && line;) {
        char *end = strchr(line, '\n');

        if (end)
            *end++ = '\0';
        p.line++;
        rc = parse_line(&p, line);
        line = end;
    }
    for (size_t i = 0; rc == 0 && i < settings->nr_pools; i++) {
        struct pool_settings *pool = &settings->pools[i];

        if (pool->high == 0)
            pool->high = pool->low ? pool->low : 1;
        rc = pool_settings_check(pool, err);
        if (rc < 0)
            chaos_error_wrap(err, "%s", source);
    }
    return rc < 0 ? rc : check_migration(&p, &settings->migration);
}

/* ---------------------------------------------------------------- files */

static int read_file(int fd, const char *name, char **text, size_t *length, struct chaos_error *err)
{
    struct stat st;
    ssize_t r;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > SETTINGS_FILE_MAX)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "%s is not a file of at most %u KiB", name, SETTINGS_FILE_MAX >> 10);
    *text = malloc((size_t)st.st_size + 1);
    if (!*text)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    r = pread(fd, *text, (size_t)st.st_size, 0);
    if (r < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_CONFIG, "cannot read %s: %s", name,
                               strerror(errno));
    *length = (size_t)r;
    return 0;
}

int settings_load(const char *name, bool must, struct settings *settings, struct chaos_error *err)
{
    cleanup_close int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    cleanup_free char *text = NULL;
    size_t length = 0;
    int rc;

    if (fd < 0 && errno == ENOENT && !must)
        return 0;
    if (fd < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_CONFIG, "cannot open %s: %s", name,
                               strerror(errno));
    rc = read_file(fd, name, &text, &length, err);
    return rc < 0 ? rc : settings_parse(name, text, length, settings, err);
}

void settings_default(struct settings *settings)
{
    *settings = (struct settings){
        .checkpoint_cache_mib = 64,
        .clients_per_user = 256,
        .console_log_kib = 1024,
        .adaptive = true,
        .adaptive_high = 64,
        .refill_rate = 1000,
        .migration = {.timeout_s = 10, .incoming = 8, .outgoing = 8},
    };
}

void settings_free(struct settings *settings)
{
    free(settings->pools);
    settings->pools = NULL;
    settings->nr_pools = 0;
}
