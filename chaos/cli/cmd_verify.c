// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include <chaos/checkpoint.h>

#include "cmd.h"
#include "json.h"
#include "output.h"

struct verify_options {
    const char *output;
};

static const struct opt_spec options[] = {
    OPT_STRING(struct verify_options, output, 'o', "output", "text|json", "how to print it"),
    OPT_END,
};

static void print_json(const struct chaos_checkpoint *checkpoint, const char *uuid)
{
    struct json json;

    json_init(&json, out_sink, NULL);
    json_object(&json, NULL);
    json_unsigned(&json, "schema", 1);
    json_string(&json, "name", checkpoint->name);
    json_string(&json, "uuid", uuid);
    json_unsigned(&json, "memory_mib", checkpoint->memory_mib);
    json_unsigned(&json, "vcpus", checkpoint->vcpus);
    json_unsigned(&json, "xen_major", checkpoint->xen_major);
    json_unsigned(&json, "xen_minor", checkpoint->xen_minor);
    json_unsigned(&json, "pages", checkpoint->pages);
    json_unsigned(&json, "stored_pages", checkpoint->stored_pages);
    json_unsigned(&json, "records", checkpoint->records);
    json_unsigned(&json, "bytes", checkpoint->bytes);
    json_bool(&json, "compressed", checkpoint->compressed);
    json_object_end(&json);
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    const struct verify_options *given = call->options;
    struct chaos_checkpoint checkpoint;
    char uuid[37];
    int rc = chaos_checkpoint_verify(call->args[0], &checkpoint, err);

    if (rc < 0)
        return rc;
    chaos_uuid_format(checkpoint.uuid, uuid);
    if (given->output && strcmp(given->output, "json") == 0) {
        print_json(&checkpoint, uuid);
        return 0;
    }
    out_printf("%s: whole: guest \"%s\" (%s), %u MiB, vcpus %u, saved on Xen %u.%u; "
               "%" PRIu64 " of %" PRIu64 " pages stored, %" PRIu64 " bytes%s\n",
               call->args[0], checkpoint.name, uuid, checkpoint.memory_mib, checkpoint.vcpus,
               checkpoint.xen_major, checkpoint.xen_minor, checkpoint.stored_pages,
               checkpoint.pages, checkpoint.bytes, checkpoint.compressed ? ", compressed" : "");
    return 0;
}

const struct command cmd_verify = {
    .name = "verify",
    .run = run,
    .summary = "check a saved guest's file from the first byte to the last",
    .synopsis = "FILE",
    .notes = "Needs no hypervisor. A flaw is told with its place in the file.",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .complete = CMD_COMPLETE_FILE,
};
