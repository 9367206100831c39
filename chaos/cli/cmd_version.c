// SPDX-License-Identifier: BSD-3-Clause
#include "cmd.h"

#include "noxs_abi.h"
#include "output.h"

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    (void)call;
    (void)err;
    out_printf("chaos %s (noxs ABI %u)\n", CHAOS_VERSION, NOXS_ABI_VERSION);
    return 0;
}

const struct command cmd_version = {
    .name = "version",
    .run = run,
    .summary = "show the version of chaos and of the noxs ABI that it speaks",
};
