/* SPDX-License-Identifier: BSD-3-Clause */
/* sysctl front-end: poweroff, reboot and suspend on request. */
#include "kernel/kernel.h"
#include "noxs.h"

static void event(struct noxs_device *dev)
{
    struct noxs_sysctl_back *back = &dev->ctrl->sysctl_back;
    struct noxs_sysctl_front *front = &dev->ctrl->sysctl_front;
    uint32_t sequence = READ_ONCE(back->sequence);
    uint32_t request;

    if (noxs_back_state(dev) >= NOXS_STATE_CLOSING) {
        if (front->features) {
            front->features = 0;
            noxs_set_state(dev, NOXS_STATE_CLOSED);
        }
        return;
    }
    if (sequence == front->acknowledged)
        return;
    rmb();
    request = READ_ONCE(back->request);
    if (!app_shutdown(request))
        return;
    front->acknowledged = sequence;
    wmb();
    evtchn_notify(dev->port);
    shutdown_request(request);
}

static int attach(struct noxs_device *dev)
{
    dev->ctrl->sysctl_front.features =
        1u << NOXS_SYSCTL_POWEROFF | 1u << NOXS_SYSCTL_REBOOT | 1u << NOXS_SYSCTL_SUSPEND;
    dev->ctrl->sysctl_front.acknowledged = READ_ONCE(dev->ctrl->sysctl_back.sequence);
    noxs_set_state(dev, NOXS_STATE_CONNECTED);
    return 0;
}

static void detach(struct noxs_device *dev)
{
    noxs_set_state(dev, NOXS_STATE_CLOSED);
}

NOXS_DRIVER(sysctl_driver) = {
    .type = NOXS_DEV_SYSCTL,
    .attach = attach,
    .detach = detach,
    .event = event,
};
