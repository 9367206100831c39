// SPDX-License-Identifier: BSD-3-Clause
#include "console_ring.h"

#include <errno.h>
#include <string.h>

uint32_t console_ring_start(const struct xencons_interface *ring)
{
    return __atomic_load_n(&ring->out_cons, __ATOMIC_RELAXED);
}

int console_ring_read(const struct xencons_interface *ring, uint32_t *seen, char *buffer,
                      size_t size, size_t *length)
{
    uint32_t prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
    uint32_t start = MASK_XENCONS_IDX(*seen, ring->out);
    size_t nr = prod - *seen, first = sizeof(ring->out) - start;

    if (nr > sizeof(ring->out))
        return -EPROTO;
    if (nr > size)
        nr = size;
    if (first > nr)
        first = nr;
    memcpy(buffer, ring->out + start, first);
    memcpy(buffer + first, ring->out, nr - first);
    *length = nr;
    *seen += (uint32_t)nr;
    return 0;
}

void console_ring_release(struct xencons_interface *ring, uint32_t seen)
{
    __atomic_store_n(&ring->out_cons, seen, __ATOMIC_RELEASE);
}

int console_ring_write(struct xencons_interface *ring, const char *buffer, size_t size,
                       size_t *taken)
{
    uint32_t cons = __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
    uint32_t prod = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED);
    size_t i;

    if (prod - cons > sizeof(ring->in))
        return -EPROTO;
    for (i = 0; i < size && prod - cons < sizeof(ring->in); i++)
        ring->in[MASK_XENCONS_IDX(prod++, ring->in)] = buffer[i];
    *taken = i;
    if (i > 0)
        __atomic_store_n(&ring->in_prod, prod, __ATOMIC_RELEASE);
    return 0;
}
