// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define PROGRAM_MAX 32 /* its name in a line, with a colon and a space */

bool log_verbose;
static const char *program = "";
static bool use_syslog;

void log_as(const char *name)
{
    program = name;
}

void log_to_syslog(void)
{
    openlog(program, LOG_PID, LOG_DAEMON);
    use_syslog = true;
}

static void __attribute__((format(printf, 2, 0)))
log_line(int priority, const char *format, va_list args)
{
    char line[1024];
    const size_t prefix = (size_t)snprintf(line, PROGRAM_MAX, "%s: ", program);
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

#define DEFINE(name, condition, priority)                                                          \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        if (!(condition))                                                                          \
            return;                                                                                \
        va_start(args, format);                                                                    \
        log_line(priority, format, args);                                                          \
        va_end(args);                                                                              \
    }

DEFINE(log_error, true, LOG_ERR)
DEFINE(log_info, true, LOG_INFO)
DEFINE(log_debug, log_verbose, LOG_DEBUG)
