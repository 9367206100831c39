/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /etc/chaos/chaosd.conf (chaosd.conf(5)): sections of "key = value" lines. The keys are one table;
 * a [pool NAME] section may be there many times.
 */
#ifndef CHAOSD_SETTINGS_H
#define CHAOSD_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

#include "host_port.h"
#include "shell.h"

#define SETTINGS_PATH     "/etc/chaos/chaosd.conf"
#define SETTINGS_FILE_MAX (256u << 10)
#define POOL_NAME_MAX     31
#define POOLS_MAX         64
#define POOL_LEVEL_MAX    8192

struct pool_settings {
    char name[POOL_NAME_MAX + 1];
    struct flavour flavour;
    uint32_t low, high;
};

#define MIGRATION_PORT    8002 /* Xen's own for this */
#define MIGRATION_BRIDGES 16

struct migration_settings {
    char listen[HOST_PORT_TEXT]; /* an address; "": nobody comes from elsewhere */
    char authority[256], certificate[256], key[256]; /* files; "": no TLS */
    uint32_t timeout_s;                              /* longest silence of the other host */
    uint32_t incoming, outgoing;                     /* guests at once */
    struct {
        char theirs[16], ours[16];
    } bridge[MIGRATION_BRIDGES]; /* those that are called otherwise here */
    uint32_t nr_bridges;
};

struct settings {
    /* [daemon] */
    uint32_t clients_per_user;
    uint32_t checkpoint_cache_mib; /* 0: none are kept */
    bool drain_on_stop;
    char console_logs[256]; /* folder; "": no files */
    uint32_t console_log_kib;
    /* [pools] */
    bool adaptive;
    uint32_t adaptive_high;              /* shells of one flavour */
    uint32_t refill_rate;                /* shells a second at most */
    struct migration_settings migration; /* [migration] */
    /* [pool NAME] */
    struct pool_settings *pools;
    size_t nr_pools;
};

void settings_default(struct settings *settings);
/* Reads text over what is in *settings. source names it in messages. */
int settings_parse(const char *source, const char *text, size_t length, struct settings *settings,
                   struct chaos_error *err);
/* A file that is not there is an empty one, unless it must be. */
int settings_load(const char *path, bool must, struct settings *settings, struct chaos_error *err);
void settings_free(struct settings *settings);

/* Takes the address to listen on; false: it is none. */
bool settings_listen(struct settings *settings, const char *address);

/* 0 if such a pool may be: bounds of its numbers, and low <= high. */
int pool_settings_check(const struct pool_settings *pool, struct chaos_error *err);
/* 0 if it may be the name of a pool: as a domain's, but shorter. */
int pool_name_check(const char *name, struct chaos_error *err);

#endif
