/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a daemon has to say to the administrator: one line each, to standard error, or to syslog
 * once it has left its terminal. Any thread may.
 */
#ifndef CHAOS_LOG_H
#define CHAOS_LOG_H

#include <stdbool.h>

extern bool log_verbose;

/* Who says it, in less than 30 bytes; the name is not copied. */
void log_as(const char *name);
void log_to_syslog(void);
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Only when verbose. */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
