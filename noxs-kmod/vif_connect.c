// SPDX-License-Identifier: GPL-2.0-only
/* The rings of a vif come and go. */
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "packet.h"
#include "vif.h"

enum { TX, RX, RINGS };

static void rings_unmap(struct noxs_vif *vif)
{
	struct gnttab_unmap_grant_ref ops[RINGS];
	struct page *pages[RINGS];
	unsigned int nr = 0;
	unsigned int i;

	for (i = 0; i < RINGS; i++) {
		if (vif->ring_handles[i] == INVALID_GRANT_HANDLE)
			continue;
		gnttab_set_unmap_op(&ops[nr], (unsigned long)page_address(vif->ring_pages[i]),
				    GNTMAP_host_map, vif->ring_handles[i]);
		pages[nr++] = vif->ring_pages[i];
	}
	/* Cannot fail for handles that are ours; were it to, the pages must not be used again. */
	if (nr && WARN_ON_ONCE(gnttab_unmap_refs(ops, NULL, pages, nr)))
		return;
	gnttab_free_pages(RINGS, vif->ring_pages);
}

static int rings_map(struct noxs_vif *vif, const grant_ref_t refs[RINGS])
{
	struct gnttab_map_grant_ref ops[RINGS];
	unsigned int i;
	int rc;

	rc = gnttab_alloc_pages(RINGS, vif->ring_pages);
	if (rc)
		return rc;
	for (i = 0; i < RINGS; i++) {
		vif->ring_handles[i] = INVALID_GRANT_HANDLE;
		gnttab_set_map_op(&ops[i], (unsigned long)page_address(vif->ring_pages[i]),
				  GNTMAP_host_map, refs[i], vif->dev.domid);
	}
	rc = gnttab_map_refs(ops, NULL, vif->ring_pages, RINGS);
	for (i = 0; i < RINGS; i++) {
		if (ops[i].status == GNTST_okay)
			vif->ring_handles[i] = ops[i].handle;
		else if (!rc)
			rc = -EINVAL;
	}
	if (rc)
		rings_unmap(vif);
	return rc;
}

/* A front-end may have put requests into fresh rings already: at most as many as fit. */
static int rings_attach(struct noxs_vif *vif)
{
	struct xen_netif_tx_sring *tx = page_address(vif->ring_pages[TX]);
	struct xen_netif_rx_sring *rx = page_address(vif->ring_pages[RX]);
	RING_IDX tx_rsp = READ_ONCE(tx->rsp_prod);
	RING_IDX rx_rsp = READ_ONCE(rx->rsp_prod);

	BACK_RING_ATTACH(&vif->tx, tx, tx_rsp, XEN_PAGE_SIZE);
	BACK_RING_ATTACH(&vif->rx, rx, rx_rsp, XEN_PAGE_SIZE);
	if (noxs_ring_pending(READ_ONCE(tx->req_prod), tx_rsp, RING_SIZE(&vif->tx)) < 0 ||
	    noxs_ring_pending(READ_ONCE(rx->req_prod), rx_rsp, RING_SIZE(&vif->rx)) < 0)
		return -EINVAL;
	return 0;
}

int noxs_vif_connect(struct noxs_device *dev)
{
	const struct noxs_vif_front *front = &dev->ctrl->vif_front;
	struct noxs_vif *vif = to_vif(dev);
	u32 features = READ_ONCE(front->features) & NOXS_VIF_FEATURES;
	const grant_ref_t refs[RINGS] = {
		[TX] = READ_ONCE(front->tx_ring_ref),
		[RX] = READ_ONCE(front->rx_ring_ref),
	};
	int rc;

	rc = rings_map(vif, refs);
	if (rc)
		return rc;
	rc = rings_attach(vif);
	if (rc)
		goto err_attach;
	WRITE_ONCE(vif->features, features);

	spin_lock_bh(&vif->rx_lock);
	vif->rx_progress = jiffies;
	vif->rx_starved = false;
	/* The rings are complete before anybody may look at them. */
	smp_store_release(&vif->connected, true);
	spin_unlock_bh(&vif->rx_lock);

	noxs_vif_filter_connect(vif);
	napi_enable(&vif->napi);
	netif_carrier_on(vif->netdev);
	/* Requests that are there already came without an event. */
	local_bh_disable();
	napi_schedule(&vif->napi);
	local_bh_enable();
	noxs_vif_announce_later(vif);
	return 0;

err_attach:
	rings_unmap(vif);
	return rc;
}

void noxs_vif_disconnect(struct noxs_device *dev)
{
	struct noxs_vif *vif = to_vif(dev);

	noxs_vif_announce_cancel(vif);
	netif_carrier_off(vif->netdev);
	/* No transmitter, then no handler, then no poll function uses the rings any more. */
	spin_lock_bh(&vif->rx_lock);
	WRITE_ONCE(vif->connected, false);
	spin_unlock_bh(&vif->rx_lock);
	synchronize_irq(dev->irq);
	napi_disable(&vif->napi);
	/* The core may have ended a poll that was under way without its last steps. */
	noxs_event_done(dev, NOXS_EVENT_DATA);

	noxs_vif_filter_disconnect(vif);
	noxs_vif_rx_purge(vif);
	WRITE_ONCE(vif->features, 0);
	rings_unmap(vif);
}

/* Hints only: who does the work reads the indices once more, and checks them. */
bool noxs_vif_data_pending(struct noxs_device *dev)
{
	struct noxs_vif *vif = to_vif(dev);

	if (!smp_load_acquire(&vif->connected))
		return false;
	if (READ_ONCE(vif->tx.sring->req_prod) != READ_ONCE(vif->tx.req_cons) ||
	    noxs_vif_filter_pending(vif))
		return true;
	return READ_ONCE(vif->rx_starved) &&
	       READ_ONCE(vif->rx.sring->req_prod) != READ_ONCE(vif->rx.req_cons);
}

void noxs_vif_data_start(struct noxs_device *dev)
{
	napi_schedule(&to_vif(dev)->napi);
}

/* The first pages of this kind are dear, as the kernel makes room for many: not in a connect. */
int noxs_vif_rings_warm(void)
{
	struct page *pages[RINGS];
	int rc;

	rc = gnttab_alloc_pages(RINGS, pages);
	if (!rc)
		gnttab_free_pages(RINGS, pages);
	return rc;
}
