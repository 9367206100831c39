/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain's console ring. What is read comes from the guest: any bytes at all. The handle borrows
 * its struct chaos; same rules for threads and fork.
 */
#ifndef CHAOS_CONSOLE_H
#define CHAOS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include <chaos/domain.h>
#include <chaos/error.h>

struct chaos_console;

/*
 * follow: take the output out of the ring, be told of more, and send input; one process at a time
 * can. Otherwise what stands in the ring is read and left in it.
 */
int chaos_console_open(struct chaos *chaos, const struct chaos_domain *domain, bool follow,
                       struct chaos_console **out, struct chaos_error *err);
void chaos_console_close(struct chaos_console *console); /* NULL: nothing */

/* Readable when the guest did something; then chaos_console_ack, before reading. */
int chaos_console_fd(const struct chaos_console *console);
int chaos_console_ack(struct chaos_console *console, struct chaos_error *err);

/* Output of the guest; *length 0: there is none now. -EPROTO: it wrote nonsense into its ring. */
int chaos_console_read(struct chaos_console *console, char *buffer, size_t size, size_t *length,
                       struct chaos_error *err);
/* Input for the guest; *taken may be less than size, even 0: its ring is full. */
int chaos_console_write(struct chaos_console *console, const char *buffer, size_t size,
                        size_t *taken, struct chaos_error *err);

/* False: the domain shut down, dies or is gone. An open console holds one page of it back. */
bool chaos_console_alive(struct chaos_console *console);

#endif
