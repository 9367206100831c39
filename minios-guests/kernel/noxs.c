/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus: finds the devices in the page, gives them to drivers, follows changes. */
#include "kernel/kernel.h"
#include "noxs.h"

extern const struct noxs_driver __start_noxs_drivers[], __stop_noxs_drivers[];

static bool present;
static struct noxs_page *page;
static struct noxs_device *devices;

long noxs_hypercall(unsigned op, void *arg)
{
    return hypercall2(NOXS_HYPERCALL, op, arg);
}

bool noxs_present(void)
{
    return present;
}

/* On the XenStore bus, too: a Xen that does not know it says so. */
void noxs_ready(void)
{
    noxs_hypercall(NOXS_OP_READY, NULL);
}

static bool map_page(const struct noxs_op_query *query)
{
    struct noxs_page *p = page_alloc();

    if (!p)
        return false;
    if (map_frame(p, query->frame, false)) {
        page_free(p);
        return false;
    }
    if (!noxs_page_valid(p)) {
        kprintf("noxs: device page is not of ABI version %u\n", NOXS_ABI_VERSION);
        if (!map_own(p))
            page_free(p);
        return false;
    }
    page = p;
    return true;
}

const struct noxs_page *noxs_page(void)
{
    struct noxs_op_query query = {.domid = NOXS_DOMID_SELF};

    if (!page && present && !noxs_hypercall(NOXS_OP_QUERY, &query))
        map_page(&query);
    return page;
}

int noxs_open(struct noxs_device *dev, evtchn_handler *handler, void *arg)
{
    void *ctrl;
    int rc = grant_map(dev->entry.back_end, dev->entry.grant, &ctrl, &dev->map_handle);

    if (rc)
        return rc;
    dev->ctrl = ctrl;
    if (dev->ctrl->back.magic != NOXS_CTRL_MAGIC ||
        dev->ctrl->back.abi_version != NOXS_ABI_VERSION ||
        dev->ctrl->back.type != dev->entry.type || dev->ctrl->back.id != dev->entry.id)
        rc = -XEN_EINVAL;
    else
        rc = evtchn_bind_interdomain(dev->entry.back_end, dev->entry.evtchn, handler, arg);
    if (rc < 0) {
        grant_unmap(dev->ctrl, dev->map_handle);
        return rc;
    }
    dev->port = rc;
    return 0;
}

void noxs_close(struct noxs_device *dev)
{
    evtchn_close(dev->port);
    if (dev->port < 0)
        page_free(dev->ctrl); /* lost while suspended: it is memory of ours */
    else
        grant_unmap(dev->ctrl, dev->map_handle);
}

void noxs_set_state(struct noxs_device *dev, uint32_t state)
{
    wmb();
    WRITE_ONCE(dev->ctrl->front.state, state);
    evtchn_notify(dev->port);
}

uint32_t noxs_back_state(const struct noxs_device *dev)
{
    uint32_t state = READ_ONCE(dev->ctrl->back.state);

    rmb();
    return state;
}

static void device_event(void *arg)
{
    struct noxs_device *dev = arg;

    dev->driver->event(dev);
}

static void attach(const struct noxs_dev *entry)
{
    const struct noxs_driver *d = __start_noxs_drivers;
    struct noxs_device *dev;
    int rc;

    while (d < __stop_noxs_drivers && d->type != entry->type)
        d++;
    if (d == __stop_noxs_drivers)
        return;
    dev = kzalloc(sizeof(*dev));
    if (!dev)
        return;
    dev->entry = *entry;
    dev->driver = d;
    rc = noxs_open(dev, device_event, dev);
    if (!rc) {
        rc = d->attach(dev);
        if (rc)
            noxs_close(dev);
    }
    if (rc) {
        kprintf("noxs: device %u.%u: cannot attach: error %d\n", entry->type, entry->id, -rc);
        kfree(dev);
        return;
    }
    dev->next = devices;
    devices = dev;
}

struct noxs_device *noxs_attached(uint16_t type)
{
    struct noxs_device *dev = devices;

    while (dev && dev->entry.type != type)
        dev = dev->next;
    return dev;
}

static bool known(const struct noxs_dev *entry)
{
    for (struct noxs_device *dev = devices; dev; dev = dev->next)
        if (!memcmp(&dev->entry, entry, sizeof(*entry)))
            return true;
    return false;
}

static bool listed(const struct noxs_dev *wanted)
{
    struct noxs_dev entry;

    for (uint32_t slot = 0; noxs_page_next(page, &slot, &entry);)
        if (!memcmp(&entry, wanted, sizeof(entry)))
            return true;
    return false;
}

/* Its device is not there any more. */
static void forget(struct noxs_device **p)
{
    struct noxs_device *dev = *p;

    *p = dev->next;
    dev->driver->detach(dev);
    noxs_close(dev);
    kfree(dev);
}

static void scan(void)
{
    struct noxs_dev entry;

    for (struct noxs_device **p = &devices; *p;)
        if (listed(&(*p)->entry))
            p = &(*p)->next;
        else
            forget(p);
    for (uint32_t slot = 0; noxs_page_next(page, &slot, &entry);)
        if (!known(&entry))
            attach(&entry);
}

static void page_changed(void *arg)
{
    (void)arg;
    if (noxs_page())
        scan();
}

void noxs_init(void)
{
    struct noxs_op_query query = {.domid = NOXS_DOMID_SELF};

    if (noxs_hypercall(NOXS_OP_QUERY, &query))
        return;
    if (query.abi_version != NOXS_ABI_VERSION) {
        kprintf("noxs: Xen has ABI version %u, this guest %u\n", query.abi_version,
                NOXS_ABI_VERSION);
        return;
    }
    present = true;
    evtchn_bind_virq(NOXS_VIRQ, page_changed, NULL);
    if (query.slots > 0 && map_page(&query))
        scan();
}

/* The pages that are not ours leave the page tables; their places become our memory meanwhile. */
void noxs_suspend(void)
{
    for (struct noxs_device *dev = devices; dev; dev = dev->next)
        grant_unmap_at(dev->ctrl, dev->map_handle);
    if (page)
        map_own(page);
}

static void reopen(void)
{
    struct noxs_op_query query = {.domid = NOXS_DOMID_SELF};

    if (page && (noxs_hypercall(NOXS_OP_QUERY, &query) || map_frame(page, query.frame, false)))
        guest_crash("noxs: cannot map the device page again");
    for (struct noxs_device **p = &devices; *p;) {
        struct noxs_device *dev = *p;

        if (!grant_map_at(dev->entry.back_end, dev->entry.grant, dev->ctrl, &dev->map_handle)) {
            p = &dev->next;
            continue;
        }
        map_own(dev->ctrl);
        evtchn_close(dev->port);
        dev->port = -1;
        forget(p);
    }
}

void noxs_resume(bool restored)
{
    if (!restored) {
        reopen();
        return;
    }
    while (devices) {
        devices->port = -1;
        forget(&devices);
    }
    if (page)
        page_free(page);
    page = NULL;
    present = false;
    if (!start_info->store_evtchn)
        noxs_init();
}
