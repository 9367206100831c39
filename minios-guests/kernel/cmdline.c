/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: words separated by spaces; the first of a name counts. */
#include "kernel/kernel.h"

/* The text after the word's first n characters, or null. */
static const char *find(const char *name, size_t n)
{
    const char *s = (const char *)start_info->cmd_line;
    const char *stop = s + strnlen(s, MAX_GUEST_CMDLINE);

    while (s < stop) {
        const char *word = s;

        while (s < stop && *s != ' ')
            s++;
        if ((size_t)(s - word) >= n && !strncmp(word, name, n))
            return word + n;
        while (s < stop && *s == ' ')
            s++;
    }
    return NULL;
}

bool cmdline_get(const char *key, char *value, size_t size)
{
    char name[32];
    const char *s;
    size_t n = (size_t)snprintf(name, sizeof(name), "%s=", key);
    size_t i = 0;

    s = n < sizeof(name) ? find(name, n) : NULL;
    if (!s)
        return false;
    for (; s[i] && s[i] != ' ' && i + 1 < size; i++)
        value[i] = s[i];
    value[i] = '\0';
    return true;
}

bool cmdline_has(const char *word)
{
    const char *s = find(word, strlen(word));

    return s && (!*s || *s == ' ');
}
