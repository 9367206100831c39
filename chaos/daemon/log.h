/* SPDX-License-Identifier: BSD-3-Clause */
/* What chaosd has to say to the administrator: one line each, to standard error or to syslog. */
#ifndef CHAOSD_LOG_H
#define CHAOSD_LOG_H

#include <stdbool.h>

extern bool log_verbose;

void log_to_syslog(void);
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Only when verbose. */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
