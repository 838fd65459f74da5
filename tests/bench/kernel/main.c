// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/lcbench: what a hook costs for each packet. README.md tells the method;
 * lcbench.h the interface. It knows nothing of any peer: whatever is attached
 * to a device when it is asked gets the frames.
 */
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>

#include "bench.h"

#define WRITE_MAX	(16U << 20)	/* bytes of one write() */

static DEFINE_MUTEX(bench_lock);
static struct bench_store store;	/* bench_lock */

static int add_frames(const u8 *data, size_t size)
{
	struct lcbench_head head;
	int err;

	while (size) {
		if (size < sizeof(head))
			return -EINVAL;
		memcpy(&head, data, sizeof(head));
		data += sizeof(head);
		size -= sizeof(head);
		if (head.len < ETH_HLEN || head.len > LCBENCH_MAX_FRAME ||
		    head.len > size)
			return -EINVAL;
		err = bench_store_add(&store, &head, data);
		if (err)
			return err;
		data += head.len;
		size -= head.len;
		cond_resched();
	}
	return 0;
}

static ssize_t bench_write(struct file *file, const char __user *buffer,
			   size_t size, loff_t *pos)
{
	u8 *data;
	int err;

	if (size > WRITE_MAX)
		return -EMSGSIZE;
	data = vmemdup_user(buffer, size);
	if (IS_ERR(data))
		return PTR_ERR(data);
	mutex_lock(&bench_lock);
	err = add_frames(data, size);
	mutex_unlock(&bench_lock);
	kvfree(data);
	return err ?: size;
}

static ssize_t bench_read(struct file *file, char __user *buffer, size_t size,
			  loff_t *pos)
{
	ssize_t done = 0;

	if (*pos % sizeof(u32))
		return -EINVAL;
	mutex_lock(&bench_lock);
	while (size - done >= sizeof(u32) &&
	       *pos / sizeof(u32) < store.count) {
		u32 sent = store.frames[*pos / sizeof(u32)]->sent;

		if (put_user(sent, (u32 __user *)(buffer + done))) {
			done = done ?: -EFAULT;
			break;
		}
		*pos += sizeof(u32);
		done += sizeof(u32);
	}
	mutex_unlock(&bench_lock);
	return done;
}

static int ioctl_check(struct net *net, void __user *arg)
{
	struct lcbench_check check;
	struct net_device *dev;
	int err;

	if (copy_from_user(&check, arg, sizeof(check)))
		return -EFAULT;
	dev = dev_get_by_index(net, check.ifindex);
	if (!dev)
		return -ENODEV;
	err = bench_check(&store, dev, &check);
	dev_put(dev);
	if (!err && copy_to_user(arg, &check, sizeof(check)))
		err = -EFAULT;
	return err;
}

static int ioctl_round(struct net *net, void __user *arg)
{
	struct lcbench_round round;
	struct net_device *dev;
	int err;

	if (copy_from_user(&round, arg, sizeof(round)))
		return -EFAULT;
	dev = dev_get_by_index(net, round.ifindex);
	if (!dev)
		return -ENODEV;
	err = bench_round(&store, dev, &round);
	dev_put(dev);
	if (!err && copy_to_user(arg, &round, sizeof(round)))
		err = -EFAULT;
	return err;
}

static int ioctl_empty(struct net *net, void __user *arg)
{
	struct lcbench_empty empty;
	struct net_device *dev;
	int err;

	if (copy_from_user(&empty, arg, sizeof(empty)))
		return -EFAULT;
	/* It would have to go before the namespace does. */
	if (net != &init_net)
		return -EOPNOTSUPP;
	dev = dev_get_by_index(net, empty.ifindex);
	if (!dev)
		return -ENODEV;
	err = bench_empty_set(net, dev, &empty);
	dev_put(dev);
	return err;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct net *net = current->nsproxy->net_ns;
	void __user *user = (void __user *)arg;
	int err = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	mutex_lock(&bench_lock);
	switch (cmd) {
	case LCBENCH_CLEAR:
		bench_store_clear(&store);
		break;
	case LCBENCH_CHECK:
		err = ioctl_check(net, user);
		break;
	case LCBENCH_ROUND:
		err = ioctl_round(net, user);
		break;
	case LCBENCH_COUNT:
		store.counted = arg;
		break;
	case LCBENCH_EMPTY:
		err = ioctl_empty(net, user);
		break;
	default:
		err = -ENOTTY;
	}
	mutex_unlock(&bench_lock);
	return err;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.read = bench_read,
	.write = bench_write,
	.unlocked_ioctl = bench_ioctl,
	.llseek = default_llseek,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lcbench",
	.fops = &bench_fops,
	.mode = 0600,
};

static int __init bench_init(void)
{
	return misc_register(&bench_device);
}

static void __exit bench_exit(void)
{
	misc_deregister(&bench_device);
	bench_empty_clear();
	bench_store_clear(&store);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What an ingress hook costs for each packet");
