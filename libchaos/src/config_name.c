// SPDX-License-Identifier: BSD-3-Clause
/* What a domain may be called. */
#include <errno.h>
#include <string.h>

#include <chaos/config.h>

static const char *fault_of(const char *name)
{
    static const char digits[] = "0123456789";
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.+-";

    if (!*name)
        return "is empty";
    if (strnlen(name, CHAOS_NAME_MAX + 1) > CHAOS_NAME_MAX)
        return "is longer than 63 bytes";
    if (*name == '-' || *name == '.')
        return "starts with '-' or '.'";
    if (name[strspn(name, allowed)])
        return "may hold only letters, digits and _ . + -";
    if (!name[strspn(name, digits)])
        return "is all digits, which stand for a domain id";
    if (strcmp(name, "Domain-0") == 0)
        return "is the control domain's";
    return NULL;
}

int chaos_name_check(const char *name, struct chaos_error *err)
{
    const char *fault = fault_of(name);

    if (!fault)
        return 0;
    return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG, "name '%.63s' %s", name, fault);
}
