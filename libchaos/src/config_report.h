/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the findings of one parse are collected: errors joined into one chaos_error, warnings. */
#ifndef CHAOS_CONFIG_REPORT_H
#define CHAOS_CONFIG_REPORT_H

#include <stdarg.h>
#include <stdbool.h>

#include <chaos/config.h>

#define CONFIG_ERRORS_MAX   64 /* a text with more is something else than a configuration */
#define CONFIG_WARNINGS_MAX 64

struct config_report {
    const struct chaos_config_options *options;
    struct chaos_error error; /* .text holds one line an error */
    unsigned int errors, warnings;
    unsigned int unshown; /* errors for which error.text had no room */
};

/* A place in the text; line 0: none, the whole of source is meant. */
struct config_place {
    const char *source;
    unsigned int line;
};

void config_report_init(struct config_report *report, const struct chaos_config_options *options);

void config_error(struct config_report *report, struct config_place place, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));
void config_warn(struct config_report *report, struct config_place place, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* Whether to stop looking: the limits above were reached. */
bool config_report_full(const struct config_report *report);

/* 0, or what was found wrong, in *err. */
int config_report_result(struct config_report *report, struct chaos_error *err);

#endif
