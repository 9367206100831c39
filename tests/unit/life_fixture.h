/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chaosd on the hypervisor in memory, without pools and threads: what workers do is done by settle,
 * and so are creates.
 */
#ifndef LIFE_FIXTURE_H
#define LIFE_FIXTURE_H

#include "consoles.h"
#include "events.h"
#include "fake_hv.h"
#include "watch.h"

struct fixture {
    struct fake_hv *fake;
    struct daemon daemon;
    struct chaos *other; /* of another process */
    struct chaos_config config;
    struct chaos_error err;
    char kernel[128];
    const char *dir;
    const char *console_logs; /* NULL: none */
    int client;
    uint8_t packet[WIRE_MESSAGE_MAX];
    char told[4096]; /* events so far */
};

extern unsigned int create_failures; /* so many creates fail */
extern bool hold_jobs;               /* workers do nothing */

int set_up(void **state);
int tear_down(void **state);
/* chaosd alone: guests stay. */
void start(struct fixture *f);
void stop(struct fixture *f);

/* So long that all timers of up to this have run; the machine may be busy with other things. */
void settle(struct fixture *f, unsigned int ms);

/* As another process would: f->config. */
struct chaos_domain create(struct fixture *f);
void end(struct fixture *f, uint32_t domid, enum chaos_shutdown reason);
uint32_t domid_of(struct fixture *f, const char *name); /* 0: there is none */

/* One client. */
void connect_client(struct fixture *f);
void ask(struct fixture *f, uint16_t type, const char *which, uint64_t tail, bool follow,
         const char *data);
bool receive(struct fixture *f, struct wire_header *header, struct wire_reader *fields);
/* All data that came; *header is that of the last packet. */
size_t data_so_far(struct fixture *f, char *out, uint64_t *lost, struct wire_header *header);
void subscribe(struct fixture *f);
/* "KIND " of each event that came since f->told was cleared. */
const char *events_so_far(struct fixture *f);

#endif
