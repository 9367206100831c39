// SPDX-License-Identifier: GPL-2.0-only
/* Control page and event channel of one device. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/gfp.h>
#include <linux/mm.h>
#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "noxs.h"

static irqreturn_t noxs_event(int irq, void *data)
{
	struct noxs_device *dev = data;
	unsigned int work = 0;

	/* Never acknowledged: the channel stays masked until the device goes. */
	if (READ_ONCE(dev->broken))
		return IRQ_HANDLED;
	if (READ_ONCE(dev->ctrl->front.state) != READ_ONCE(dev->front_state))
		work |= NOXS_EVENT_CTRL;
	if (dev->type->data_pending && dev->type->data_pending(dev))
		work |= NOXS_EVENT_DATA;
	if (!work) {
		xen_irq_lateeoi(irq, XEN_EOI_FLAG_SPURIOUS);
		return IRQ_HANDLED;
	}
	atomic_or(work, &dev->events);
	if (work & NOXS_EVENT_CTRL)
		noxs_queue(&dev->work);
	if (work & NOXS_EVENT_DATA)
		dev->type->data_start(dev);
	return IRQ_HANDLED;
}

void noxs_event_done(struct noxs_device *dev, unsigned int worker)
{
	unsigned int slow = 0;
	unsigned int old;

	if (READ_ONCE(dev->broken))
		return;
	old = atomic_fetch_andnot(worker, &dev->events);
	if (!(old & worker) || (old & ~worker & (NOXS_EVENT_CTRL | NOXS_EVENT_DATA)))
		return;
	if (atomic_fetch_andnot(NOXS_EVENT_SLOW, &dev->events) & NOXS_EVENT_SLOW)
		slow = XEN_EOI_FLAG_SPURIOUS;
	xen_irq_lateeoi(dev->irq, slow);
}

static int channel_open(struct noxs_device *dev)
{
	struct evtchn_alloc_unbound alloc = {
		.dom = DOMID_SELF,
		.remote_dom = dev->domid,
	};
	struct evtchn_close close;
	int rc;

	rc = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
	if (rc)
		return rc;
	rc = bind_evtchn_to_irqhandler_lateeoi(alloc.port, noxs_event, 0, dev->name, dev);
	if (rc < 0)
		goto err_bind;
	dev->evtchn = alloc.port;
	dev->irq = rc;
	return 0;

err_bind:
	close.port = alloc.port;
	HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
	return rc;
}

int noxs_ctrl_open(struct noxs_device *dev)
{
	struct noxs_ctrl_back *back;
	int rc;

	dev->ctrl = (void *)get_zeroed_page(GFP_KERNEL);
	if (!dev->ctrl)
		return -ENOMEM;
	back = &dev->ctrl->back;
	back->magic = NOXS_CTRL_MAGIC;
	back->abi_version = NOXS_ABI_VERSION;
	back->type = dev->config.type;
	back->id = dev->id;
	back->state = NOXS_STATE_INITWAIT;
	dev->back_state = NOXS_STATE_INITWAIT;

	rc = channel_open(dev);
	if (rc)
		goto err_channel;
	rc = gnttab_grant_foreign_access(dev->domid, virt_to_gfn(dev->ctrl), 0);
	if (rc < 0)
		goto err_grant;
	dev->grant = rc;
	return 0;

err_grant:
	unbind_from_irqhandler(dev->irq, dev);
err_channel:
	free_page((unsigned long)dev->ctrl);
	return rc;
}

void noxs_ctrl_mask(struct noxs_device *dev)
{
	disable_irq(dev->irq);
}

void noxs_ctrl_close(struct noxs_device *dev)
{
	unbind_from_irqhandler(dev->irq, dev);
	/* Frees the page, now or when the domain has let go of it. */
	gnttab_end_foreign_access(dev->grant, virt_to_page(dev->ctrl));
	dev->ctrl = NULL;
}

void noxs_ctrl_notify(struct noxs_device *dev)
{
	notify_remote_via_evtchn(dev->evtchn);
}

void noxs_ctrl_set_state(struct noxs_device *dev, enum noxs_state state, int error)
{
	dev->back_state = state;
	dev->error = error;
	WRITE_ONCE(dev->ctrl->back.error, error);
	virt_wmb();
	WRITE_ONCE(dev->ctrl->back.state, state);
	noxs_ctrl_notify(dev);
}

void noxs_device_break(struct noxs_device *dev, const char *what)
{
	if (xchg(&dev->broken, true))
		return;
	pr_warn_ratelimited("domain %u: %s: front-end broke the protocol: %s; device closed\n",
			    dev->domid, dev->name, what);
	noxs_queue(&dev->work);
}
