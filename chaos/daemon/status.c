// SPDX-License-Identifier: BSD-3-Clause
/* Who we are and how we are. */
#include "status.h"

#include <unistd.h>

#include "server.h"

static void put_identity(const struct daemon *daemon, struct wire_writer *writer)
{
    wire_put_u32(writer, WIRE_PROTOCOL, WIRE_VERSION);
    wire_put_string(writer, WIRE_PROGRAM_VERSION, CHAOS_VERSION);
    wire_put_u32(writer, WIRE_PID, (uint32_t)getpid());
    wire_put_u64(writer, WIRE_UPTIME_MS, (loop_now() - daemon->started_ns) / 1000000);
}

static int ping(struct daemon *daemon, const struct request *request, struct chaos_error *err)
{
    struct wire_writer writer;

    (void)err;
    request_reply(request, 0, &writer);
    put_identity(daemon, &writer);
    request_send(request, &writer);
    return 0;
}

static int status(struct daemon *daemon, const struct request *request, struct chaos_error *err)
{
    struct wire_writer writer;

    (void)err;
    request_reply(request, 0, &writer);
    put_identity(daemon, &writer);
    for (const struct module *const *m = modules; *m; m++)
        if ((*m)->status)
            (*m)->status(daemon, &writer);
    request_send(request, &writer);
    return 0;
}

const struct module status_module = {
    .name = "status",
    .handlers = {{WIRE_PING, ping}, {WIRE_STATUS, status}},
};
