// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards, and the interfaces that they stand on.
 *
 * A guard is configured by the name of an interface, which may come later, go,
 * be renamed and come back. While it is there, a port ties its hook to the
 * guards on it, by VLAN id. All of this happens under RTNL, which interfaces
 * come and go under; packets read ports and guards under RCU.
 *
 * Lifetime of a guard, for each way in which it ends (deleted, replaced, its
 * interface gone, its namespace gone):
 *
 *  1. It is taken out of its port's xarray, or replaced in it, so no new packet
 *     finds it.
 *  2. A packet that found it before is inside rcu_read_lock() (netfilter runs
 *     hooks so) and writes its counters there.
 *  3. It is freed by call_rcu(), so after that packet; its counters with it,
 *     unless its replacement took them over.
 *
 * Lifetime of a port:
 *
 *  1. It goes when its last guard has been taken out, and then its hook is
 *     unregistered first, so no new packet finds the port.
 *  2. netfilter keeps hook entries, with the pointer to the port, for a grace
 *     period after that; a packet that is in the hook is in that grace period.
 *  3. It is freed by kfree_rcu() after the hook was unregistered, so after that
 *     packet.
 *  4. It never outlives its interface: NETDEV_UNREGISTER, under RTNL and before
 *     the interface is freed, takes all guards out.
 *
 * Each guard holds a reference to the module, so that the module cannot be
 * unloaded while one is configured, armed or waiting.
 */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "droplog.h"
#include "event.h"
#include "fragment.h"
#include "guard.h"
#include "hook.h"
#include "interface.h"
#include "settle.h"

/**
 * struct guard_name - the number of a guard's name
 * @list: in lenscap_net.names
 * @id: from 1; %LC_GUARD_ANY is none's
 * @name: NUL-terminated
 *
 * Devices refer to guards by number. A policy may name a guard before it is
 * configured, and a guard may be deleted and come back, so numbers belong to
 * names, and live as long as the namespace.
 */
struct guard_name {
	struct list_head list;
	u16 id;
	char name[];
};

/* Of all lenscap_net.names; entries are never removed but at the end. */
static DEFINE_MUTEX(guard_names_lock);

/**
 * lenscap_guard_name_id() - the number of a guard's name
 * @ln: the namespace
 * @name: at most LENSCAP_NAME_LEN bytes
 * @id: receives the number
 * @interned: receives the name, valid as long as the namespace
 *
 * Context: process.
 *
 * Return: 0; -ENOSPC if LENSCAP_MAX_GUARD_NAMES different names were used;
 * -ENOMEM.
 */
int lenscap_guard_name_id(struct lenscap_net *ln, const char *name, u16 *id,
			  const char **interned)
{
	struct guard_name *entry;
	int err = 0;

	mutex_lock(&guard_names_lock);
	list_for_each_entry(entry, &ln->names, list)
		if (!strcmp(entry->name, name))
			goto found;
	if (ln->nnames >= LENSCAP_MAX_GUARD_NAMES) {
		err = -ENOSPC;
		goto out;
	}
	entry = kzalloc(struct_size(entry, name, strlen(name) + 1),
			GFP_KERNEL_ACCOUNT);
	if (!entry) {
		err = -ENOMEM;
		goto out;
	}
	strcpy(entry->name, name);
	entry->id = ++ln->nnames;
	list_add_tail(&entry->list, &ln->names);
found:
	*id = entry->id;
	*interned = entry->name;
out:
	mutex_unlock(&guard_names_lock);
	return err;
}

/**
 * lenscap_guard_name() - the name that has a number
 * @ln: the namespace
 * @id: a number that lenscap_guard_name_id() gave
 *
 * Context: process. Return: the name, valid as long as the namespace, or NULL.
 */
const char *lenscap_guard_name(struct lenscap_net *ln, u16 id)
{
	const struct guard_name *entry;
	const char *name = NULL;

	mutex_lock(&guard_names_lock);
	list_for_each_entry(entry, &ln->names, list) {
		if (entry->id == id) {
			name = entry->name;
			break;
		}
	}
	mutex_unlock(&guard_names_lock);
	return name;
}

static struct lenscap_port *port_find(struct lenscap_net *ln,
				      const struct net_device *dev)
{
	struct lenscap_port *port;

	list_for_each_entry(port, &ln->ports, list)
		if (port->dev == dev)
			return port;
	return NULL;
}

/* After each change of a port's guards. */
static void port_changed(struct lenscap_port *port)
{
	rcu_assign_pointer(port->untagged, xa_load(&port->guards, 0));
}

static int port_create(struct lenscap_net *ln, struct net_device *dev,
		       struct lenscap_guard *guard)
{
	struct lenscap_port *port;
	int err;

	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return -ENOMEM;
	port->ln = ln;
	port->dev = dev;
	xa_init(&port->guards);
	port->ops.hook = lenscap_hook;
	port->ops.dev = dev;
	port->ops.priv = port;
	port->ops.pf = NFPROTO_NETDEV;
	port->ops.hooknum = NF_NETDEV_INGRESS;
	port->ops.priority = INT_MIN;

	/* The guard first: the hook must not meet a port without one. */
	err = xa_err(xa_store(&port->guards, guard->vlan, guard, GFP_KERNEL));
	port_changed(port);
	if (!err)
		err = nf_register_net_hook(ln->net, &port->ops);
	if (err) {
		xa_destroy(&port->guards);
		kfree(port);
		return err;
	}
	list_add_tail(&port->list, &ln->ports);
	guard->port = port;
	return 0;
}

static int port_join(struct lenscap_port *port, struct lenscap_guard *guard)
{
	int err;

	err = xa_err(xa_store(&port->guards, guard->vlan, guard, GFP_KERNEL));
	port_changed(port);
	if (!err)
		guard->port = port;
	return err;
}

/* Put a guard in place on an interface that exists. Unless it @stays where it was, there
 * may be fragments on their way that nobody has judged.
 */
static int guard_arm(struct lenscap_net *ln, struct lenscap_guard *guard,
		     struct net_device *dev, bool stays,
		     struct netlink_ext_ack *extack)
{
	struct lenscap_port *port = port_find(ln, dev);
	const char *reason = lenscap_interface_unfit(dev, &guard->core,
						     guard->vlan);
	int err;

	guard->state = LENSCAP_GUARD_FAILED;
	guard->stayed = false;
	if (reason) {
		lenscap_extack_fmt(extack, "%s: %s", dev->name, reason);
		return -EINVAL;
	}
	if (port && xa_load(&port->guards, guard->vlan)) {
		NL_SET_ERR_MSG(extack, "another guard stands on this interface and VLAN");
		return -EBUSY;
	}
	/* Before it judges, so that nothing passes meanwhile, and when it does: to arm
	 * it may take its time, in which nobody judges.
	 */
	if (!stays)
		lenscap_settle_guard(ln);
	err = port ? port_join(port, guard) : port_create(ln, dev, guard);
	if (err) {
		lenscap_extack_fmt(extack, "%s: %s: error %d", dev->name, port ?
				   "the guard could not be added to others there" :
				   "the ingress hook was refused", err);
		return err;
	}
	if (!stays)
		lenscap_settle_guard(ln);
	guard->state = LENSCAP_GUARD_ARMED;
	return 0;
}

/* Somebody has ended an audit, in which nobody was held to any address. */
static void settle_audit(struct lenscap_net *ln, u8 mode)
{
	if (mode == LENSCAP_MODE_AUDIT)
		lenscap_settle_guard(ln);
}

/* Take a guard out of its port. */
static void guard_leave(struct lenscap_guard *guard)
{
	xa_erase(&guard->port->guards, guard->vlan);
	port_changed(guard->port);
}

/* Take a guard out of its port, and the port away with the last one. */
static void guard_disarm(struct lenscap_guard *guard)
{
	struct lenscap_port *port = guard->port;

	if (!port)
		return;
	guard_leave(guard);
	guard->port = NULL;
	guard->state = LENSCAP_GUARD_WAITING;
	if (!xa_empty(&port->guards))
		return;
	nf_unregister_net_hook(port->ln->net, &port->ops);
	list_del(&port->list);
	kfree_rcu(port, rcu);
}

static void guard_free_rcu(struct rcu_head *rcu)
{
	struct lenscap_guard *guard =
		container_of(rcu, struct lenscap_guard, rcu);

	free_percpu(guard->stats);
	kfree(guard);
}

static struct lenscap_guard *guard_find(const struct lenscap_net *ln,
					const char *name)
{
	struct lenscap_guard *guard;

	list_for_each_entry(guard, &ln->guards, list)
		if (!strcmp(guard->name, name))
			return guard;
	return NULL;
}

static struct lenscap_guard_stats __percpu *stats_create(void)
{
	struct lenscap_guard_stats __percpu *stats;
	int cpu;

	stats = alloc_percpu_gfp(struct lenscap_guard_stats,
				 GFP_KERNEL_ACCOUNT);
	if (stats)
		for_each_possible_cpu(cpu)
			u64_stats_init(&per_cpu_ptr(stats, cpu)->syncp);
	return stats;
}

static struct lenscap_guard *
guard_create(struct lenscap_net *ln, struct lenscap_guard_config *config,
	     struct netlink_ext_ack *extack)
{
	struct lenscap_guard *guard;
	const char *name;
	int err;

	err = lenscap_guard_name_id(ln, config->name, &config->core.id, &name);
	if (err == -ENOSPC)
		lenscap_extack_fmt(extack, "%u different guard names were used in this namespace, which is the limit: use one of them again",
				   LENSCAP_MAX_GUARD_NAMES);
	if (err)
		return ERR_PTR(err);
	guard = kzalloc(sizeof(*guard), GFP_KERNEL_ACCOUNT);
	if (!guard)
		return ERR_PTR(-ENOMEM);
	guard->name = name;
	strscpy(guard->ifname, config->ifname, sizeof(guard->ifname));
	guard->vlan = config->vlan;
	guard->core = config->core;
	return guard;
}

static int check_new(struct lenscap_net *ln,
		     const struct lenscap_guard_config *config,
		     const struct lenscap_guard *old,
		     const struct net_device *dev,
		     struct netlink_ext_ack *extack)
{
	const char *reason = dev ? lenscap_interface_unfit(dev, &config->core,
							   config->vlan) :
				   NULL;
	struct lenscap_guard *other;

	if (reason) {
		lenscap_extack_fmt(extack, "%s: %s", dev->name, reason);
		return -EINVAL;
	}
	/* An interface comes back under its name, and only then is looked for
	 * a guard that waits.
	 */
	if (dev && strcmp(dev->name, config->ifname)) {
		lenscap_extack_fmt(extack, "\"%s\" is another name of %s: use that",
				   config->ifname, dev->name);
		return -EINVAL;
	}

	list_for_each_entry(other, &ln->guards, list) {
		if (other == old || other->vlan != config->vlan ||
		    strcmp(other->ifname, config->ifname))
			continue;
		lenscap_extack_fmt(extack, "guard \"%s\" stands on this interface and VLAN already",
				   other->name);
		return -EEXIST;
	}
	if (!old && ln->nguards >= LENSCAP_MAX_GUARDS) {
		lenscap_extack_fmt(extack, "%u guards is the limit of a namespace",
				   LENSCAP_MAX_GUARDS);
		return -ENOSPC;
	}
	return 0;
}

/* The new guard stands where the old one stood: swap them under the packets'
 * eyes, so that there is no moment without one.
 */
static void guard_swap(struct lenscap_net *ln, struct lenscap_guard *old,
		       struct lenscap_guard *new)
{
	new->state = old->state;
	new->port = old->port;
	lenscap_settle_guard(ln);
	xa_store(&new->port->guards, new->vlan, new, GFP_KERNEL);
	port_changed(new->port);
}

static void guard_announce(struct lenscap_net *ln,
			   const struct lenscap_guard *guard, u8 state)
{
	if (!++ln->guards_seq)
		ln->guards_seq = 1;
	lenscap_event_guard(ln, guard, state);
}

/* Arm a guard that is not, if it can be; tell if that changed anything. */
static void guard_try(struct lenscap_net *ln, struct lenscap_guard *guard,
		      struct net_device *dev, bool stays)
{
	u8 before = guard->state;
	int err;

	err = guard_arm(ln, guard, dev, stays, NULL);
	if (guard->state == before)
		return;
	if (err)
		net_err_ratelimited("lenscap: guard %s cannot be armed on %s: error %d\n",
				    guard->name, dev->name, err);
	guard_announce(ln, guard, guard->state);
}

/* Is an interface the one that a guard stood on, new again? A camera that can make its
 * own come and go (a virtual machine's, or by USB) must not hold up the others by it. By
 * one that was moved here from another namespace something may have come in already, and
 * so it may by what one stands on or takes over, wherever that was meanwhile.
 */
static bool is_back(const struct lenscap_guard *guard, struct net_device *dev)
{
	struct rtnl_link_stats64 stats;

	return guard->stayed && lenscap_interface_alone(dev) &&
	       !dev_get_stats(dev, &stats)->rx_packets;
}

static void interface_came(struct lenscap_net *ln, struct net_device *dev)
{
	struct lenscap_guard *guard;

	list_for_each_entry(guard, &ln->guards, list)
		if (!guard->port && !strcmp(guard->ifname, dev->name))
			guard_try(ln, guard, dev, is_back(guard, dev));
}

/* A guard left its place: one that failed because of it may have it now. */
static void place_left(struct lenscap_net *ln)
{
	struct lenscap_guard *guard;

	list_for_each_entry(guard, &ln->guards, list) {
		struct net_device *dev;

		if (guard->state != LENSCAP_GUARD_FAILED)
			continue;
		dev = __dev_get_by_name(ln->net, guard->ifname);
		if (dev)
			guard_try(ln, guard, dev, false);
	}
}

/**
 * lenscap_guard_set() - add a guard or replace that of its name
 * @ln: the namespace
 * @config: what it is to be
 * @extack: receives the refusal's text
 *
 * A guard whose interface does not exist waits for it. One that is replaced
 * keeps its counters, and there is no moment in which neither the old nor the
 * new judges, also if it moves.
 *
 * Context: process, RTNL held.
 *
 * Return: 0; -EEXIST if another guard stands there; -ENOSPC at a limit;
 * -EINVAL if the interface cannot carry such a guard; -EBUSY if the module is
 * being unloaded, or a guard whose interface was renamed stands there; -ENOMEM, or
 * -E2BIG if the interface has no room for a hook. On error nothing has changed, but in
 * the last two cases fragments may wait.
 */
int lenscap_guard_set(struct lenscap_net *ln,
		      struct lenscap_guard_config *config,
		      struct netlink_ext_ack *extack)
{
	struct lenscap_guard *old = guard_find(ln, config->name);
	struct lenscap_guard *guard;
	struct net_device *dev;
	int err;

	ASSERT_RTNL();
	dev = __dev_get_by_name(ln->net, config->ifname);
	err = check_new(ln, config, old, dev, extack);
	if (!err)
		err = lenscap_droplog_create(ln);
	if (!err)
		err = lenscap_fragments_create(ln);
	if (!err)
		err = lenscap_settle_create(ln);
	if (err)
		return err;
	guard = guard_create(ln, config, extack);
	if (IS_ERR(guard))
		return PTR_ERR(guard);
	guard->stats = old ? old->stats : stats_create();
	err = -ENOMEM;
	if (!guard->stats)
		goto fail;
	err = -EBUSY;
	if (!old && !try_module_get(THIS_MODULE))
		goto fail;

	if (old && old->port && old->port->dev == dev &&
	    old->vlan == guard->vlan) {
		guard_swap(ln, old, guard);
	} else if (dev) {
		err = guard_arm(ln, guard, dev, false, extack);
		if (err) {
			if (!old)
				module_put(THIS_MODULE);
			goto fail;
		}
	}

	if (old) {
		/* Not if it was swapped: the port is the new one's now. */
		if (old->port && old->port != guard->port)
			guard_disarm(old);
		else if (old->port && old->vlan != guard->vlan)
			guard_leave(old);
		settle_audit(ln, old->core.mode);
		list_replace(&old->list, &guard->list);
		kfree_rcu(old, rcu);
	} else {
		list_add_tail(&guard->list, &ln->guards);
		ln->nguards++;
	}
	guard_announce(ln, guard, guard->state);
	place_left(ln);
	return 0;

fail:
	if (!old)
		free_percpu(guard->stats);
	kfree(guard);
	return err;
}

static void guard_delete(struct lenscap_net *ln, struct lenscap_guard *guard)
{
	guard_disarm(guard);
	list_del(&guard->list);
	ln->nguards--;
	call_rcu(&guard->rcu, guard_free_rcu);
	module_put(THIS_MODULE);
}

/**
 * lenscap_guard_del() - remove a guard: its interface is no longer judged
 * @ln: the namespace
 * @name: of the guard
 * @extack: receives the refusal's text
 *
 * Context: process, RTNL held. Return: 0 or -ENOENT.
 */
int lenscap_guard_del(struct lenscap_net *ln, const char *name,
		      struct netlink_ext_ack *extack)
{
	struct lenscap_guard *guard = guard_find(ln, name);
	u8 mode;

	ASSERT_RTNL();
	if (!guard) {
		NL_SET_ERR_MSG(extack, "there is no guard of this name");
		return -ENOENT;
	}
	guard_announce(ln, guard, LENSCAP_GUARD_GONE);
	mode = guard->core.mode;
	guard_delete(ln, guard);
	settle_audit(ln, mode);
	place_left(ln);
	return 0;
}

/**
 * lenscap_guards_armed() - how many guards judge frames now
 * @ln: the namespace
 *
 * Context: process, RTNL held.
 */
u32 lenscap_guards_armed(const struct lenscap_net *ln)
{
	struct lenscap_guard *guard;
	u32 armed = 0;

	list_for_each_entry(guard, &ln->guards, list)
		armed += guard->state == LENSCAP_GUARD_ARMED;
	return armed;
}

static void interface_went(struct lenscap_net *ln, struct net_device *dev)
{
	struct lenscap_port *port = port_find(ln, dev);
	struct lenscap_guard *guard;

	list_for_each_entry(guard, &ln->guards, list) {
		bool failed = guard->state == LENSCAP_GUARD_FAILED &&
			      !strcmp(guard->ifname, dev->name);

		if (failed) {
			guard->state = LENSCAP_GUARD_WAITING;
		} else if (port && guard->port == port) {
			guard_disarm(guard);
			/* Not if it is only moved to another namespace. */
			guard->stayed = dev->reg_state == NETREG_UNREGISTERING;
		} else {
			continue;
		}
		guard_announce(ln, guard, guard->state);
	}
}

static void interface_renamed(struct lenscap_net *ln, struct net_device *dev)
{
	struct lenscap_port *port = port_find(ln, dev);
	struct lenscap_guard *guard;

	list_for_each_entry(guard, &ln->guards, list) {
		if (!port || guard->port != port)
			continue;
		strscpy(guard->ifname, dev->name, sizeof(guard->ifname));
		guard_announce(ln, guard, guard->state);
	}
	interface_came(ln, dev);
}

/* What an audit let through, on @dev or below, may be completed by who judges above. */
static void interface_joins(struct lenscap_net *ln, struct net_device *dev)
{
	const struct lenscap_guard *guard;

	list_for_each_entry(guard, &ln->guards, list)
		if (guard->port && (guard->port->dev == dev ||
				    netdev_has_upper_dev(guard->port->dev, dev)))
			settle_audit(ln, guard->core.mode);
}

/* Context: process, RTNL held. */
static int guard_notify(struct notifier_block *block, unsigned long event,
			void *info)
{
	struct lenscap_net *ln =
		container_of(block, struct lenscap_net, notifier);
	struct net_device *dev = netdev_notifier_info_to_dev(info);
	const struct netdev_notifier_changeupper_info *upper = info;

	switch (event) {
	case NETDEV_REGISTER:
		interface_came(ln, dev);
		break;
	case NETDEV_UNREGISTER:
		interface_went(ln, dev);
		break;
	case NETDEV_CHANGENAME:
		interface_renamed(ln, dev);
		break;
	case NETDEV_CHANGEUPPER:
		if (upper->linking)
			interface_joins(ln, dev);
		break;
	}
	return NOTIFY_DONE;
}

/**
 * lenscap_guards_init() - follow the interfaces of a namespace
 * @ln: the namespace
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int lenscap_guards_init(struct lenscap_net *ln)
{
	INIT_LIST_HEAD(&ln->guards);
	INIT_LIST_HEAD(&ln->ports);
	INIT_LIST_HEAD(&ln->names);
	ln->guards_seq = 1;
	ln->notifier.notifier_call = guard_notify;
	return register_netdevice_notifier_net(ln->net, &ln->notifier);
}

/**
 * lenscap_guards_exit() - the namespace ends, or the module
 * @ln: the namespace
 *
 * 1. When a namespace ends, its interfaces went before (they are taken down by
 *    pernet devices, this runs from a pernet subsystem), so no guard is armed
 *    and no frame was let through unjudged meanwhile. When the module ends,
 *    there is no guard at all.
 * 2. A packet that was in the hook when it was unregistered may still be there;
 *    it uses droplog, fragments, settle, names and tag. So one grace period is waited
 *    for. This is no request; nobody waits for it but the end itself.
 *
 * Context: process.
 */
void lenscap_guards_exit(struct lenscap_net *ln)
{
	struct lenscap_guard *guard, *next;
	struct guard_name *name, *after;

	unregister_netdevice_notifier_net(ln->net, &ln->notifier);
	rtnl_lock();
	list_for_each_entry_safe(guard, next, &ln->guards, list)
		guard_delete(ln, guard);
	rtnl_unlock();
	WARN_ON_ONCE(!list_empty(&ln->ports));

	if (ln->droplog)
		synchronize_rcu();
	lenscap_droplog_destroy(ln);
	lenscap_fragments_destroy(ln);
	lenscap_settle_destroy(ln);
	list_for_each_entry_safe(name, after, &ln->names, list)
		kfree(name);
}
