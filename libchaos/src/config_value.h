/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration text as a list of settings, before any key has a meaning. */
#ifndef CHAOS_CONFIG_VALUE_H
#define CHAOS_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "config_report.h"

#define CONFIG_SETTINGS_MAX 1024
#define CONFIG_VALUES_MAX   65536
#define CONFIG_DEPTH_MAX    16 /* of lists in lists */

/* Memory of one parse, given back at once. The first chunk is part of the struct: a usual
 * configuration needs no other. */
struct config_arena_chunk {
    struct config_arena_chunk *next;
    max_align_t bytes[];
};

struct config_arena {
    struct config_arena_chunk *chunks;
    char *next;
    size_t room;
    max_align_t first[64];
};

void config_arena_init(struct config_arena *arena);
void *config_arena_alloc(struct config_arena *arena, size_t size); /* NULL: out of memory */
void config_arena_free(struct config_arena *arena);

struct config_value {
    bool is_list;
    const char *string;                /* of a string or number */
    struct config_value *first, *last; /* of a list */
    struct config_value *next;         /* in the list that this is in */
    unsigned int line;
};

struct config_setting {
    const char *name;
    struct config_value *value;
    struct config_place place;
    struct config_setting *next;
};

/* The settings, one a key: a later one replaces an earlier one in its place. */
struct config_document {
    struct config_arena arena;
    struct config_report *report;
    struct config_setting *settings;
    struct config_setting **tail;
    unsigned int nr_settings, nr_values;
};

void config_document_init(struct config_document *document, struct config_report *report);
void config_document_free(struct config_document *document);

/* Adds the statements of text. Errors go to the report. 0 or -ENOMEM. */
int config_document_parse(struct config_document *document, const char *source, const char *text,
                          size_t length);

/* Adds a statement given as an argument: as above, and a bare word is taken for a string. */
int config_document_override(struct config_document *document, const char *argument);

/* Reports that text is no number, as an error with a hint if the reason can be guessed. */
void config_not_a_number(struct config_report *report, struct config_place place, const char *key,
                         const char *text);

struct config_setting *config_document_find(struct config_document *document, const char *name);

#endif
