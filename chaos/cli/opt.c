// SPDX-License-Identifier: BSD-3-Clause
/* Option parsing by table, in the manner of getopt_long but with one line of error. */
#include "opt.h"

#include <errno.h>
#include <string.h>

#include "nearest.h"

struct parser {
    const struct opt_spec *specs;
    unsigned char *target;
    int argc, next; /* next word to look at */
    char **argv;
    struct chaos_error *err;
};

static const struct opt_spec no_specs[] = {OPT_END};

static int usage_error(struct parser *p, const char *text, const char *option)
{
    return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_USAGE, "option '%s' %s", option, text);
}

/* Whether value is one of the words of "a|b|c"; anything goes if there is no '|'. */
static bool choice_ok(const char *choices, const char *value)
{
    size_t length = strlen(value);

    if (!strchr(choices, '|'))
        return true;
    for (const char *c = choices; c; c = strchr(c, '|')) {
        c += *c == '|';
        if (strncmp(c, value, length) == 0 && (c[length] == '|' || c[length] == '\0'))
            return length > 0;
    }
    return false;
}

static int store_unsigned(struct parser *p, const struct opt_spec *spec, const char *value)
{
    uint64_t number = 0;
    const char *c = value;

    for (; *c >= '0' && *c <= '9' && number <= UINT32_MAX; c++)
        number = number * 10 + (unsigned int)(*c - '0');
    if (c == value || *c || number < spec->min || number > spec->max)
        return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_USAGE,
                               "--%s: '%s' is not a number from %u to %u", spec->long_name, value,
                               spec->min, spec->max);
    *(uint32_t *)(void *)(p->target + spec->offset) = (uint32_t)number;
    return 0;
}

static int store(struct parser *p, const struct opt_spec *spec, const char *value)
{
    switch (spec->kind) {
    case OPT_KIND_FLAG:
        *(bool *)(p->target + spec->offset) = true;
        return 0;
    case OPT_KIND_UNSIGNED:
        return store_unsigned(p, spec, value);
    default:
        if (!choice_ok(spec->argument, value))
            return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_USAGE, "--%s: '%s' is not one of %s",
                                   spec->long_name, value, spec->argument);
        *(const char **)(void *)(p->target + spec->offset) = value;
        return 0;
    }
}

/* The option's argument: attached to it, its default, or the next word. */
static const char *take_argument(struct parser *p, const struct opt_spec *spec,
                                 const char *attached)
{
    if (attached)
        return attached;
    if (spec->optional)
        return spec->optional;
    return p->next < p->argc ? p->argv[p->next++] : NULL;
}

static int apply(struct parser *p, const struct opt_spec *spec, const char *shown,
                 const char *attached)
{
    const char *value = NULL;

    if (spec->argument) {
        value = take_argument(p, spec, attached);
        if (!value)
            return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_USAGE,
                                   "option '%s' needs an argument (%s)", shown, spec->argument);
    } else if (attached) {
        return usage_error(p, "takes no argument", shown);
    }
    return store(p, spec, value);
}

static int unknown_long(struct parser *p, const char *name)
{
    struct nearest n;

    nearest_init(&n, name);
    for (const struct opt_spec *s = p->specs; s->kind; s++)
        nearest_offer(&n, s->long_name);
    nearest_offer(&n, "help");
    if (n.best)
        return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_USAGE,
                               "unknown option '--%s' (did you mean '--%s'?)", name, n.best);
    return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_USAGE, "unknown option '--%s'", name);
}

static int parse_long(struct parser *p, char *word, bool *help)
{
    char *name = word + 2, *equals = strchr(name, '=');

    if (strcmp(name, "help") == 0) {
        *help = true;
        return 0;
    }
    if (equals)
        *equals = '\0';
    for (const struct opt_spec *s = p->specs; s->kind; s++)
        if (strcmp(s->long_name, name) == 0)
            return apply(p, s, word, equals ? equals + 1 : NULL);
    return unknown_long(p, name);
}

/* "-abc" is -a -b -c, or -a with the argument "bc". */
static int parse_short(struct parser *p, const char *word, bool *help)
{
    for (const char *c = word + 1; *c; c++) {
        const struct opt_spec *s = p->specs;
        char shown[3] = {'-', *c, '\0'};
        const char *attached = NULL;
        int rc;

        if (*c == 'h') {
            *help = true;
            continue;
        }
        while (s->kind && s->short_name != *c)
            s++;
        if (!s->kind)
            return chaos_error_set(p->err, -EINVAL, CHAOS_EXIT_USAGE, "unknown option '%s'", word);
        if (s->argument && c[1])
            attached = c + 1;
        rc = apply(p, s, shown, attached);
        if (rc || attached)
            return rc;
    }
    return 0;
}

int opt_parse(const struct opt_spec *specs, void *target, int argc, char **argv, int *nr_args,
              bool *help, struct chaos_error *err)
{
    struct parser p = {
        .specs = specs ? specs : no_specs,
        .target = target,
        .argc = argc,
        .argv = argv,
        .err = err,
    };
    int kept = 0, rc = 0;

    *help = false;
    while (p.next < argc && rc == 0) {
        char *word = argv[p.next++];

        if (word[0] != '-' || word[1] == '\0')
            argv[kept++] = word;
        else if (strcmp(word, "--") == 0)
            break;
        else if (word[1] == '-')
            rc = parse_long(&p, word, help);
        else
            rc = parse_short(&p, word, help);
    }
    while (p.next < argc && rc == 0)
        argv[kept++] = argv[p.next++];
    *nr_args = kept;
    return rc;
}
