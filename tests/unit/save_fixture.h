/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of saving and restoring share: a guest on the hypervisor in memory, and a file. */
#ifndef SAVE_FIXTURE_H
#define SAVE_FIXTURE_H

#include <stdbool.h>

#include <chaos/checkpoint.h>

#include "chaos.h"
#include "fake_hv.h"

#define PAGES 256u

struct fixture {
    struct fake_hv *fake;
    struct chaos *chaos;
    struct chaos_config config;
    struct chaos_error err;
    char kernel[128], file[128];
    struct chaos_domain domain;
    struct fake_domain *guest;
};

extern const struct chaos_save_options go_on; /* and let it go on */

int set_up(void **state);
int tear_down(void **state);

uint64_t frame_of(const struct fake_domain *domain, uint64_t pfn); /* 0: none */
void save(struct fixture *f, const struct chaos_save_options *options);
/* name: a line of configuration, or NULL. */
int restore(struct fixture *f, const char *name, struct chaos_domain *out);
void assert_running(struct fixture *f);
/* Nothing but the kernel, the folders of the state and what is said. */
void assert_files(struct fixture *f, bool checkpoint);

/* Patterns, so that no page is like the one before, but for some. */
void scribble(struct fixture *f, uint8_t (*image)[HV_PAGE_SIZE]);
/* Contents of every page that has no frame numbers in it, by virtual address. */
void take_image(struct fixture *f, uint32_t domid, uint8_t (*image)[HV_PAGE_SIZE]);
/* It goes on from where the fixture's guest was; pages that are marked may have any contents. */
void check_restored_but(struct fixture *f, uint32_t domid, uint8_t (*before)[HV_PAGE_SIZE],
                        const bool *any);
void check_restored(struct fixture *f, uint32_t domid, uint8_t (*before)[HV_PAGE_SIZE]);

#endif
