/* SPDX-License-Identifier: BSD-3-Clause */
#include "xenstore/xs.h"
#include "xenstore/xs_wire.h"

static struct xenstore_domain_interface *ring;
static int port;
static int broken; /* 0, or what every request gets */
static struct wait_queue waiting;
static bool woken;
static struct xs_message *in;
static uint32_t last_request;
static int posted; /* the first error of what was posted */
static uint64_t last_token;
static struct xs_watch *watches;

static void ring_event(void *arg)
{
    (void)arg;
    wake_all(&waiting);
}

int xs_connect(void)
{
    in = kzalloc(sizeof(*in));
    return in ? xs_reconnect() : -XEN_ENOMEM;
}

int xs_reconnect(void)
{
    const uint64_t *pte;

    broken = -XEN_ENODEV;
    ring = mfn_to_virt(start_info->store_mfn);
    pte = ring ? pt_entry((uintptr_t)ring) : NULL;
    if (!pte || (!(*pte & 1) && map_own(ring)))
        return -XEN_ENODEV;
    port = evtchn_adopt(start_info->store_evtchn, ring_event, NULL);
    if (port < 0)
        return port;
    broken = 0;
    in->got = 0;
    posted = 0;
    while (watches) {
        watches->token = 0;
        watches = watches->next;
    }
    return 0;
}

static int give_up(void)
{
    if (!broken)
        kprintf("xenstore: it does not keep to its protocol: no more of it\n");
    broken = -XEN_EIO;
    return broken;
}

static int put(const void *data, size_t len)
{
    const char *from = data;

    while (len) {
        int n = xs_ring_put(ring, from, len);

        if (n < 0)
            return give_up();
        from += n;
        len -= (size_t)n;
        if (!len)
            break;
        evtchn_notify(port);
        wait_on(&waiting, NEVER);
    }
    return 0;
}

static void fire(void)
{
    uint64_t token;

    if (!xs_message_token(in, &token))
        return;
    for (struct xs_watch *w = watches; w; w = w->next)
        if (w->token == token)
            w->fired = true;
}

/* The next message into `in`: 1; a watch that fired is noted besides. 0: there is none. */
static int pull(void)
{
    bool full;
    int rc;

    if (broken)
        return broken;
    if (in->got >= sizeof(in->header) && in->got == sizeof(in->header) + in->header.len)
        in->got = 0;
    full = READ_ONCE(ring->rsp_prod) - ring->rsp_cons == XENSTORE_RING_SIZE;
    rc = xs_message_pull(in, ring);
    if (rc < 0)
        return give_up();
    if (full)
        evtchn_notify(port); /* the store waits for room */
    if (rc && in->header.type == XS_WATCH_EVENT)
        fire();
    return rc;
}

static int await_reply(uint32_t id)
{
    for (;;) {
        int rc = pull();

        if (rc < 0)
            return rc;
        if (!rc)
            wait_on(&waiting, NEVER);
        else if (in->header.type == XS_WATCH_EVENT)
            continue;
        else if (in->header.req_id == id)
            return xs_message_error(in);
        else if (!posted)
            posted = xs_message_error(in);
    }
}

/* The payload is a path with its zero, and maybe more. */
static int send(uint32_t type, const char *path, const char *more, size_t more_len)
{
    size_t path_len = strlen(path) + 1;
    struct xsd_sockmsg header = {
        .type = type,
        .req_id = ++last_request,
        .len = (uint32_t)(path_len + more_len),
    };
    int rc = broken;

    if (header.len > XENSTORE_PAYLOAD_MAX)
        return -XEN_E2BIG;
    if (!rc)
        rc = put(&header, sizeof(header));
    if (!rc)
        rc = put(path, path_len);
    if (!rc)
        rc = put(more, more_len);
    if (!rc)
        evtchn_notify(port);
    return rc;
}

static int request(uint32_t type, const char *path, const char *more, size_t more_len)
{
    int rc = send(type, path, more, more_len);

    return rc ? rc : await_reply(last_request);
}

int xs_read(const char *path, char *value, size_t size)
{
    int rc = request(XS_READ, path, NULL, 0);

    if (rc)
        return rc;
    if (in->header.len >= size)
        return -XEN_E2BIG;
    memcpy(value, in->payload, in->header.len + 1);
    return 0;
}

int xs_write(const char *path, const char *value)
{
    return request(XS_WRITE, path, value, strlen(value));
}

int xs_post(const char *path, const char *value)
{
    return send(XS_WRITE, path, value, strlen(value));
}

int xs_posted(void)
{
    int rc = posted;

    posted = 0;
    return rc;
}

int xs_directory(const char *path, const char **names, size_t *len)
{
    int rc = request(XS_DIRECTORY, path, NULL, 0);

    *names = in->payload;
    *len = rc ? 0 : in->header.len;
    return rc;
}

int xs_watch(struct xs_watch *w, const char *path)
{
    char token[24];
    int rc;

    w->token = ++last_token;
    w->fired = false;
    w->next = watches;
    watches = w;
    snprintf(token, sizeof(token), "%lu", w->token);
    rc = request(XS_WATCH, path, token, strlen(token) + 1);
    if (rc)
        xs_unwatch(w, NULL);
    return rc;
}

/* path null: the store does not know of it. */
void xs_unwatch(struct xs_watch *w, const char *path)
{
    char token[24];

    if (!w->token)
        return;
    for (struct xs_watch **p = &watches; *p; p = &(*p)->next)
        if (*p == w) {
            *p = w->next;
            break;
        }
    snprintf(token, sizeof(token), "%lu", w->token);
    w->token = 0;
    if (path)
        request(XS_UNWATCH, path, token, strlen(token) + 1);
}

bool xs_watch_taken(struct xs_watch *w)
{
    bool fired = w->fired;

    w->fired = false;
    return fired;
}

static bool any_fired(void)
{
    for (struct xs_watch *w = watches; w; w = w->next)
        if (w->fired)
            return true;
    return false;
}

void xs_wait(void)
{
    while (!woken && !any_fired())
        if (pull() <= 0)
            wait_on(&waiting, NEVER);
    woken = false;
}

void xs_wake(void)
{
    woken = true;
    wake_all(&waiting);
}
