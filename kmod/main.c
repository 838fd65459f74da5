// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lenscap: judges every frame that enters from a camera VLAN.
 *
 * Loading the module changes nothing: a namespace is judged only where guards
 * are configured. It cannot be unloaded while there is one (each holds a
 * reference), so unloading never opens a door.
 */
#include <linux/module.h>
#include <linux/random.h>
#include <net/netns/generic.h>

#include "capture.h"
#include "event.h"
#include "guard.h"
#include "lenscap.h"
#include "netlink.h"
#include "table.h"
#include "txn.h"

static unsigned int net_id __read_mostly;

struct workqueue_struct *lenscap_wq;

/**
 * lenscap_net() - Lenscap's state in a network namespace
 * @net: the namespace
 *
 * Context: any; valid as long as @net.
 */
struct lenscap_net *lenscap_net(const struct net *net)
{
	return net_generic(net, net_id);
}

static int __net_init net_init(struct net *net)
{
	struct lenscap_net *ln = lenscap_net(net);

	ln->net = net;
	get_random_bytes(ln->seed, sizeof(ln->seed));
	mutex_init(&ln->lock);
	ln->tag.value = 0x4c000000;
	ln->tag.mask = 0xff000000;
	ln->tag.class_mask = 0x000000ff;
	lenscap_captures_init(ln);
	return lenscap_guards_init(ln);
}

/* Guards first, for they are what packets come in by; see each for why the
 * other may follow.
 */
static void __net_exit net_exit(struct net *net)
{
	struct lenscap_net *ln = lenscap_net(net);

	lenscap_guards_exit(ln);
	lenscap_captures_exit(ln);
	lenscap_txn_exit(ln);
	mutex_destroy(&ln->lock);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.exit = net_exit,
	.id = &net_id,
	.size = sizeof(struct lenscap_net),
};

static int __init lenscap_init(void)
{
	int err;

	err = lenscap_rulesets_init();
	if (err)
		return err;
	lenscap_wq = alloc_workqueue("lenscap", WQ_UNBOUND, 0);
	if (!lenscap_wq) {
		err = -ENOMEM;
		goto rulesets;
	}
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto wq;
	err = lenscap_netlink_init();
	if (err)
		goto pernet;
	return 0;

pernet:
	unregister_pernet_subsys(&net_ops);
wq:
	destroy_workqueue(lenscap_wq);
rulesets:
	lenscap_rulesets_exit();
	return err;
}

/* 1. No guard exists, or the module would be in use: no packet comes in.
 * 2. Events are stopped, then the family goes: no request, no dump, no new work
 *    after it.
 * 3. Then the namespaces' state; what must outlive packets is handed to RCU.
 * 4. rcu_barrier() waits for those callbacks: they free guards, and queue the
 *    work that frees generations.
 * 5. destroy_workqueue() waits for that work, which was the last to hold
 *    profiles and rulesets. Then no code of the module can be running, and nothing
 *    refers to it.
 */
static void __exit lenscap_exit(void)
{
	lenscap_event_stop();
	lenscap_netlink_exit();
	unregister_pernet_subsys(&net_ops);
	rcu_barrier();
	destroy_workqueue(lenscap_wq);
	lenscap_rulesets_exit();
}

module_init(lenscap_init);
module_exit(lenscap_exit);

MODULE_AUTHOR("The Lenscap authors");
MODULE_DESCRIPTION("Per-device destination allowlist for camera networks");
MODULE_LICENSE("GPL");
MODULE_VERSION(LENSCAP_VERSION);
MODULE_ALIAS_GENL_FAMILY(LENSCAP_GENL_NAME);
