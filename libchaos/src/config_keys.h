/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of xl.cfg(5), and what chaos makes of each. */
#ifndef CHAOS_CONFIG_KEYS_H
#define CHAOS_CONFIG_KEYS_H

#include <stdint.h>

#include "config_value.h"

enum config_handling {
    CONFIG_SUPPORTED,
    CONFIG_IGNORED, /* cannot matter to a PV guest; xl does not use it there either */
    CONFIG_NOTED,   /* has no effect in chaos, though it would in xl: a warning */
    CONFIG_REFUSED, /* the guest would not be what was asked for: an error unless 0, "" or [] */
};

/* What a whole configuration gathers before it is checked as one. */
struct config_target {
    struct config_report *report;
    struct chaos_config config;
    const char *root, *extra;      /* cmdline is made of these if it is not given */
    uint32_t maxmem_mib, maxvcpus; /* 0: not given */
    bool out_of_memory;
};

struct config_key {
    const char *name;
    uint8_t handling; /* enum config_handling */
    uint16_t offset;  /* supported: where the value goes in struct config_target */
    uint32_t min, max;
    /* Supported: stores the value, reports what is wrong with it. */
    void (*parse)(struct config_target *target, const struct config_key *key,
                  const struct config_setting *setting);
    const char *reason; /* noted, refused: why, and what to do instead */
};

extern const struct config_key config_keys[]; /* sorted by name */
extern const unsigned int config_nr_keys;

const struct config_key *config_key_find(const char *name);

/* config_types.c: values of common kinds. */
void config_parse_string(struct config_target *, const struct config_key *,
                         const struct config_setting *);
void config_parse_text(struct config_target *, const struct config_key *,
                       const struct config_setting *);
void config_parse_path(struct config_target *, const struct config_key *,
                       const struct config_setting *);
void config_parse_number(struct config_target *, const struct config_key *,
                         const struct config_setting *);
void config_parse_name(struct config_target *, const struct config_key *,
                       const struct config_setting *);
void config_parse_uuid(struct config_target *, const struct config_key *,
                       const struct config_setting *);
void config_parse_action(struct config_target *, const struct config_key *,
                         const struct config_setting *);
void config_parse_type(struct config_target *, const struct config_key *,
                       const struct config_setting *);
void config_parse_builder(struct config_target *, const struct config_key *,
                          const struct config_setting *);
void config_parse_bus(struct config_target *, const struct config_key *,
                      const struct config_setting *);

/* config_cpus.c, config_disk.c, config_vif.c: the keys with a grammar of their own. */
void config_parse_cpus(struct config_target *, const struct config_key *,
                       const struct config_setting *);
void config_parse_disks(struct config_target *, const struct config_key *,
                        const struct config_setting *);
void config_parse_vifs(struct config_target *, const struct config_key *,
                       const struct config_setting *);

/* Decimal, octal or hexadecimal as in the file; false: not a number. Saturates at UINT64_MAX. */
bool config_number(const char *text, uint64_t *value);

#endif
