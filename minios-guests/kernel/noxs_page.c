/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a page that Xen may be changing. */
#include "noxs.h"

#define MAX_TRIES 10000

bool noxs_page_valid(const struct noxs_page *page)
{
    return page->magic == NOXS_PAGE_MAGIC && page->abi_version == NOXS_ABI_VERSION;
}

/* One attempt; false: the page changed meanwhile. */
static bool try_next(const struct noxs_page *page, uint32_t *slot, struct noxs_dev *dev)
{
    uint32_t generation = READ_ONCE(page->generation);
    uint32_t i = *slot, slots;

    if (generation & 1)
        return false;
    rmb();
    slots = READ_ONCE(page->slots);
    if (slots > NOXS_PAGE_DEVS)
        slots = NOXS_PAGE_DEVS;
    for (dev->type = NOXS_DEV_NONE; i < slots && dev->type == NOXS_DEV_NONE; i++)
        memcpy(dev, &page->dev[i], sizeof(*dev));
    rmb();
    if (READ_ONCE(page->generation) != generation)
        return false;
    *slot = i;
    return true;
}

bool noxs_page_next(const struct noxs_page *page, uint32_t *slot, struct noxs_dev *dev)
{
    for (unsigned tries = 0; tries < MAX_TRIES; tries++)
        if (try_next(page, slot, dev))
            return dev->type != NOXS_DEV_NONE;
    return false;
}
