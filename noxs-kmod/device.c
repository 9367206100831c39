// SPDX-License-Identifier: GPL-2.0-only
/* The table of devices, their life and their states. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <asm/barrier.h>

#include "noxs.h"
#include "vif.h"

/* A front-end that changes its state more often has its events acknowledged late. */
#define CHANGES_PER_SECOND 16

static const struct noxs_type *const types[NOXS_DEV_TYPES] = {
	[NOXS_DEV_SYSCTL] = &noxs_sysctl_type,
	[NOXS_DEV_VIF] = &noxs_vif_type,
};

DEFINE_MUTEX(noxs_table_lock);
static DEFINE_HASHTABLE(table, 9);
static struct workqueue_struct *queue;

void noxs_queue(struct work_struct *work)
{
	queue_work(queue, work);
}

/* ------------------------------------------------------------------ states */

static void count_change(struct noxs_device *dev)
{
	if (time_after(jiffies, dev->window_start + HZ)) {
		dev->window_start = jiffies;
		dev->window_changes = 0;
	}
	if (++dev->window_changes > CHANGES_PER_SECOND)
		atomic_or(NOXS_EVENT_SLOW, &dev->events);
}

static void device_close(struct noxs_device *dev, enum noxs_state state, int error)
{
	if (dev->connected) {
		dev->type->disconnect(dev);
		dev->connected = false;
	}
	noxs_ctrl_set_state(dev, state, error);
}

static void device_connect(struct noxs_device *dev)
{
	int rc = dev->type->connect(dev);

	if (rc) {
		if (!dev->complained)
			pr_info_ratelimited("domain %u: %s: cannot connect: error %d\n",
					    dev->domid, dev->name, rc);
		dev->complained = true;
		noxs_ctrl_set_state(dev, NOXS_STATE_CLOSED, -rc);
		return;
	}
	dev->connected = true;
	noxs_ctrl_set_state(dev, NOXS_STATE_CONNECTED, 0);
}

void noxs_device_update(struct noxs_device *dev)
{
	u32 front;

	lockdep_assert_held(&dev->lock);
	if (!dev->live)
		return;
	if (READ_ONCE(dev->broken)) {
		if (dev->error != EPROTO)
			device_close(dev, NOXS_STATE_CLOSED, EPROTO);
		return;
	}
	front = READ_ONCE(dev->ctrl->front.state);
	if (front == dev->front_state)
		return;
	/* The rest of the front-end's half was written before its state. */
	virt_rmb();
	count_change(dev);
	WRITE_ONCE(dev->front_state, front <= NOXS_STATE_CLOSED ? front : NOXS_STATE_UNKNOWN);
	switch (noxs_state_next(dev->back_state, front)) {
	case NOXS_DO_NOTHING:
		break;
	case NOXS_DO_CONNECT:
		device_connect(dev);
		break;
	case NOXS_DO_CLOSING:
		device_close(dev, NOXS_STATE_CLOSING, 0);
		break;
	case NOXS_DO_CLOSED:
		device_close(dev, NOXS_STATE_CLOSED, 0);
		break;
	case NOXS_DO_INITWAIT:
		device_close(dev, NOXS_STATE_INITWAIT, 0);
		break;
	case NOXS_DO_BREAK:
		noxs_device_break(dev, "unknown state");
		break;
	}
}

static void device_work(struct work_struct *work)
{
	struct noxs_device *dev = container_of(work, struct noxs_device, work);

	mutex_lock(&dev->lock);
	noxs_device_update(dev);
	mutex_unlock(&dev->lock);
	noxs_event_done(dev, NOXS_EVENT_CTRL);
}

/* ------------------------------------------------------------------ life */

static void device_release(struct kref *ref)
{
	kfree(container_of(ref, struct noxs_device, ref));
}

void noxs_put(struct noxs_device *dev)
{
	kref_put(&dev->ref, device_release);
}

static struct noxs_device *device_alloc(domid_t domid, const struct noxs_dev_config *config)
{
	const struct noxs_type *type = types[config->type];
	struct noxs_device *dev;
	int rc;

	/* Every type's structure begins with struct noxs_device. */
	dev = kzalloc(type->size, GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	kref_init(&dev->ref);
	mutex_init(&dev->lock);
	INIT_WORK(&dev->work, device_work);
	dev->type = type;
	dev->domid = domid;
	dev->id = config->id;
	dev->config = *config;
	snprintf(dev->name, sizeof(dev->name), "%s%u.%u", type->name, domid, config->id);
	rc = noxs_ctrl_open(dev);
	if (rc) {
		kfree(dev);
		return ERR_PTR(rc);
	}
	if (type->init)
		type->init(dev);
	return dev;
}

static void device_free(struct noxs_device *dev, bool published)
{
	mutex_lock(&dev->lock);
	WRITE_ONCE(dev->live, false);
	mutex_unlock(&dev->lock);
	noxs_ctrl_mask(dev);
	cancel_work_sync(&dev->work);

	mutex_lock(&dev->lock);
	device_close(dev, NOXS_STATE_CLOSED, 0);
	mutex_unlock(&dev->lock);
	noxs_ctrl_close(dev);
	if (published && dev->type->unpublish)
		dev->type->unpublish(dev);
	noxs_put(dev);
}

/* Under one rtnl section. Returns how many were published; rc tells why not all were. */
static unsigned int publish(struct noxs_device **devs, unsigned int from, unsigned int nr,
			    int *rc)
{
	unsigned int i;
	bool locked = false;

	*rc = 0;
	for (i = from; i < nr && !*rc; i++) {
		if (!devs[i]->type->publish)
			continue;
		if (!locked)
			rtnl_lock();
		locked = true;
		*rc = devs[i]->type->publish(devs[i]);
	}
	if (locked)
		rtnl_unlock();
	return *rc ? i - 1 : i;
}

static int publish_all(struct noxs_device **devs, unsigned int nr, unsigned int *published)
{
	int rc;

	*published = publish(devs, 0, nr, &rc);
	if (rc == -EADDRINUSE) {
		/* The name may be that of a device whose destruction is not over. */
		noxs_vif_flush();
		*published = publish(devs, *published, nr, &rc);
	}
	return rc;
}

/* From here on the front-end is listened to; it may have connected already. */
static void device_start(struct noxs_device *dev)
{
	mutex_lock(&dev->lock);
	WRITE_ONCE(dev->live, true);
	noxs_device_update(dev);
	mutex_unlock(&dev->lock);
}

static void fill_entry(struct noxs_dev *entry, const struct noxs_device *dev)
{
	*entry = (struct noxs_dev) {
		.type = dev->config.type,
		.id = dev->id,
		.back_end = 0,
		.grant = dev->grant,
		.evtchn = dev->evtchn,
	};
}

static bool matches(const struct noxs_device *dev, const struct noxs_key *key)
{
	return (key->domid == NOXS_DOMID_ALL || dev->domid == key->domid) &&
	       (key->type == NOXS_DEV_NONE || dev->config.type == key->type) &&
	       (key->id == NOXS_ID_ALL || dev->id == key->id);
}

static struct noxs_device *find(const struct noxs_key *key)
{
	struct noxs_device *dev;

	lockdep_assert_held(&noxs_table_lock);
	hash_for_each_possible(table, dev, node, key->domid)
		if (matches(dev, key))
			return dev;
	return NULL;
}

static int check_new(domid_t domid, const struct noxs_dev_config *configs, unsigned int i)
{
	struct noxs_key key = {
		.domid = domid,
		.type = configs[i].type,
		.id = configs[i].id,
	};
	unsigned int j;

	for (j = 0; j < i; j++)
		if (configs[j].type == key.type && configs[j].id == key.id)
			return -EEXIST;
	return find(&key) ? -EEXIST : 0;
}

int noxs_check(domid_t domid, struct noxs_dev_config *config, bool is_new)
{
	if (config->type >= NOXS_DEV_TYPES || !types[config->type] || config->reserved ||
	    config->id == NOXS_ID_ALL)
		return -EINVAL;
	return types[config->type]->check(domid, config, is_new);
}

static int create_locked(domid_t domid, const struct noxs_dev_config *configs, unsigned int nr,
			 unsigned int *failed)
{
	struct noxs_device *devs[NOXS_OP_BATCH];
	struct noxs_op_devs op = { .domid = domid, .nr = nr };
	unsigned int made, published = 0, i;
	int rc;

	for (made = 0; made < nr; made++) {
		rc = check_new(domid, configs, made);
		if (rc)
			goto err_device;
		devs[made] = device_alloc(domid, &configs[made]);
		if (IS_ERR(devs[made])) {
			rc = PTR_ERR(devs[made]);
			goto err_device;
		}
		fill_entry(&op.dev[made], devs[made]);
	}
	rc = publish_all(devs, nr, &published);
	if (rc) {
		*failed = published;
		goto err_publish;
	}
	rc = noxs_hv_add(&op);
	if (rc)
		goto err_publish;
	for (i = 0; i < nr; i++) {
		__module_get(THIS_MODULE);
		hash_add(table, &devs[i]->node, domid);
		device_start(devs[i]);
	}
	return 0;

err_device:
	*failed = made;
err_publish:
	while (made--)
		device_free(devs[made], made < published);
	return rc;
}

int noxs_create(domid_t domid, const struct noxs_dev_config *configs, unsigned int nr,
		unsigned int *failed)
{
	int rc;

	*failed = nr;
	if (mutex_lock_killable(&noxs_table_lock))
		return -EINTR;
	rc = create_locked(domid, configs, nr, failed);
	mutex_unlock(&noxs_table_lock);
	return rc;
}

int noxs_configure(domid_t domid, struct noxs_dev_config *config)
{
	struct noxs_device *dev;
	int rc;

	if (!types[config->type]->configure)
		return -EINVAL;
	dev = noxs_get(domid, config->type, config->id);
	if (!dev)
		return -ENOENT;
	mutex_lock(&dev->lock);
	noxs_device_update(dev);
	if (!dev->live)
		rc = -ENOENT;
	else if (READ_ONCE(dev->broken) || dev->back_state != NOXS_STATE_INITWAIT ||
		 dev->front_state > NOXS_STATE_INITIALISING)
		rc = -EBUSY;
	else
		rc = dev->type->configure(dev, config);
	mutex_unlock(&dev->lock);
	noxs_put(dev);
	return rc;
}

/* The domain may be gone, and its page with it: then there is nothing to remove. */
static void remove_entries(domid_t domid, struct hlist_head *devs)
{
	struct noxs_op_devs op = { .domid = domid };
	struct noxs_device *dev;

	hlist_for_each_entry(dev, devs, node) {
		fill_entry(&op.dev[op.nr++], dev);
		if (op.nr == NOXS_OP_BATCH || !dev->node.next) {
			noxs_hv_remove(&op);
			op.nr = 0;
		}
	}
}

int noxs_destroy(const struct noxs_key *key, u32 *removed)
{
	struct noxs_device *dev;
	struct hlist_node *next;
	HLIST_HEAD(devs);

	*removed = 0;
	if (mutex_lock_killable(&noxs_table_lock))
		return -EINTR;
	hash_for_each_possible_safe(table, dev, next, node, key->domid) {
		if (!matches(dev, key))
			continue;
		hash_del(&dev->node);
		hlist_add_head(&dev->node, &devs);
	}
	remove_entries(key->domid, &devs);
	hlist_for_each_entry_safe(dev, next, &devs, node) {
		device_free(dev, true);
		/* The caller's open file still holds the module. */
		module_put(THIS_MODULE);
		++*removed;
	}
	mutex_unlock(&noxs_table_lock);
	return *removed ? 0 : -ENOENT;
}

/* ------------------------------------------------------------------ looking up */

int noxs_for_each(const struct noxs_key *key, int (*fn)(struct noxs_device *dev, void *arg),
		  void *arg)
{
	struct noxs_device *dev;
	unsigned int bucket;
	int rc = 0;

	if (mutex_lock_killable(&noxs_table_lock))
		return -EINTR;
	if (key->domid != NOXS_DOMID_ALL) {
		hash_for_each_possible(table, dev, node, key->domid)
			if (!rc && matches(dev, key))
				rc = fn(dev, arg);
	} else {
		hash_for_each(table, bucket, dev, node)
			if (!rc && matches(dev, key))
				rc = fn(dev, arg);
	}
	mutex_unlock(&noxs_table_lock);
	return rc;
}

struct noxs_device *noxs_get(domid_t domid, u16 type, u16 id)
{
	struct noxs_key key = { .domid = domid, .type = type, .id = id };
	struct noxs_device *dev;

	mutex_lock(&noxs_table_lock);
	dev = find(&key);
	if (dev)
		kref_get(&dev->ref);
	mutex_unlock(&noxs_table_lock);
	return dev;
}

void noxs_device_info(struct noxs_device *dev, struct noxs_dev_info *info)
{
	memset(info, 0, sizeof(*info));
	mutex_lock(&dev->lock);
	noxs_device_update(dev);
	info->key.domid = dev->domid;
	info->key.type = dev->config.type;
	info->key.id = dev->id;
	info->back_state = dev->back_state;
	info->front_state = dev->front_state;
	info->error = dev->error;
	info->grant = dev->grant;
	info->evtchn = dev->evtchn;
	info->config = dev->config;
	mutex_unlock(&dev->lock);
	if (dev->type->info)
		dev->type->info(dev, info);
}

int noxs_devices_init(void)
{
	queue = alloc_workqueue("noxs", WQ_HIGHPRI, 0);
	return queue ? 0 : -ENOMEM;
}

void noxs_devices_exit(void)
{
	destroy_workqueue(queue);
}
