/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 862 on TCP port 7, for connections that last. Port 1007 says how often the guest was
 * restored, and how many bytes it has echoed in all its lives. */
#include "net.h"
#include "noxs.h"

#include <lwip/tcp.h>

#define ECHO_PORT  7
#define STATE_PORT 1007

static uint64_t echoed;

static err_t end(struct tcp_pcb *pcb)
{
    if (tcp_close(pcb) == ERR_OK)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* The window opens again as the bytes go back, so at most one window of them is on its way. */
static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    if (!p || err != ERR_OK) {
        if (p)
            pbuf_free(p);
        return end(pcb);
    }
    if (tcp_sndbuf(pcb) < p->tot_len)
        return ERR_MEM; /* lwIP keeps it and asks again */
    for (struct pbuf *q = p; q; q = q->next)
        if (tcp_write(pcb, q->payload, q->len, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            pbuf_free(p);
            tcp_abort(pcb);
            return ERR_ABRT;
        }
    echoed += p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    tcp_output(pcb);
    return ERR_OK;
}

static err_t echo_accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    tcp_recv(pcb, received);
    return ERR_OK;
}

static err_t state_accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    char text[64];
    int len;

    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    len = snprintf(text, sizeof(text), "restored %u echoed %lu\n", guest_generation(), echoed);
    tcp_write(pcb, text, (u16_t)len, TCP_WRITE_FLAG_COPY);
    return end(pcb);
}

static void serve(u16_t port, tcp_accept_fn accepted)
{
    struct tcp_pcb *pcb = tcp_new();
    struct tcp_pcb *listener = NULL;

    if (pcb && tcp_bind(pcb, IP_ANY_TYPE, port) == ERR_OK)
        listener = tcp_listen(pcb);
    if (!listener)
        guest_crash("tcpecho: cannot listen on port %u", port);
    tcp_accept(listener, accepted);
}

void app_resumed(void)
{
    kprintf("tcpecho: restored %u\n", guest_generation());
}

static void up(const char *address)
{
    serve(ECHO_PORT, echo_accepted);
    serve(STATE_PORT, state_accepted);
    kprintf("tcpecho: up %s\n", address);
    noxs_ready();
}

int app_main(void)
{
    net_run(up);
}
