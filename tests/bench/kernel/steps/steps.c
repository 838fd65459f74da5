// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each step of Lenscap's hook costs: hooks that do its first steps and then
 * say yes, with the very code of the module, on the very tables that it has
 * live. What a step adds to the one before is what it costs where the processor
 * can overlap it with what is around it, which is what an operator pays.
 *
 *	echo "lcb9 lcb2 3" >/sys/module/lcsteps/parameters/attach
 *	echo "lcb9" >/sys/module/lcsteps/parameters/attach
 *
 * The first gives the frames of lcb9 the first three steps, with the guard and
 * the policy that lcb2 has; the second ends that. It is for an otherwise idle
 * bench kernel: nothing keeps the guard or the module from going away meanwhile.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/netfilter_netdev.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>

#include "frame.h"
#include "hits.h"
#include "table.h"

/**
 * enum step - how far a hook goes; the last step, counting by device and guard and
 *	tagging, is what Lenscap itself has more than STEP_HITS
 * @STEP_FRAME: the guard, and all fields of the buffer that are needed
 * @STEP_READ: the headers, read and checked
 * @STEP_SENDER: the device, its profile, and whether the address is its own
 * @STEP_RULES: the rules: the whole verdict
 * @STEP_HITS: which rule it was, counted
 * @FLOOR_ONE: no step of Lenscap's: STEP_READ, and a count in a line of the
 *	sender's own, found without looking. Whatever counts by device costs that
 * @FLOOR_TWO: the same, with the line's address in another one: a table of
 *	pointers in which nobody ever meets another
 */
enum step {
	STEP_FRAME = 1,
	STEP_READ,
	STEP_SENDER,
	STEP_RULES,
	STEP_HITS,
	FLOOR_ONE,
	FLOOR_TWO,
};

/**
 * struct line - a cache line of a sender's own
 * @other: where the count is kept, for FLOOR_TWO
 * @count: frames
 */
struct line {
	struct line *other;
	u64 count;
} __aligned(64);

#define LINE_BITS	16

/* As much as can be had in one piece: in the cache as it is used, never by the
 * page.
 */
static struct line *lines, *others;

static struct line *line_of(const struct lc_frame *frame)
{
	static const u64 seed[2] = { 0x1234567890abcdefULL, 0xfedcba0987654321ULL };

	return &lines[lc_hash_one(seed, lc_mac(frame->mac)) >> (64 - LINE_BITS)];
}

static bool lines_create(void)
{
	u32 i;

	lines = kcalloc(1U << LINE_BITS, sizeof(*lines), GFP_KERNEL);
	others = kcalloc(1U << LINE_BITS, sizeof(*others), GFP_KERNEL);
	if (!lines || !others)
		return false;
	/* Neighbours in one table are none in the other. */
	for (i = 0; i < 1U << LINE_BITS; i++)
		lines[i].other = &others[(i * 40503U) & ((1U << LINE_BITS) - 1)];
	return true;
}

static unsigned int answer(bool yes)
{
	return yes ? NF_ACCEPT : NF_DROP;
}

static bool read_frame(const struct lc_frame *frame, struct lc_usual *usual)
{
	if (frame->ethertype == LC_ETHERTYPE_IPV6)
		return lc_usual_read(frame, true, usual);
	return frame->ethertype == LC_ETHERTYPE_IPV4 &&
	       lc_usual_read(frame, false, usual);
}

static __always_inline unsigned int
run(const struct lenscap_port *port, struct sk_buff *skb, enum step step)
{
	const struct lenscap_guard *guard = lenscap_usual_guard(port, skb);
	const struct lenscap_generation *gen = rcu_dereference(port->ln->live);
	const struct lc_device *device;
	struct lc_verdict verdict;
	struct lc_usual usual;
	struct lc_frame frame;
	u32 slot;

	if (!guard || !gen)
		return NF_DROP;
	lenscap_usual_frame(skb, &frame);
	if (!lc_may_be_usual(&gen->policy.core, &guard->core, &frame))
		return NF_DROP;
	switch (step) {
	case STEP_FRAME:
		return answer(frame.cap && frame.mac[0] != 0xff);
	case STEP_READ:
		return answer(read_frame(&frame, &usual) && usual.ports);
	case STEP_SENDER:
		device = lc_generation_by_mac(&gen->policy.core, guard->core.id,
					      frame.mac, &slot);
		if (!device)
			return NF_DROP;
		lc_ruleset_prefetch(lc_generation_profile(&gen->policy.core,
							  slot)->ruleset);
		if (!read_frame(&frame, &usual) || !usual.ports)
			return NF_DROP;
		return answer(frame.ethertype == LC_ETHERTYPE_IPV6 ?
			      lc_device_bound(device, LC_FAMILY_IPV6,
					      frame.data + 8) :
			      lc_device_bound4(device, frame.data + 12));
	case STEP_RULES:
		return answer(lc_judge_usual(&gen->policy.core, &guard->core,
					     &frame, &verdict) && verdict.pass);
	case STEP_HITS:
		if (!lc_judge_usual(&gen->policy.core, &guard->core, &frame,
				    &verdict) ||
		    verdict.reason != LENSCAP_REASON_NONE)
			return NF_DROP;
		lenscap_hit(&verdict);
		return NF_ACCEPT;
	case FLOOR_ONE:
		line_of(&frame)->count++;
		return answer(read_frame(&frame, &usual) && usual.ports);
	case FLOOR_TWO:
		line_of(&frame)->other->count++;
		return answer(read_frame(&frame, &usual) && usual.ports);
	}
	return NF_DROP;
}

#define STEP_HOOK(name, step)						\
static unsigned int name(void *priv, struct sk_buff *skb,		\
			 const struct nf_hook_state *state)		\
{									\
	return run(priv, skb, step);					\
}

STEP_HOOK(hook_frame, STEP_FRAME)
STEP_HOOK(hook_read, STEP_READ)
STEP_HOOK(hook_sender, STEP_SENDER)
STEP_HOOK(hook_rules, STEP_RULES)
STEP_HOOK(hook_hits, STEP_HITS)
STEP_HOOK(hook_one, FLOOR_ONE)
STEP_HOOK(hook_two, FLOOR_TWO)

static nf_hookfn *const hooks[] = {
	[STEP_FRAME] = hook_frame,
	[STEP_READ] = hook_read,
	[STEP_SENDER] = hook_sender,
	[STEP_RULES] = hook_rules,
	[STEP_HITS] = hook_hits,
	[FLOOR_ONE] = hook_one,
	[FLOOR_TWO] = hook_two,
};

/* The hooks that are attached; RTNL. */
#define PLACES	8

static struct nf_hook_ops places[PLACES];

/* What Lenscap hands to its hook: the only one of the interface. */
static void *port_of(const struct net_device *dev)
{
	const struct nf_hook_entries *entries =
		rtnl_dereference(dev->nf_hooks_ingress);

	if (!entries || entries->num_hook_entries != 1)
		return NULL;
	return entries->hooks[0].priv;
}

static void detach(struct net_device *dev)
{
	u32 i;

	for (i = 0; i < PLACES; i++) {
		if (places[i].dev != dev)
			continue;
		nf_unregister_net_hook(&init_net, &places[i]);
		places[i].dev = NULL;
	}
}

static int attach(struct net_device *dev, const char *like, u32 step)
{
	struct net_device *source = __dev_get_by_name(&init_net, like);
	u32 i = 0;
	int err;

	if (!source || !port_of(source))
		return -ENODEV;
	if (step < STEP_FRAME || step > FLOOR_TWO)
		return -EINVAL;
	while (i < PLACES && places[i].dev)
		i++;
	if (i == PLACES)
		return -ENOSPC;
	places[i] = (struct nf_hook_ops){
		.hook = hooks[step],
		.dev = dev,
		.priv = port_of(source),
		.pf = NFPROTO_NETDEV,
		.hooknum = NF_NETDEV_INGRESS,
	};
	err = nf_register_net_hook(&init_net, &places[i]);
	if (err)
		places[i].dev = NULL;
	return err;
}

static int attach_set(const char *text, const struct kernel_param *param)
{
	char name[IFNAMSIZ], like[IFNAMSIZ];
	struct net_device *dev;
	int words, err = 0;
	u32 step;

	words = sscanf(text, "%15s %15s %u", name, like, &step);
	if (words != 1 && words != 3)
		return -EINVAL;
	rtnl_lock();
	dev = __dev_get_by_name(&init_net, name);
	if (!dev)
		err = -ENODEV;
	else if (words == 1)
		detach(dev);
	else
		err = attach(dev, like, step);
	rtnl_unlock();
	return err;
}

static const struct kernel_param_ops attach_ops = {
	.set = attach_set,
};

module_param_cb(attach, &attach_ops, NULL, 0200);
MODULE_PARM_DESC(attach, "\"DEVICE LIKE-DEVICE STEP\", or \"DEVICE\" to end it");

static int __init steps_init(void)
{
	if (lines_create())
		return 0;
	kfree(lines);
	kfree(others);
	return -ENOMEM;
}

static void __exit steps_exit(void)
{
	u32 i;

	rtnl_lock();
	for (i = 0; i < PLACES; i++)
		if (places[i].dev)
			detach(places[i].dev);
	rtnl_unlock();
	kfree(lines);
	kfree(others);
}

module_init(steps_init);
module_exit(steps_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The first steps of Lenscap's hook, to be timed");
