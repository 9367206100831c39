// SPDX-License-Identifier: BSD-3-Clause
/* A packet as chaosd and its clients read it: every field of every group. */
#include <stdlib.h>
#include <string.h>

#include "wire_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct wire_reader reader, const uint8_t *end, unsigned int depth)
{
    struct chaos_domain domain;
    struct chaos_error err;
    struct wire_field field;

    if (depth > WIRE_DEPTH_MAX)
        abort();
    wire_get_domain(&reader, &domain);
    if (strnlen(domain.name, sizeof(domain.name)) == sizeof(domain.name) ||
        wire_get_error(&reader, &err) >= 0)
        abort();
    while (wire_next(&reader, &field)) {
        if (field.value + field.length > end || strlen(wire_text(&field)) > field.length)
            abort();
        wire_number(&field);
        if (field.kind == WIRE_GROUP)
            walk(wire_group(&field), end, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_header header;
    struct wire_reader fields;
    uint8_t *packet = malloc(size + 1);

    memcpy(packet, data, size);
    if (wire_parse(packet, size, &header, &fields) == 0)
        walk(fields, packet + size, 0);
    free(packet);
    return 0;
}
