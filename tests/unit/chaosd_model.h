/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chaosd without its watch of guests, on the hypervisor in memory. Workers' jobs are run on the
 * loop, one a turn.
 */
#ifndef CHAOSD_MODEL_H
#define CHAOSD_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon.h"
#include "fake_hv.h"

struct fixture {
    struct fake_hv *fake;
    struct daemon daemon;
    struct chaos_error err;
    char kernel[128], config[256];
    const char *dir;
    int client; /* a good one */
    uint8_t packet[WIRE_MESSAGE_MAX + 1];
    struct wire_header header;
    struct wire_reader fields; /* of what was received last */
};

extern unsigned int model_created, model_destroyed; /* domains that the modules were told of */

int model_set_up(void **state);
int model_tear_down(void **state);
void model_start(struct fixture *f);
void model_stop(struct fixture *f);

/* Until nothing more happens at once. */
void model_turn(struct fixture *f);
void model_turn_many(struct fixture *f, unsigned int nr);
size_t model_jobs(void);               /* that wait for a worker */
bool model_run_job(struct fixture *f); /* one of them; false: there is none */

int model_connect(struct fixture *f);
bool model_ended(int fd);
void model_begin(struct fixture *f, uint16_t type, struct wire_writer *writer);
void model_send(struct fixture *f, int fd, struct wire_writer *writer);
/* The same with descriptors. */
#define MODEL_PASSED_MAX 4
void model_send_with(struct fixture *f, int fd, struct wire_writer *writer, const int *passed,
                     unsigned int nr);
unsigned int model_descriptors(void); /* that are open */
/* The next packet that was sent to the client; false: there is none, or the connection ended. */
bool model_receive(struct fixture *f, int fd);
/* A pool named "pool" of so many shells, with a vif on bridge or (NULL) none, and it is filled. */
void model_set_pool(struct fixture *f, uint32_t mib, const char *bridge, uint32_t low);
uint32_t model_level(struct fixture *f); /* of that pool */
/*
 * Asks (a config or checkpoint, an override) until it succeeds; each time the next call to the
 * hypervisor fails, and what becomes of that pool's shells is awaited. How often it failed.
 */
unsigned int model_fail_each_call(struct fixture *f,
                                  void (*ask)(struct fixture *f, const char *override));
/* The text of the failure that was received. */
const char *model_error(struct fixture *f);

#endif
