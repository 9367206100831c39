/* SPDX-License-Identifier: BSD-3-Clause */
#include "xenstore/xs_wire.h"

int xs_ring_put(struct xenstore_domain_interface *ring, const void *data, size_t len)
{
    XENSTORE_RING_IDX prod = ring->req_prod;
    uint32_t used = prod - READ_ONCE(ring->req_cons);
    const char *from = data;

    if (used > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    if (len > XENSTORE_RING_SIZE - used)
        len = XENSTORE_RING_SIZE - used;
    mb(); /* room is seen before it is written to */
    for (size_t i = 0; i < len; i++)
        ring->req[MASK_XENSTORE_IDX(prod++)] = from[i];
    wmb();
    WRITE_ONCE(ring->req_prod, prod);
    return (int)len;
}

int xs_ring_take(struct xenstore_domain_interface *ring, void *data, size_t len)
{
    XENSTORE_RING_IDX cons = ring->rsp_cons;
    uint32_t there = READ_ONCE(ring->rsp_prod) - cons;
    char *to = data;

    if (there > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    if (len > there)
        len = there;
    rmb();
    for (size_t i = 0; i < len; i++)
        to[i] = ring->rsp[MASK_XENSTORE_IDX(cons++)];
    mb(); /* it is read before it may be overwritten */
    WRITE_ONCE(ring->rsp_cons, cons);
    return (int)len;
}

int xs_message_pull(struct xs_message *m, struct xenstore_domain_interface *ring)
{
    size_t end = sizeof(m->header);
    int n;

    if (m->got < end) {
        n = xs_ring_take(ring, (char *)&m->header + m->got, end - m->got);
        if (n < 0)
            return n;
        m->got += (size_t)n;
        if (m->got < end)
            return 0;
        if (m->header.len > XENSTORE_PAYLOAD_MAX)
            return -XEN_EIO;
    }
    end += m->header.len;
    n = xs_ring_take(ring, m->payload + (m->got - sizeof(m->header)), end - m->got);
    if (n < 0)
        return n;
    m->got += (size_t)n;
    if (m->got < end)
        return 0;
    m->payload[m->header.len] = '\0';
    return 1;
}

int xs_message_error(const struct xs_message *m)
{
    static const struct {
        const char *name;
        int error;
    } errors[] = {
        {"ENOENT", XEN_ENOENT}, {"EACCES", XEN_EACCES}, {"EINVAL", XEN_EINVAL},
        {"EEXIST", XEN_EEXIST}, {"ENOSPC", XEN_ENOSPC}, {"E2BIG", XEN_E2BIG},
    };

    if (m->header.type != XS_ERROR)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        if (!strcmp(m->payload, errors[i].name))
            return -errors[i].error;
    return -XEN_EIO;
}

bool xs_message_token(const struct xs_message *m, uint64_t *token)
{
    size_t path = strnlen(m->payload, m->header.len);

    /* The terminator behind the payload ends a token that lacks its own. */
    return m->header.type == XS_WATCH_EVENT && path < m->header.len &&
           parse_u64(m->payload + path + 1, UINT64_MAX, token);
}

const char *xs_next_name(const char *names, size_t len, size_t *at)
{
    const char *name = names + *at;
    size_t n;

    if (*at >= len)
        return NULL;
    n = strnlen(name, len - *at);
    if (n == len - *at)
        return NULL;
    *at += n + 1;
    return name;
}
