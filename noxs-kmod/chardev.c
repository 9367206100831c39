// SPDX-License-Identifier: GPL-2.0-only
/* /dev/noxs. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "noxs.h"
#include "vif.h"

static int check_domid(u16 domid)
{
	return domid == 0 || domid >= DOMID_FIRST_RESERVED ? -EINVAL : 0;
}

static long ioc_version(void __user *arg)
{
	struct noxs_ioc_version version = { .module = NOXS_ABI_VERSION };
	struct noxs_op_query query;

	if (!noxs_hv_query(&query))
		version.hypervisor = query.abi_version;
	return copy_to_user(arg, &version, sizeof(version)) ? -EFAULT : 0;
}

/*
 * The configurations of a call, checked; what it left open of new devices is filled in. failed says
 * which one is at fault.
 */
static struct noxs_dev_config *get_configs(domid_t domid, u64 user, unsigned int nr, bool is_new,
					   unsigned int *failed)
{
	struct noxs_dev_config *configs;
	int rc;

	*failed = 0;
	if (nr == 0 || nr > NOXS_OP_BATCH || check_domid(domid))
		return ERR_PTR(-EINVAL);
	configs = memdup_user(u64_to_user_ptr(user), nr * sizeof(*configs));
	if (IS_ERR(configs))
		return configs;
	for (; *failed < nr; ++*failed) {
		rc = noxs_check(domid, &configs[*failed], is_new);
		if (rc) {
			kfree(configs);
			return ERR_PTR(rc);
		}
	}
	return configs;
}

static long ioc_create(void __user *arg)
{
	struct noxs_ioc_create __user *user = arg;
	struct noxs_dev_config *configs;
	struct noxs_ioc_create create;
	unsigned int failed;
	long rc;

	if (copy_from_user(&create, user, sizeof(create)))
		return -EFAULT;
	if (create.reserved)
		return -EINVAL;
	configs = get_configs(create.domid, create.devs, create.nr, true, &failed);
	if (IS_ERR(configs)) {
		rc = PTR_ERR(configs);
		goto out_failed;
	}
	/* All that is told on success is told before: nothing can fail after. */
	rc = -EFAULT;
	if (!copy_to_user(u64_to_user_ptr(create.devs), configs, create.nr * sizeof(*configs)) &&
	    !put_user(failed, &user->failed))
		rc = noxs_create(create.domid, configs, create.nr, &failed);
	kfree(configs);
out_failed:
	return rc && put_user(failed, &user->failed) ? -EFAULT : rc;
}

static long ioc_configure(void __user *arg)
{
	struct noxs_ioc_configure __user *user = arg;
	struct noxs_ioc_configure configure;
	struct noxs_dev_config *configs;
	unsigned int failed;
	long rc = 0;

	if (copy_from_user(&configure, user, sizeof(configure)))
		return -EFAULT;
	if (configure.reserved)
		return -EINVAL;
	configs = get_configs(configure.domid, configure.devs, configure.nr, false, &failed);
	if (IS_ERR(configs)) {
		rc = PTR_ERR(configs);
		goto out_failed;
	}
	for (failed = 0; !rc && failed < configure.nr; failed += !rc)
		rc = noxs_configure(configure.domid, &configs[failed]);
	if (!rc && copy_to_user(u64_to_user_ptr(configure.devs), configs,
				configure.nr * sizeof(*configs)))
		rc = -EFAULT;
	kfree(configs);
out_failed:
	return put_user(failed, &user->failed) ? -EFAULT : rc;
}

static long ioc_destroy(void __user *arg)
{
	struct noxs_ioc_destroy __user *user = arg;
	struct noxs_ioc_destroy destroy;
	long rc;

	if (copy_from_user(&destroy, user, sizeof(destroy)))
		return -EFAULT;
	if (destroy.key.reserved || check_domid(destroy.key.domid))
		return -EINVAL;
	rc = noxs_destroy(&destroy.key, &destroy.removed);
	if (put_user(destroy.removed, &user->removed))
		return -EFAULT;
	return rc;
}

struct list_cursor {
	struct noxs_dev_info __user *to;
	u32 room;
	u32 nr;
};

static int list_one(struct noxs_device *dev, void *arg)
{
	struct list_cursor *cursor = arg;
	struct noxs_dev_info info;

	if (cursor->nr < cursor->room) {
		noxs_device_info(dev, &info);
		if (copy_to_user(&cursor->to[cursor->nr], &info, sizeof(info)))
			return -EFAULT;
	}
	cursor->nr++;
	return 0;
}

static long ioc_list(void __user *arg)
{
	struct noxs_ioc_list __user *user = arg;
	struct noxs_key key = { .id = NOXS_ID_ALL };
	struct list_cursor cursor = { };
	struct noxs_ioc_list list;
	int rc;

	if (copy_from_user(&list, user, sizeof(list)))
		return -EFAULT;
	if (list.reserved || list.reserved2)
		return -EINVAL;
	key.domid = list.domid;
	cursor.to = u64_to_user_ptr(list.infos);
	cursor.room = list.nr;
	rc = noxs_for_each(&key, list_one, &cursor);
	if (rc)
		return rc;
	return put_user(cursor.nr, &user->nr) ? -EFAULT : 0;
}

static long ioc_wait(void __user *arg)
{
	struct noxs_ioc_wait __user *user = arg;
	struct noxs_ioc_wait wait;
	struct noxs_device *dev;
	long rc;

	if (copy_from_user(&wait, user, sizeof(wait)))
		return -EFAULT;
	if (wait.key.reserved ||
	    (wait.key.type != NOXS_DEV_VIF && wait.key.type != NOXS_DEV_SYSCTL))
		return -EINVAL;
	dev = noxs_get(wait.key.domid, wait.key.type, wait.key.id);
	if (!dev)
		return -ENOENT;
	rc = wait.key.type == NOXS_DEV_VIF ? noxs_vif_wait(dev, wait.timeout_ms)
					   : noxs_sysctl_wait(dev, wait.timeout_ms);
	noxs_device_info(dev, &wait.info);
	noxs_put(dev);
	if (copy_to_user(&user->info, &wait.info, sizeof(wait.info)))
		return -EFAULT;
	return rc;
}

static long ioc_hotplug(void __user *arg)
{
	struct noxs_ioc_hotplug hotplug;
	struct noxs_device *dev;

	if (copy_from_user(&hotplug, arg, sizeof(hotplug)))
		return -EFAULT;
	if (hotplug.key.reserved || hotplug.key.type != NOXS_DEV_VIF || hotplug.error == 0 ||
	    hotplug.error > MAX_ERRNO)
		return -EINVAL;
	dev = noxs_get(hotplug.key.domid, hotplug.key.type, hotplug.key.id);
	if (!dev)
		return -ENOENT;
	noxs_vif_hotplug_failed(dev, hotplug.error);
	noxs_put(dev);
	return 0;
}

static long ioc_shutdown(void __user *arg)
{
	struct noxs_ioc_shutdown __user *user = arg;
	struct noxs_ioc_shutdown shutdown;
	long rc;

	if (copy_from_user(&shutdown, user, sizeof(shutdown)))
		return -EFAULT;
	if (shutdown.reserved)
		return -EINVAL;
	rc = noxs_sysctl_request(shutdown.domid, shutdown.request, &shutdown.sequence);
	if (!rc && put_user(shutdown.sequence, &user->sequence))
		rc = -EFAULT;
	return rc;
}

static const struct {
	unsigned int cmd;
	long (*fn)(void __user *arg);
} ioctls[] = {
	{ NOXS_IOC_CREATE, ioc_create },
	{ NOXS_IOC_CONFIGURE, ioc_configure },
	{ NOXS_IOC_DESTROY, ioc_destroy },
	{ NOXS_IOC_LIST, ioc_list },
	{ NOXS_IOC_WAIT, ioc_wait },
	{ NOXS_IOC_HOTPLUG, ioc_hotplug },
	{ NOXS_IOC_SHUTDOWN, ioc_shutdown },
};

static long noxs_ioctl(struct file *file, unsigned int cmd, unsigned long data)
{
	void __user *arg = (void __user *)data;
	unsigned int i;
	u32 version;

	if (cmd == NOXS_IOC_VERSION)
		return ioc_version(arg);
	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		if (ioctls[i].cmd != cmd)
			continue;
		if (get_user(version, (u32 __user *)arg))
			return -EFAULT;
		return version == NOXS_ABI_VERSION ? ioctls[i].fn(arg) : -EPROTO;
	}
	return -ENOTTY;
}

static int noxs_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? nonseekable_open(inode, file) : -EPERM;
}

static const struct file_operations noxs_fops = {
	.owner = THIS_MODULE,
	.open = noxs_open,
	.unlocked_ioctl = noxs_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = no_llseek,
};

static struct miscdevice noxs_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "noxs",
	.mode = 0600,
	.fops = &noxs_fops,
};

int noxs_chardev_init(void)
{
	return misc_register(&noxs_misc);
}

void noxs_chardev_exit(void)
{
	misc_deregister(&noxs_misc);
}
