// SPDX-License-Identifier: BSD-3-Clause
#include "config_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Room kept for the last line, which counts what did not fit. */
#define TAIL_ROOM 32

void config_report_init(struct config_report *report, const struct chaos_config_options *options)
{
    static const struct chaos_config_options defaults;

    report->options = options ? options : &defaults;
    report->errors = report->warnings = report->unshown = 0;
    report->error.code = 0;
    report->error.exit = CHAOS_EXIT_OK;
    report->error.text[0] = '\0';
}

/* What is quoted from the text may hold anything; it must not steer a terminal. */
static void make_printable(char *line)
{
    for (unsigned char *c = (unsigned char *)line; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

static void __attribute__((format(printf, 4, 0)))
format_line(char *line, size_t size, struct config_place place, const char *format, va_list args)
{
    size_t length;

    if (place.line)
        snprintf(line, size, "%s:%u: ", place.source, place.line);
    else
        snprintf(line, size, "%s: ", place.source);
    length = strlen(line);
    vsnprintf(line + length, size - length, format, args);
    make_printable(line);
}

static void add_error_line(struct config_report *report, const char *line)
{
    char *text = report->error.text;
    size_t used = strlen(text), room = sizeof(report->error.text) - TAIL_ROOM - used;
    size_t length = strlen(line);

    report->errors++;
    if (used && (report->unshown || length + 2 > room)) {
        report->unshown++;
        return;
    }
    if (used)
        text[used++] = '\n';
    if (length >= room)
        length = room - 1;
    memcpy(text + used, line, length);
    text[used + length] = '\0';
}

void config_error(struct config_report *report, struct config_place place, const char *format, ...)
{
    char line[CHAOS_ERROR_TEXT];
    va_list args;

    va_start(args, format);
    format_line(line, sizeof(line), place, format, args);
    va_end(args);
    add_error_line(report, line);
}

void config_warn(struct config_report *report, struct config_place place, const char *format, ...)
{
    char line[CHAOS_ERROR_TEXT];
    va_list args;

    va_start(args, format);
    format_line(line, sizeof(line), place, format, args);
    va_end(args);
    if (report->options->strict) {
        add_error_line(report, line);
        return;
    }
    report->warnings++;
    if (report->options->warning)
        report->options->warning(report->options->opaque, line);
}

bool config_report_full(const struct config_report *report)
{
    return report->errors >= CONFIG_ERRORS_MAX || report->warnings >= CONFIG_WARNINGS_MAX;
}

int config_report_result(struct config_report *report, struct chaos_error *err)
{
    char *text = report->error.text;
    size_t used = strlen(text);

    if (!report->errors)
        return 0;
    if (report->unshown)
        snprintf(text + used, sizeof(report->error.text) - used, "\nand %u more", report->unshown);
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "%s", text);
}
