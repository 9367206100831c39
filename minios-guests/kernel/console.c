/* SPDX-License-Identifier: BSD-3-Clause */
/* Output to the PV console ring; as the initial domain, to Xen's own console. */
#include "kernel/kernel.h"

#include <xen/io/console.h>

static struct xencons_interface *ring;
static int port;
static uint64_t dropped;  /* since boot */
static uint64_t not_told; /* of these, not yet told on the console */

void console_init(void)
{
    if (start_info->flags & SIF_INITDOMAIN)
        return;
    if (start_info->console.domU.mfn)
        ring = mfn_to_virt(start_info->console.domU.mfn);
    port = (int)start_info->console.domU.evtchn;
}

uint64_t console_dropped(void)
{
    return dropped;
}

static size_t room(void)
{
    uint32_t used = ring->out_prod - READ_ONCE(ring->out_cons);

    return used > sizeof(ring->out) ? 0 : sizeof(ring->out) - used;
}

static void put(const char *s, size_t len)
{
    uint32_t prod = ring->out_prod;

    mb(); /* room is seen before it is written to */
    for (size_t i = 0; i < len; i++)
        ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = s[i];
    wmb();
    WRITE_ONCE(ring->out_prod, prod);
}

void console_write(const char *s, size_t len)
{
    char note[48];
    size_t note_len = 0;

    if (!ring) {
        hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, len, s);
        return;
    }
    if (not_told)
        note_len = (size_t)snprintf(note, sizeof(note), "[%lu bytes dropped]\r\n", not_told);
    if (room() < note_len + len) {
        dropped += len;
        not_told += len;
        return;
    }
    put(note, note_len);
    not_told = 0;
    put(s, len);
    if (port)
        evtchn_notify(port);
}

void kprintf(const char *fmt, ...)
{
    char text[256];
    size_t len;
    va_list ap;

    va_start(ap, fmt);
    len = (size_t)vsnprintf(text, sizeof(text) - 1, fmt, ap);
    va_end(ap);
    if (len > sizeof(text) - 2)
        len = sizeof(text) - 2;
    if (len > 0 && text[len - 1] == '\n') {
        text[len - 1] = '\r';
        text[len++] = '\n';
    }
    console_write(text, len);
}
