// SPDX-License-Identifier: BSD-3-Clause
/* cpus: "all", "0-3,5,^1"; a list of the same for each vcpu is refused unless all agree. */
#include <string.h>

#include "config_keys.h"

#define CPUS_MAX 256

struct cpu_set {
    uint64_t bits[CPUS_MAX / 64];
};

struct scan {
    struct config_target *target;
    const struct config_setting *setting;
    const char *text; /* for messages */
    const char *at;
};

static void set_range(struct cpu_set *set, unsigned int first, unsigned int last, bool value)
{
    for (unsigned int cpu = first; cpu <= last; cpu++) {
        uint64_t bit = UINT64_C(1) << (cpu % 64);

        if (value)
            set->bits[cpu / 64] |= bit;
        else
            set->bits[cpu / 64] &= ~bit;
    }
}

static bool fault(struct scan *s, const char *why)
{
    config_error(s->target->report, s->setting->place, "%s: '%s' %s", s->setting->name, s->text,
                 why);
    return false;
}

static bool scan_cpu(struct scan *s, unsigned int *cpu)
{
    const char *start = s->at;

    for (*cpu = 0; *s->at >= '0' && *s->at <= '9'; s->at++) {
        *cpu = *cpu * 10 + (unsigned int)(*s->at - '0');
        if (*cpu >= CPUS_MAX)
            return fault(s, "names a cpu above 255");
    }
    return s->at > start || fault(s, "is not a list of cpus like 0-3,5,^1");
}

static void skip_spaces(struct scan *s)
{
    s->at += strspn(s->at, " \t");
}

/* "all", "N" or "N-M", maybe with "^" before it, into set. */
static bool scan_range(struct scan *s, struct cpu_set *set)
{
    unsigned int first = 0, last = CPUS_MAX - 1;
    bool value = true;

    skip_spaces(s);
    if (*s->at == '^') {
        value = false;
        s->at++;
    }
    if (strncmp(s->at, "node", 4) == 0)
        return fault(s, "names NUMA nodes, which chaos does not know: give cpu numbers");
    if (strncmp(s->at, "all", 3) == 0) {
        s->at += 3;
    } else {
        if (!scan_cpu(s, &first))
            return false;
        last = first;
        if (*s->at == '-') {
            s->at++;
            if (!scan_cpu(s, &last))
                return false;
        }
    }
    if (last < first)
        return fault(s, "has a range that ends before it starts");
    set_range(set, first, last, value);
    skip_spaces(s);
    return true;
}

static bool scan_set(struct scan *s, struct cpu_set *set)
{
    static const struct cpu_set none;

    if (strcmp(s->text, "all") == 0) /* stays "any", however many cpus the host has */
        return true;
    for (s->at = s->text;; s->at++) {
        if (!scan_range(s, set))
            return false;
        if (*s->at != ',')
            break;
    }
    if (*s->at)
        return fault(s, "is not a list of cpus like 0-3,5,^1");
    return memcmp(set, &none, sizeof(none)) != 0 || fault(s, "leaves no cpu");
}

void config_parse_cpus(struct config_target *target, const struct config_key *key,
                       const struct config_setting *setting)
{
    const struct config_value *value = setting->value;
    struct scan s = {.target = target, .setting = setting};
    struct cpu_set set = {{0}};

    _Static_assert(sizeof(set) == sizeof(target->config.cpu_affinity), "one mask for all vcpus");
    if (value->is_list) {
        value = value->first;
        for (const struct config_value *v = value; v; v = v->next) {
            if (v->is_list || value->is_list || strcmp(v->string, value->string) != 0) {
                config_error(target->report, setting->place,
                             "%s: a cpu list for each vcpu is not supported: give one for all",
                             key->name);
                return;
            }
        }
        if (!value) {
            config_error(target->report, setting->place, "%s: the list is empty", key->name);
            return;
        }
    }
    s.text = value->string;
    if (scan_set(&s, &set))
        memcpy(target->config.cpu_affinity, &set, sizeof(set));
}
