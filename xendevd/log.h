/* SPDX-License-Identifier: BSD-3-Clause */
/* One line a message: to standard error, or to syslog once the daemon has left its terminal. */
#ifndef XENDEVD_LOG_H
#define XENDEVD_LOG_H

#include <stdbool.h>

extern bool log_verbose;

void log_to_syslog(void);
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
