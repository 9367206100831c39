/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the module share: one device, its type, its control page and channel. */
#ifndef NOXS_H
#define NOXS_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/workqueue.h>
#include <xen/interface/xen.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/grant_table.h>

#include "noxs_ioctl.h"
#include "state.h"

struct noxs_device;

/* Who still works on the last event; the channel stays masked until the last one is done. */
#define NOXS_EVENT_CTRL	BIT(0)
#define NOXS_EVENT_DATA	BIT(1)
/* Not a worker: the event is to be acknowledged late, the front-end sends too many. */
#define NOXS_EVENT_SLOW	BIT(2)

struct noxs_type {
	const char *name;
	size_t size;			/* of the structure that begins with struct noxs_device */
	/* Checks what user space gave; of a new device, fills in what it left open. */
	int (*check)(domid_t domid, struct noxs_dev_config *config, bool is_new);
	/* Optional: fills the back-end's half of the control page. */
	void (*init)(struct noxs_device *dev);
	/* Optional, under rtnl: makes the network device. */
	int (*publish)(struct noxs_device *dev);
	/* Optional: undoes publish; the event channel is closed, the front-end disconnected. */
	void (*unpublish)(struct noxs_device *dev);
	/*
	 * Optional, dev->lock held, no front-end connected yet: another configuration, which is
	 * checked; fills in what it left open.
	 */
	int (*configure)(struct noxs_device *dev, struct noxs_dev_config *config);
	/* dev->lock held. 0 or -errno, which becomes the back-end's error. */
	int (*connect)(struct noxs_device *dev);
	/* dev->lock held. Only after a successful connect. */
	void (*disconnect)(struct noxs_device *dev);
	/* Optional, in interrupt context: is there ring work? */
	bool (*data_pending)(struct noxs_device *dev);
	/* Optional, in interrupt context: starts it; it ends with noxs_event_done(). */
	void (*data_start)(struct noxs_device *dev);
	/* Optional: the type's part of what LIST tells. */
	void (*info)(struct noxs_device *dev, struct noxs_dev_info *info);
};

struct noxs_device {
	struct hlist_node node;		/* in the table; under noxs_table_lock */
	struct kref ref;
	const struct noxs_type *type;
	domid_t domid;
	u16 id;
	struct noxs_dev_config config;
	char name[NOXS_IFNAMSIZ];	/* of the interrupt, and in messages */

	struct noxs_ctrl *ctrl;
	grant_ref_t grant;
	evtchn_port_t evtchn;
	int irq;
	atomic_t events;		/* NOXS_EVENT_*: what is under way */
	bool broken;			/* the front-end broke the protocol; never cleared */

	struct mutex lock;		/* all below */
	bool live;			/* from the end of create to destroy: else not a word */
	bool connected;
	u32 back_state;
	u32 front_state;		/* last read from the page, and known to be a state */
	u32 error;
	unsigned long window_start;	/* jiffies; limits changes of state per second */
	unsigned int window_changes;
	bool complained;		/* in the log, of a connection that failed: once */
	struct work_struct work;
};

/* hypercall.c */
int noxs_hv_query(struct noxs_op_query *query);
int noxs_hv_add(struct noxs_op_devs *devs);
int noxs_hv_remove(struct noxs_op_devs *devs);

/* ctrl.c: control page and event channel */
int noxs_ctrl_open(struct noxs_device *dev);
/* Waits for the handler; no event is taken any more. */
void noxs_ctrl_mask(struct noxs_device *dev);
void noxs_ctrl_close(struct noxs_device *dev);
void noxs_ctrl_notify(struct noxs_device *dev);
void noxs_ctrl_set_state(struct noxs_device *dev, enum noxs_state state, int error);
void noxs_event_done(struct noxs_device *dev, unsigned int worker);
/* Any context: the front-end broke the protocol, close the device soon. */
void noxs_device_break(struct noxs_device *dev, const char *what);

/* device.c: the table of devices, their life and their states */
extern struct mutex noxs_table_lock;
/* Checks and completes one configuration. */
int noxs_check(domid_t domid, struct noxs_dev_config *config, bool is_new);
/* The configurations are checked. failed: index of the one at fault, or nr. */
int noxs_create(domid_t domid, const struct noxs_dev_config *configs, unsigned int nr,
		unsigned int *failed);
/* The configuration is checked. */
int noxs_configure(domid_t domid, struct noxs_dev_config *config);
int noxs_destroy(const struct noxs_key *key, u32 *removed);
/* Calls fn for each device that matches until it returns non-zero; the table is locked. */
int noxs_for_each(const struct noxs_key *key, int (*fn)(struct noxs_device *dev, void *arg),
		  void *arg);
/* A reference, or NULL. */
struct noxs_device *noxs_get(domid_t domid, u16 type, u16 id);
void noxs_put(struct noxs_device *dev);
void noxs_device_info(struct noxs_device *dev, struct noxs_dev_info *info);
/* dev->lock held: takes in what the front-end wrote since. */
void noxs_device_update(struct noxs_device *dev);
int noxs_devices_init(void);
void noxs_devices_exit(void);
void noxs_queue(struct work_struct *work);

/* sysctl.c */
extern const struct noxs_type noxs_sysctl_type;
int noxs_sysctl_request(domid_t domid, u32 request, u32 *sequence);
long noxs_sysctl_wait(struct noxs_device *dev, u32 timeout_ms);

/* chardev.c */
int noxs_chardev_init(void);
void noxs_chardev_exit(void);

#endif
