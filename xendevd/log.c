// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

bool log_verbose;
static bool use_syslog;

void log_to_syslog(void)
{
    openlog("xendevd", LOG_PID, LOG_DAEMON);
    use_syslog = true;
}

static void __attribute__((format(printf, 2, 0)))
log_line(int priority, const char *format, va_list args)
{
    char line[512] = "xendevd: ";
    const size_t prefix = strlen(line);
    size_t length;

    vsnprintf(line + prefix, sizeof(line) - prefix - 1, format, args);
    length = strlen(line);
    if (use_syslog) {
        syslog(priority, "%s", line + prefix);
        return;
    }
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0) {
        /* There is nowhere left to say it. */
    }
}

void log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(LOG_ERR, format, args);
    va_end(args);
}

void log_debug(const char *format, ...)
{
    va_list args;

    if (!log_verbose)
        return;
    va_start(args, format);
    log_line(LOG_INFO, format, args);
    va_end(args);
}
