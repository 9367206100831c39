/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is kept about a domain, as text: a few lines of our own, "--", and its configuration in the
 * syntax of a configuration file, from which it can be created anew.
 */
#ifndef CHAOS_RECORD_H
#define CHAOS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/error.h>

#include "text.h"

struct record {
    uint32_t domid; /* 0: not made yet */
    uint8_t uuid[16];
    uint8_t
        former_uuid[16]; /* all zero: none; its domain was made with it, and may still have it */
    uint64_t console_frame;
    uint32_t console_port;
    enum chaos_bus bus; /* out only: the configuration's */
    const char *config; /* into the text, or NULL */
    size_t config_length;
};

#define UUID_TEXT 37 /* bytes with NUL */

void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT]);
/* 36 characters, hexadecimal digits and dashes; false if it is something else. */
bool uuid_parse(const char *text, uint8_t uuid[16]);

/* Makes random bytes a uuid of version 4. */
void uuid_mark_random(uint8_t uuid[16]);

/* Adds the record, and of a configuration no more than the bus, to a text that is empty; text_end
 * is the caller's. */
void record_begin(const struct record *record, enum chaos_bus bus, struct text *text);
/* Adds record and configuration to a text that is empty. */
int record_format(const struct record *record, const struct chaos_config *config, struct text *text,
                  struct chaos_error *err);
/* Brings domid, console_frame and console_port of a text made by record_format up to date. The
 * fields have fixed places: what changed lies in the first RECORD_HEADER bytes. */
void record_update(char *text, const struct record *record);
#define RECORD_HEADER 128u

/* Whether the domain with this uuid can be the record's. */
bool record_is_of(const struct record *record, const uint8_t uuid[16]);
/* The uuid that its domain is made with, and has as long as the record does not tell its id. */
const uint8_t *record_first_uuid(const struct record *record);

/* text[length] is NUL. */
int record_parse(const char *text, size_t length, struct record *out, struct chaos_error *err);
int record_config(const struct record *record, struct chaos_config *out, struct chaos_error *err);

#endif
