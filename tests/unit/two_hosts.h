/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two chaosd in this process, each on a hypervisor in memory of its own, with certificates of one
 * authority; the guest "web" runs on the first, which is `here`.
 */
#ifndef TWO_HOSTS_H
#define TWO_HOSTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chaos.h"
#include "daemon.h"
#include "fake_hv.h"
#include "movers.h"

#define PATIENCE_NS 20000000000u /* the machine may be busy with other things */

struct host {
    struct daemon daemon;
    struct fake_hv *fake;
    struct chaos *chaos; /* the test's own handle, while no mover runs */
    char dir[96];
    int client;
    struct wire_header header; /* of what was received last */
    struct wire_reader fields;
    uint8_t packet[WIRE_MESSAGE_MAX + 1];
};

extern struct host here, there;
extern struct chaos_domain guest;
extern struct chaos_error err;
extern char address[64]; /* where the host there listens */
extern char guest_kernel[128];
/* As the guest was made. */
struct chaos_config guest_config(void);

int set_up(void **state);
int tear_down(void **state);

/* A chaosd; start_with returns its failure. */
int start_with(struct host *host);
void start(struct host *host);
void stop(struct host *host);
void both_start(void);
void both_stop(void);
/* The file of certificates with this name. */
void set_file(char out[256], const char *name);

/* The guest on either host; NULL: there is none. */
struct fake_domain *guest_here(void);
struct fake_domain *guest_there(void);

/* One turn of both loops. */
void turn(void);
/* Until all that was set going has ended. */
void settle(void);
/* Until the journals are empty: a try may come too early for the other side. */
void await_end(void);

bool receive(struct host *host);
void ask(struct host *host, uint16_t type, const char *which, const char *to);
void ask_with(struct host *host, uint16_t type, const char *which, const char *to,
              uint32_t options);
void await_answer(struct host *host);
void refused(struct host *host, uint16_t type, const char *which, const char *to, int code,
             const char *text);
void granted(struct host *host, uint16_t type, const char *which, const char *to);

/* The guest runs there, or here, and nothing is left of it on the other host, or noted. */
void assert_moved(void);
void assert_stayed(void);

#endif
