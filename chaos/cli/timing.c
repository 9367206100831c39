// SPDX-License-Identifier: BSD-3-Clause
#include "timing.h"

#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "output.h"

static uint64_t us(uint64_t from_ns, uint64_t to_ns)
{
    return (to_ns - from_ns) / 1000;
}

static void print_text(const struct chaos_timing *timing)
{
    uint64_t last = timing->start_ns;
    unsigned int i;

    for (i = 0; i < timing->nr; i++) {
        out_printf("%-10s %8" PRIu64 "\n", timing->step[i].name, us(last, timing->step[i].end_ns));
        last = timing->step[i].end_ns;
    }
    out_printf("%-10s %8" PRIu64 "\n", "total", us(timing->start_ns, last));
}

static void print_json(const struct chaos_timing *timing, const struct chaos_domain *domain)
{
    uint64_t last = timing->start_ns;
    struct json json;
    unsigned int i;

    json_init(&json, out_sink, NULL);
    json_object(&json, NULL);
    json_unsigned(&json, "schema", 1);
    json_string(&json, "name", domain->name);
    json_unsigned(&json, "domid", domain->domid);
    json_object(&json, "us");
    for (i = 0; i < timing->nr; i++) {
        json_unsigned(&json, timing->step[i].name, us(last, timing->step[i].end_ns));
        last = timing->step[i].end_ns;
    }
    json_unsigned(&json, "total", us(timing->start_ns, last));
    json_object_end(&json);
    json_object_end(&json);
}

void timing_print(const struct chaos_timing *timing, const struct chaos_domain *domain,
                  const char *format)
{
    if (strcmp(format, "json") == 0)
        print_json(timing, domain);
    else
        print_text(timing);
}
