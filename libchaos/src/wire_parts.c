// SPDX-License-Identifier: BSD-3-Clause
#include "wire_parts.h"

#include <errno.h>
#include <string.h>

void wire_put_error(struct wire_writer *writer, const struct chaos_error *err)
{
    wire_put_u32(writer, WIRE_ERROR_CODE, (uint32_t)-err->code);
    wire_put_u32(writer, WIRE_ERROR_EXIT, err->exit);
    wire_put_string(writer, WIRE_ERROR_TEXT, err->text);
}

int wire_get_error(const struct wire_reader *fields, struct chaos_error *err)
{
    uint64_t code = wire_find_number(fields, WIRE_ERROR_CODE, EIO);
    uint64_t status = wire_find_number(fields, WIRE_ERROR_EXIT, CHAOS_EXIT_FAILURE);

    if (code == 0 || code > 4095)
        code = EIO;
    if (status == 0 || status > 255)
        status = CHAOS_EXIT_FAILURE;
    return chaos_error_set(err, -(int)code, (enum chaos_exit)status, "%s",
                           wire_find_string(fields, WIRE_ERROR_TEXT, "chaosd does not say why"));
}

static uint32_t states(const struct chaos_domain *domain)
{
    return (domain->running ? WIRE_STATE_RUNNING : 0u) |
           (domain->blocked ? WIRE_STATE_BLOCKED : 0u) | (domain->paused ? WIRE_STATE_PAUSED : 0u) |
           (domain->shutdown ? WIRE_STATE_SHUTDOWN : 0u) | (domain->dying ? WIRE_STATE_DYING : 0u) |
           (domain->pvh_or_hvm ? WIRE_STATE_HVM : 0u);
}

void wire_put_domain(struct wire_writer *writer, const struct chaos_domain *domain)
{
    size_t group = wire_put_group(writer, WIRE_DOMAIN);

    wire_put_u32(writer, WIRE_DOMID, domain->domid);
    wire_put_bytes(writer, WIRE_UUID, domain->uuid, sizeof(domain->uuid));
    wire_put_string(writer, WIRE_NAME, domain->name);
    wire_put_u32(writer, WIRE_STATE, states(domain));
    wire_put_u32(writer, WIRE_REASON, domain->reason);
    wire_put_u64(writer, WIRE_MEMORY_KIB, domain->memory_kib);
    wire_put_u64(writer, WIRE_MAX_MEMORY_KIB, domain->max_memory_kib);
    wire_put_u64(writer, WIRE_CPU_NS, domain->cpu_ns);
    wire_put_u32(writer, WIRE_VCPUS, domain->vcpus);
    wire_end_group(writer, group);
}

static void set_states(struct chaos_domain *out, uint64_t state)
{
    out->running = state & WIRE_STATE_RUNNING;
    out->blocked = state & WIRE_STATE_BLOCKED;
    out->paused = state & WIRE_STATE_PAUSED;
    out->shutdown = state & WIRE_STATE_SHUTDOWN;
    out->dying = state & WIRE_STATE_DYING;
    out->pvh_or_hvm = state & WIRE_STATE_HVM;
}

void wire_get_domain(const struct wire_reader *fields, struct chaos_domain *out)
{
    struct wire_reader reader = *fields;
    struct wire_field field;

    memset(out, 0, sizeof(*out));
    while (wire_next(&reader, &field)) {
        uint64_t number = wire_number(&field);

        switch (field.tag) {
        case WIRE_DOMID:
            out->domid = (uint32_t)number;
            break;
        case WIRE_UUID:
            if (field.kind == WIRE_BYTES && field.length == sizeof(out->uuid))
                memcpy(out->uuid, field.value, sizeof(out->uuid));
            break;
        case WIRE_NAME:
            strncpy(out->name, wire_text(&field), sizeof(out->name) - 1);
            break;
        case WIRE_STATE:
            set_states(out, number);
            break;
        case WIRE_REASON:
            out->reason = (enum chaos_shutdown)number;
            break;
        case WIRE_MEMORY_KIB:
            out->memory_kib = number;
            break;
        case WIRE_MAX_MEMORY_KIB:
            out->max_memory_kib = number;
            break;
        case WIRE_CPU_NS:
            out->cpu_ns = number;
            break;
        case WIRE_VCPUS:
            out->vcpus = (uint32_t)number;
            break;
        default:
            break; /* of a later version */
        }
    }
}

void wire_put_timing(struct wire_writer *writer, const struct chaos_timing *timing)
{
    uint64_t last = timing->start_ns;

    for (unsigned int i = 0; i < timing->nr; i++) {
        size_t group = wire_put_group(writer, WIRE_METRIC);

        wire_put_string(writer, WIRE_NAME, timing->step[i].name);
        wire_put_u64(writer, WIRE_VALUE, timing->step[i].end_ns - last);
        wire_end_group(writer, group);
        last = timing->step[i].end_ns;
    }
}

/* The names of the steps: what the daemon sends must outlive its message. */
static const char *step_name(const char *name)
{
    static const char *const known[] = {
        "reap",    "identity", "image",   "check",   "name",      "domain", "vcpus",  "memory",
        "devices", "load",     "vcpu",    "hotplug", "configure", "start",  "record", "build",
        "open",    "connect",  "prepare", "suspend", "destroy",   "done",   "host",   "end",
        "commit",  "discard",  "unmap",   "live",    "disks",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], name) == 0)
            return known[i];
    return "other";
}

void wire_get_step(const struct wire_field *group, struct chaos_timing *timing)
{
    const struct wire_reader fields = wire_group(group);
    uint64_t last = timing->nr ? timing->step[timing->nr - 1].end_ns : 0;

    if (timing->nr == CHAOS_TIMING_MAX)
        return;
    timing->step[timing->nr].name = step_name(wire_find_string(&fields, WIRE_NAME, ""));
    timing->step[timing->nr++].end_ns = last + wire_find_number(&fields, WIRE_VALUE, 0);
}
