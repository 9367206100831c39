/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring of a PV console, seen from dom0: io/console.h of Xen's public headers. The guest can
 * write to all of it at any time: indices are read once and checked, and ours are kept elsewhere.
 */
#ifndef CHAOS_CONSOLE_RING_H
#define CHAOS_CONSOLE_RING_H

#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/console.h>

/* Where a reader that comes later goes on; only to be asked once. */
uint32_t console_ring_start(const struct xencons_interface *ring);

/* Copies output from *seen on and moves *seen; what is read stays in the ring. -EPROTO: nonsense
 * in the ring. */
int console_ring_read(const struct xencons_interface *ring, uint32_t *seen, char *buffer,
                      size_t size, size_t *length);
/* Gives room for output back to the guest. */
void console_ring_release(struct xencons_interface *ring, uint32_t seen);
/* Puts input in. *taken may be less than size, even 0: the ring is full. */
int console_ring_write(struct xencons_interface *ring, const char *buffer, size_t size,
                       size_t *taken);

#endif
