/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of shells share: a handle on the hypervisor in memory, a guest, flavours. */
#ifndef SHELL_FIXTURE_H
#define SHELL_FIXTURE_H

#include "chaos.h"
#include "fake_hv.h"
#include "shell.h"

struct fixture {
    struct fake_hv *fake;
    struct chaos *chaos;
    struct chaos_config config;
    struct flavour flavour, warm; /* without and with the image of config */
    struct chaos_error err;
    char kernel[128], ramdisk[128];
    const char *dir;
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Fail the test if they fail. */
struct shell *fixture_prepare(struct fixture *f, const struct flavour *flavour);
void fixture_execute(struct fixture *f, struct shell *shell, struct chaos_domain *domain);
void fixture_destroy(struct fixture *f, const char *name);

void fixture_write_kernel(struct fixture *f, unsigned char first_byte);
void fixture_assert_nothing_left(struct fixture *f);
/* The guest as it must be at its first instruction. */
void fixture_check_guest(struct fixture *f, const struct chaos_domain *domain);

#endif
