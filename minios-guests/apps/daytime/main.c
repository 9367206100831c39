/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 867: whoever connects to TCP port 13 is told the date and the time. */
#include "date.h"
#include "net.h"
#include "noxs.h"

#include <lwip/tcp.h>

#define DAYTIME_PORT 13

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    char text[64];
    int len;

    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    len = date_format(text, sizeof(text), time_wall());
    err = tcp_write(pcb, text, (u16_t)len, TCP_WRITE_FLAG_COPY);
    if (err == ERR_OK)
        err = tcp_close(pcb);
    if (err != ERR_OK) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    return ERR_OK;
}

static void up(const char *address)
{
    struct tcp_pcb *pcb = tcp_new();
    struct tcp_pcb *listener = NULL;

    if (pcb && tcp_bind(pcb, IP_ANY_TYPE, DAYTIME_PORT) == ERR_OK)
        listener = tcp_listen(pcb);
    if (!listener)
        guest_crash("daytime: cannot listen on port %d", DAYTIME_PORT);
    tcp_accept(listener, accepted);
    kprintf("daytime: up %s\n", address);
    noxs_ready();
}

int app_main(void)
{
    net_run(up);
}
