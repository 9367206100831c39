// SPDX-License-Identifier: BSD-3-Clause
#include "hv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int hv_error(struct chaos_error *err, int rc, const char *what, ...)
{
    enum chaos_exit exit = CHAOS_EXIT_FAILURE;
    const char *why = strerror(-rc);
    char object[128];
    va_list args;

    va_start(args, what);
    vsnprintf(object, sizeof(object), what, args);
    va_end(args);
    switch (-rc) {
    case EACCES: /* Xen's answer to a structure of another version */
        exit = CHAOS_EXIT_PRIVILEGE;
        why = "this Xen speaks another version of its control interface than 4.17";
        break;
    case EPERM:
    case ENOSYS:
        exit = CHAOS_EXIT_PRIVILEGE;
        why = "Xen refuses it; only the control domain may";
        break;
    case ENOMEM:
    case ENOSPC:
    case ENFILE:
        exit = CHAOS_EXIT_RESOURCE;
        break;
    case ESRCH:
        exit = CHAOS_EXIT_NOT_FOUND;
        why = "the domain is gone";
        break;
    default:
        break;
    }
    return chaos_error_set(err, rc, exit, "cannot %s: %s", object, why);
}
