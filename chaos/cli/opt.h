/* SPDX-License-Identifier: BSD-3-Clause */
/* Option specifications: one const array a command drives parsing, help and completion. */
#ifndef CHAOS_CLI_OPT_H
#define CHAOS_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chaos/error.h>

/* What an option's value is stored as, in the command's own options struct. */
enum opt_kind {
    OPT_KIND_END = 0,
    OPT_KIND_FLAG,     /* bool */
    OPT_KIND_STRING,   /* const char *; the argument may be left out if `optional` names a value */
    OPT_KIND_UNSIGNED, /* uint32_t, decimal, min .. max */
};

struct opt_spec {
    char short_name; /* 0: none */
    uint8_t kind;    /* enum opt_kind */
    uint16_t offset; /* in the options struct */
    const char *long_name;
    const char *argument; /* NULL: a flag. "a|b|c": one of these words, checked and completed */
    const char *optional; /* value of "--name" without "=argument"; NULL: an argument is required */
    const char *help;
    uint32_t min, max; /* OPT_KIND_UNSIGNED */
};

/* Rows of an option table; `type` is the command's options struct, zeroed before parsing. */
#define OPT_FLAG(type, field, letter, name, text)                                                  \
    {                                                                                              \
        .kind = OPT_KIND_FLAG, .short_name = (letter), .long_name = (name), .help = (text),        \
        .offset = offsetof(type, field) + OPT_CHECK(type, field, bool),                            \
    }
#define OPT_STRING(type, field, letter, name, arg, text)                                           \
    {                                                                                              \
        .kind = OPT_KIND_STRING, .short_name = (letter), .long_name = (name), .argument = (arg),   \
        .help = (text), .offset = offsetof(type, field) + OPT_CHECK(type, field, const char *),    \
    }
#define OPT_STRING_OPTIONAL(type, field, letter, name, arg, without, text)                         \
    {                                                                                              \
        .kind = OPT_KIND_STRING, .short_name = (letter), .long_name = (name), .argument = (arg),   \
        .optional = (without), .help = (text),                                                     \
        .offset = offsetof(type, field) + OPT_CHECK(type, field, const char *),                    \
    }
#define OPT_UNSIGNED(type, field, letter, name, arg, low, high, text)                              \
    {                                                                                              \
        .kind = OPT_KIND_UNSIGNED, .short_name = (letter), .long_name = (name), .argument = (arg), \
        .min = (low), .max = (high), .help = (text),                                               \
        .offset = offsetof(type, field) + OPT_CHECK(type, field, uint32_t),                        \
    }
#define OPT_END                                                                                    \
    {                                                                                              \
        .kind = OPT_KIND_END                                                                       \
    }

/* Room for any command's options struct. */
#define OPT_STRUCT_MAX 128

/* 0; does not compile if the field has another type, or the struct does not fit. */
#define OPT_CHECK(type, field, expected)                                                           \
    (0 * sizeof(char[_Generic(((type *)0)->field, expected : 1, default                            \
                              : -1)]) +                                                            \
     0 * sizeof(char[sizeof(type) <= OPT_STRUCT_MAX ? 1 : -1]))

/*
 * Parses argv[0 .. argc) into *target by specs. Options may stand anywhere before "--"; what is
 * left is moved to the front of argv and counted in *nr_args. "-h" and "--help" set *help.
 */
int opt_parse(const struct opt_spec *specs, void *target, int argc, char **argv, int *nr_args,
              bool *help, struct chaos_error *err);

#endif
