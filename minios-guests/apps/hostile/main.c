/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest that a back-end fears: `hostile MODE` does one thing that no good guest does, says
 * "hostile MODE: done" and stays, so that the host can be looked at. */
#include "hostile.h"

#define MS 1000000ull

static struct victim victim;

void nap(void)
{
    thread_sleep_until(time_ns() + MS);
}

uint32_t noise(void)
{
    static uint64_t state = 88172645463325252ull;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

void scribble(volatile void *at, size_t len)
{
    volatile uint32_t *word = at;

    for (size_t i = 0; i < len / sizeof(*word); i++)
        word[i] = noise();
}

static void wait_for(struct victim *v, uint32_t state)
{
    for (unsigned i = 0; i < 1000 && noxs_back_state(&v->dev) != state; i++)
        thread_sleep_until(time_ns() + MS / 10);
}

void connect(struct victim *v)
{
    int rc = vif_rings_make(&v->rings, v->dev.entry.back_end);

    if (rc)
        guest_crash("hostile: cannot make rings: %d", rc);
    v->dev.ctrl->vif_front.features = NOXS_VIF_F_CSUM_IPV4;
    v->dev.ctrl->vif_front.tx_ring_ref = (uint32_t)v->rings.tx_ref;
    v->dev.ctrl->vif_front.rx_ring_ref = (uint32_t)v->rings.rx_ref;
    noxs_set_state(&v->dev, NOXS_STATE_CONNECTED);
    wait_for(v, NOXS_STATE_CONNECTED);
}

void disconnect(struct victim *v)
{
    noxs_set_state(&v->dev, NOXS_STATE_CLOSED);
    wait_for(v, NOXS_STATE_CLOSED);
    vif_rings_drop(&v->rings);
    noxs_set_state(&v->dev, NOXS_STATE_INITIALISING);
    wait_for(v, NOXS_STATE_INITWAIT);
}

static void count_event(void *arg)
{
    struct victim *v = arg;

    v->events++;
}

static bool open_first(uint16_t type, struct victim *v)
{
    const struct noxs_page *page = noxs_page();

    for (uint32_t slot = 0; page && noxs_page_next(page, &slot, &v->dev.entry);)
        if (v->dev.entry.type == type)
            return !noxs_open(&v->dev, count_event, v);
    return false;
}

/* Where a request to shut down would be acknowledged, overwritten without end. */
static void sysctl_garbage(void)
{
    struct noxs_device *dev = noxs_attached(NOXS_DEV_SYSCTL);

    if (!dev)
        guest_crash("hostile: no sysctl device");
    for (unsigned i = 0; i < 2000; i++) {
        scribble(&dev->ctrl->sysctl_front, sizeof(dev->ctrl->sysctl_front));
        noxs_set_state(dev, i % 3 ? noise() % 8 : noise());
        if (i % 50 == 0)
            nap();
    }
    scribble(dev->ctrl, PAGE_SIZE);
    evtchn_notify(dev->port);
}

static const struct attack *find(const struct attack *a, const char *mode)
{
    for (; a->mode; a++)
        if (!strcmp(a->mode, mode))
            return a;
    return NULL;
}

static void run(const char *mode)
{
    const struct attack *a = find(state_attacks, mode);

    if (!strcmp(mode, "sysctl")) {
        sysctl_garbage();
        return;
    }
    if (!a)
        a = find(tx_attacks, mode);
    if (!a)
        a = find(rx_attacks, mode);
    if (!a)
        guest_crash("hostile: unknown mode %s", mode);
    if (!open_first(NOXS_DEV_VIF, &victim))
        guest_crash("hostile: no vif");
    a->run(&victim);
}

int app_main(void)
{
    char mode[24];

    if (!cmdline_get("mode", mode, sizeof(mode)))
        guest_crash("hostile: command line: want mode=MODE");
    run(mode);
    kprintf("hostile %s: done\n", mode);
    noxs_ready();
    for (;;)
        thread_sleep_until(NEVER);
}
