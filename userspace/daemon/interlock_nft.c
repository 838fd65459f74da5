// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock in nftables: a plan written as tables.
 *
 *   table netdev lenscap           one chain on each guarded interface
 *     of a guard that is not there count, drop: its tag is another's
 *     mark & MASK == TAG           accept: it was judged
 *     VLAN id of a guard           count, drop (or tag it, if it is open)
 *     priority tag, then that id   the same: the kernel strips such a tag
 *     all else                     the same for the guard without a VLAN, or
 *                                  accept if there is none
 *   and one on each port under a guard
 *     mark & MASK == TAG           accept: it was judged
 *     to another MAC than one of the groups that are left on ports  accept
 *     IP, ARP, or behind two tags  count, drop
 *   table inet lenscap, table bridge lenscap
 *     mark & MASK == TAG           accept: it was judged
 *     on a guarded bridge, to it   accept: the guard comes next
 *     on a port under a guard      count, drop: the guard has not seen it
 *     from a device's MAC          count, drop
 *     from a device's address      count, drop
 *
 * What is written anew takes effect at one instant. Chains that are where they
 * should be stay, and their rules are exchanged: a packet runs through the old
 * or the new ones. (Of two chains, the new one in front, it could see the new
 * one before the instant and the old one after it, both empty.) Counters are
 * objects that rules refer to, and stay as well.
 */
#include <arpa/inet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "interlock_chain.h"
#include "interlock_nft.h"
#include "interlock_rule.h"
#include "interlock_say.h"

/* Where things are in an Ethernet header, an IPv4 and an IPv6 header. */
#define ETHER_DESTINATION	0U
#define ETHER_SOURCE	6U
#define ETHER_PROTOCOL	12U
#define ETHER_TCI	14U
#define VLAN_LEN	4U
#define IPV4_SOURCE	12U
#define IPV6_HOPS	7U
#define IPV6_SOURCE	8U

static const uint16_t families[] = {
	NFPROTO_NETDEV, NFPROTO_INET, NFPROTO_BRIDGE,
};

/* The same in table netdev. */
static bool stays_at_ingress(const struct writer *w,
			     const struct interlock_item *item)
{
	const struct interlock_plan *plan = w->plan;
	struct base_chain chain;

	for (size_t i = 0; i < plan->nguards; i++) {
		const struct plan_guard *guard = &plan->guards[i];

		if (item->kind == NFT_MSG_NEWOBJ &&
		    !strcmp(item->name, guard->counter))
			return true;
		chain_of_guard(&chain, guard);
		if (item->kind == NFT_MSG_NEWCHAIN && guard->ifindex &&
		    !strcmp(item->name, chain.name))
			return chain_is(item, &chain);
	}
	for (size_t i = 0; i < plan->nports; i++) {
		chain_of_port(&chain, &plan->ports[i]);
		if (item->kind == NFT_MSG_NEWOBJ &&
		    !strcmp(item->name, chain.counter))
			return true;
		if (item->kind == NFT_MSG_NEWCHAIN &&
		    !strcmp(item->name, chain.name))
			return chain_is(item, &chain);
	}
	return false;
}

/* Is a chain or counter wanted, and as it should be? */
static bool stays(const struct writer *w, const struct interlock_item *item)
{
	if (item->kind == NFT_MSG_NEWOBJ && item->object != NFT_OBJECT_COUNTER)
		return false;
	if (item->family == NFPROTO_NETDEV)
		return stays_at_ingress(w, item);
	for (size_t i = 0; i < CHAIN_ADDRESSES; i++) {
		if (item->family != chains[i].family)
			continue;
		if (item->kind == NFT_MSG_NEWOBJ &&
		    !strcmp(item->name, chains[i].counter))
			return true;
		if (item->kind == NFT_MSG_NEWCHAIN &&
		    !strcmp(item->name, chains[i].name))
			return chain_is(item, &chains[i]);
	}
	return false;
}

/*
 * The table is there, and nothing in it but chains and counters that stay.
 * Rules go first, then sets, whose elements may refer to chains.
 */
static void clear(const struct writer *w, uint16_t family)
{
	static const uint16_t kinds[] = {
		NFT_MSG_NEWSET, NFT_MSG_NEWCHAIN, NFT_MSG_NEWOBJ,
	};

	say_table(w, NFT_MSG_NEWTABLE, family);
	say_no_rules(w, family);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; i < w->there->count; i++) {
			const struct interlock_item *item =
				&w->there->items[i];

			if (item->kind != kinds[k] || item->family != family ||
			    stays(w, item))
				continue;
			if (item->kind == NFT_MSG_NEWSET)
				say_no_set(w, family, item->name);
			else if (item->kind == NFT_MSG_NEWCHAIN)
				say_no_chain(w, family, item->name);
			else
				say_no_object(w, family, item->name,
					      item->object);
		}
	}
}

static void want_chain(const struct writer *w, const struct base_chain *chain)
{
	const struct interlock_item *item =
		interlock_find(w->there, NFT_MSG_NEWCHAIN, chain->family,
			       chain->name);

	if (!item || !chain_is(item, chain))
		say_chain(w, chain);
}

static bool interface_there(unsigned int ifindex)
{
	char name[IF_NAMESIZE];

	return if_indextoname(ifindex, name);
}

static void want_counter(const struct writer *w, uint16_t family,
			 const char *name)
{
	if (!interlock_find(w->there, NFT_MSG_NEWOBJ, family, name))
		say_counter(w, family, name);
}

static void match_judged(struct nftnl_rule *rule,
			 const struct interlock_plan *plan)
{
	uint32_t none = 0;

	rule_meta(rule, NFT_META_MARK);
	rule_mask(rule, &plan->tag_mask, &none, sizeof(none));
	rule_equal(rule, &plan->tag_value, sizeof(plan->tag_value));
}

/* What was judged has nothing to fear. */
static void say_judged(const struct writer *w, uint16_t family,
		       const char *chain)
{
	struct nftnl_rule *rule = rule_new(family, chain);

	match_judged(rule, w->plan);
	rule_accept(rule);
	say_rule(w, family, chain, rule);
}

/* What becomes of a frame of a guard that was not judged. Takes the rule. */
static void say_verdict(const struct writer *w, const char *chain,
			const struct plan_guard *guard,
			struct nftnl_rule *rule)
{
	const struct interlock_plan *plan = w->plan;
	uint32_t keep = ~(plan->tag_mask | plan->class_mask);

	if (guard->open) {
		rule_meta(rule, NFT_META_MARK);
		rule_mask(rule, &keep, &plan->tag_value, sizeof(keep));
		rule_meta_set(rule, NFT_META_MARK);
		rule_accept(rule);
	} else {
		rule_count(rule, guard->counter);
		rule_drop(rule);
	}
	say_rule(w, NFPROTO_NETDEV, chain, rule);
}

/* What becomes of a frame that no VLAN's guard has. Takes the rule. */
static void say_else(const struct writer *w, const char *chain,
		     const struct plan_guard *untagged,
		     struct nftnl_rule *rule)
{
	if (untagged) {
		say_verdict(w, chain, untagged, rule);
	} else {
		rule_accept(rule);
		say_rule(w, NFPROTO_NETDEV, chain, rule);
	}
}

static void say_id(const struct writer *w, const char *chain, uint32_t offset,
		   uint16_t id, const struct plan_guard *guard)
{
	struct nftnl_rule *rule = rule_new(NFPROTO_NETDEV, chain);
	uint16_t wanted = htons(id);

	rule_id(rule, offset);
	rule_equal(rule, &wanted, sizeof(wanted));
	say_verdict(w, chain, guard, rule);
}

/*
 * The first tag with an id counts. It has left the payload before this hook;
 * what is read at its place in the Ethernet header is put together from both.
 * A priority tag is stripped by the kernel behind this hook, which looks again
 * then: the next tag counts. If that is one of priority as well, the frame may
 * be anybody's.
 */
static void say_vlans(const struct writer *w, const char *chain,
		      const struct plan_guard *guards, size_t count,
		      const struct plan_guard *untagged)
{
	const struct plan_guard *closed = untagged;
	struct nftnl_rule *rule = rule_new(NFPROTO_NETDEV, chain);
	uint16_t none = 0;

	rule_no_tag(rule, ETHER_PROTOCOL);
	say_else(w, chain, untagged, rule);
	for (size_t i = 0; i < count; i++) {
		say_id(w, chain, ETHER_TCI, guards[i].vlan, &guards[i]);
		if (!closed || closed->open)
			closed = &guards[i];
	}
	rule = rule_new(NFPROTO_NETDEV, chain);
	rule_id(rule, ETHER_TCI);
	rule_unequal(rule, &none, sizeof(none));
	say_else(w, chain, untagged, rule);
	rule = rule_new(NFPROTO_NETDEV, chain);
	rule_no_tag(rule, ETHER_PROTOCOL + VLAN_LEN);
	say_else(w, chain, untagged, rule);
	for (size_t i = 0; i < count; i++)
		say_id(w, chain, ETHER_TCI + VLAN_LEN, guards[i].vlan,
		       &guards[i]);
	say_id(w, chain, ETHER_TCI + VLAN_LEN, 0, closed);
}

/* Is it closed, and nobody there who judges for it? */
static bool is_shut(const struct plan_guard *guard)
{
	return guard->absent && !guard->open;
}

static void say_its_verdict(const struct writer *w, const char *chain,
			    const struct plan_guard *guard,
			    struct nftnl_rule *rule)
{
	if (is_shut(guard)) {
		say_verdict(w, chain, guard, rule);
		return;
	}
	match_judged(rule, w->plan);
	rule_accept(rule);
	say_rule(w, NFPROTO_NETDEV, chain, rule);
}

/* The protocols of tags that the kernel takes off. */
static const uint16_t tag_kinds[] = { ETH_P_8021Q, ETH_P_8021AD };

/* A tag behind a priority tag; @kinds counts the four ways to write them. */
static struct nftnl_rule *behind_priority(const char *chain, size_t kinds,
					  uint16_t id)
{
	struct nftnl_rule *rule = rule_new(NFPROTO_NETDEV, chain);

	rule_tag(rule, ETHER_PROTOCOL, tag_kinds[kinds / 2], 0);
	rule_tag(rule, ETHER_PROTOCOL + VLAN_LEN, tag_kinds[kinds % 2], id);
	return rule;
}

/*
 * Frames with the id of a guard, behind a priority tag too: drop them if it is
 * shut, or accept what was judged.
 */
static void say_tagged(const struct writer *w, const char *chain,
		       const struct plan_guard *guard)
{
	for (size_t i = 0; i < 2; i++) {
		struct nftnl_rule *rule = rule_new(NFPROTO_NETDEV, chain);

		rule_tag(rule, ETHER_PROTOCOL, tag_kinds[i], guard->vlan);
		say_its_verdict(w, chain, guard, rule);
	}
	for (size_t i = 0; i < 4; i++)
		say_its_verdict(w, chain, guard,
				behind_priority(chain, i, guard->vlan));
}

/*
 * What a guard would judge that the module does not have may have a tag from
 * another: from the interface's guard without a VLAN, which has its frames
 * meanwhile, or from one on an interface below. That one may audit: its tag says
 * that somebody let a frame pass, and not that this guard did.
 */
static void say_tags(const struct writer *w, const char *chain,
		     const struct plan_guard *guards, size_t count,
		     const struct plan_guard *untagged)
{
	bool shut = untagged && is_shut(untagged);
	const struct plan_guard *any = NULL;

	for (size_t i = 0; i < count; i++) {
		if (shut || is_shut(&guards[i]))
			say_tagged(w, chain, &guards[i]);
		if (is_shut(&guards[i]))
			any = &guards[i];
	}
	if (shut)
		return;
	/* Behind two, which the kernel strips as it does one, any id may be. */
	for (size_t i = 0; any && i < 4; i++)
		say_verdict(w, chain, any, behind_priority(chain, i, 0));
	say_judged(w, NFPROTO_NETDEV, chain);
}

/* The guards of one interface; the one without a VLAN is the last. */
static void say_interface(const struct writer *w,
			  const struct plan_guard *guards, size_t count)
{
	const struct plan_guard *last = &guards[count - 1];
	const struct plan_guard *untagged = last->vlan ? NULL : last;
	size_t vlans = untagged ? count - 1 : count;
	struct base_chain chain;

	/* Gone since the plan was made: so is its chain. */
	if (!interface_there(last->ifindex))
		return;
	chain_of_guard(&chain, last);
	want_chain(w, &chain);
	say_tags(w, chain.name, guards, vlans, untagged);
	if (vlans)
		say_vlans(w, chain.name, guards, vlans, untagged);
	if (untagged)
		say_verdict(w, chain.name, untagged,
			    rule_new(NFPROTO_NETDEV, chain.name));
}

/*
 * IEEE 802.1Q's reserved groups. A bond, a team or a bridge leaves frames to them
 * on the port, where IP takes in what they hold: past a guard that stands above.
 * There is no IP in them but somebody's who knows that.
 */
static const uint8_t reserved[6] = { 0x01, 0x80, 0xc2 };

static void load_group(struct nftnl_rule *rule)
{
	static const uint8_t mask[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0 };
	static const uint8_t none[6];

	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, ETHER_DESTINATION,
		     sizeof(mask));
	rule_mask(rule, mask, none, sizeof(mask));
}

/*
 * Prerouting looks at such frames as well, but IPv6 answers an unknown
 * hop-by-hop option before. What is known of the protocol here is that behind
 * one tag. Two tags of priority are stripped behind this hook, and of others
 * nothing on the port is for the gateway. The mark is that of a guard on the port,
 * which may audit, and no word of the one above.
 */
static void say_port(const struct writer *w, const struct plan_port *port)
{
	static const uint16_t protocols[] = {
		ETH_P_IP, ETH_P_IPV6, ETH_P_ARP, ETH_P_8021Q, ETH_P_8021AD,
	};
	struct base_chain chain;
	struct nftnl_rule *rule;

	if (!interface_there(port->ifindex))
		return;
	chain_of_port(&chain, port);
	want_chain(w, &chain);
	rule = rule_new(NFPROTO_NETDEV, chain.name);
	load_group(rule);
	rule_unequal(rule, reserved, sizeof(reserved));
	rule_accept(rule);
	say_rule(w, NFPROTO_NETDEV, chain.name, rule);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		uint16_t protocol = htons(protocols[i]);

		rule = rule_new(NFPROTO_NETDEV, chain.name);
		rule_meta(rule, NFT_META_PROTOCOL);
		rule_equal(rule, &protocol, sizeof(protocol));
		rule_count(rule, chain.counter);
		rule_drop(rule);
		say_rule(w, NFPROTO_NETDEV, chain.name, rule);
	}
}

/* A guard that changes places has two. */
static bool first_of_counter(const struct interlock_plan *plan, size_t which)
{
	for (size_t i = 0; i < which; i++)
		if (!strcmp(plan->guards[i].counter,
			    plan->guards[which].counter))
			return false;
	return true;
}

static void say_guards(const struct writer *w)
{
	const struct plan_guard *guards = w->plan->guards;
	size_t first = 0, next;

	clear(w, NFPROTO_NETDEV);
	for (size_t i = 0; i < w->plan->nguards; i++)
		if (first_of_counter(w->plan, i))
			want_counter(w, NFPROTO_NETDEV, guards[i].counter);
	for (; first < w->plan->nguards; first = next) {
		next = first + 1;
		while (next < w->plan->nguards &&
		       guards[next].ifindex == guards[first].ifindex)
			next++;
		if (guards[first].ifindex)
			say_interface(w, &guards[first], next - first);
	}
	if (w->plan->nports)
		want_counter(w, NFPROTO_NETDEV, INTERLOCK_PORTS);
	for (size_t i = 0; i < w->plan->nports; i++)
		say_port(w, &w->plan->ports[i]);
}

static void say_address(const struct writer *w, const struct base_chain *chain,
			enum plan_set which)
{
	bool v6 = plan_sets[which].len == 16;
	struct nftnl_rule *rule = rule_about(chain->family, chain->name, v6);

	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
		     v6 ? IPV6_SOURCE : IPV4_SOURCE, plan_sets[which].len);
	rule_in_set(rule, plan_sets[which].name);
	rule_count(rule, chain->counter);
	rule_drop(rule);
	say_rule(w, chain->family, chain->name, rule);
}

static void say_mac(const struct writer *w, const struct base_chain *chain)
{
	struct nftnl_rule *rule = rule_new(chain->family, chain->name);

	/* Elsewhere there is no MAC, or another header in its place. */
	if (chain->family == NFPROTO_INET)
		rule_from_kind(rule, ARPHRD_ETHER);
	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, ETHER_SOURCE, 6);
	rule_in_set(rule, plan_sets[PLAN_MACS].name);
	rule_count(rule, chain->counter);
	rule_drop(rule);
	say_rule(w, chain->family, chain->name, rule);
}

static void say_reserved(const struct writer *w, const struct base_chain *chain)
{
	struct nftnl_rule *rule = rule_new(chain->family, chain->name);

	rule_from_kind(rule, ARPHRD_ETHER);
	load_group(rule);
	rule_equal(rule, reserved, sizeof(reserved));
	rule_count(rule, chain->counter);
	rule_drop(rule);
	say_rule(w, chain->family, chain->name, rule);
}

/*
 * A port under a guard has no packets of its own: the guard's interface takes
 * them over. A rule that has a bridge route what came by a port ("meta broute")
 * takes it past the guard, also with the mark of one on the port.
 */
static void say_ports(const struct writer *w, const struct base_chain *chain)
{
	for (size_t i = 0; i < w->plan->nports; i++) {
		struct nftnl_rule *rule = rule_new(chain->family, chain->name);
		uint32_t index = w->plan->ports[i].ifindex;

		rule_meta(rule, NFT_META_IIF);
		rule_equal(rule, &index, sizeof(index));
		rule_count(rule, chain->counter);
		rule_drop(rule);
		say_rule(w, chain->family, chain->name, rule);
	}
}

/*
 * A camera may send neighbour discovery to any address of its LAN, and where the LAN's
 * route has gone, as with the address of an interface that was down, the gateway would
 * send it on by another. No router forwards it (RFC 4861: the hop limit must be 255,
 * and has been lowered here); what br_netfilter brings from a bridge has its 255.
 */
static void say_discovery(const struct writer *w, const struct base_chain *chain)
{
	struct nftnl_rule *rule = rule_about(chain->family, chain->name, true);
	uint8_t icmp6 = IPPROTO_ICMPV6, fresh = 255;

	rule_meta(rule, NFT_META_L4PROTO);
	rule_equal(rule, &icmp6, sizeof(icmp6));
	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	rule_between(rule, ND_ROUTER_SOLICIT, ND_REDIRECT);
	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, IPV6_HOPS, 1);
	rule_unequal(rule, &fresh, sizeof(fresh));
	rule_count(rule, chain->counter);
	rule_drop(rule);
	say_rule(w, chain->family, chain->name, rule);
}

/* Who accepts is not the last: the guard on the bridge comes next. */
static void say_bridge(const struct writer *w, const struct base_chain *chain,
		       const struct plan_guard *guard, uint16_t protocol)
{
	struct nftnl_rule *rule = rule_new(chain->family, chain->name);

	rule_meta(rule, NFT_META_BRI_IIFNAME);
	rule_equal(rule, guard->bridge, sizeof(guard->bridge));
	if (protocol && guard->bridge_vlan)
		rule_tag(rule, ETHER_PROTOCOL, protocol, guard->bridge_vlan);
	rule_accept(rule);
	say_rule(w, chain->family, chain->name, rule);
}

static bool first_of_bridge(const struct interlock_plan *plan, size_t which)
{
	for (size_t i = 0; i < which; i++)
		if (!strcmp(plan->guards[i].bridge, plan->guards[which].bridge))
			return false;
	return true;
}

/*
 * What enters a bridge for a guard that stands on it, or on its VLAN device, has
 * no tag yet. What the bridge forwards never meets that guard. In prerouting it is
 * not known yet what becomes of a frame, nor, with a VLAN of the port's, which it
 * has: all that comes to such a bridge passes there.
 */
static void say_bridges(const struct writer *w, const struct base_chain *chain)
{
	for (size_t i = 0; i < w->plan->nguards; i++) {
		const struct plan_guard *guard = &w->plan->guards[i];

		if (!*guard->bridge)
			continue;
		if (chain->hook == BRIDGE_PREROUTING) {
			if (first_of_bridge(w->plan, i))
				say_bridge(w, chain, guard, 0);
			continue;
		}
		if (guard->bridge_protocol != ETH_P_8021AD)
			say_bridge(w, chain, guard, ETH_P_8021Q);
		if (guard->bridge_vlan &&
		    guard->bridge_protocol != ETH_P_8021Q)
			say_bridge(w, chain, guard, ETH_P_8021AD);
	}
}

/* What the gateway says to itself may carry any address of its own. */
static void say_loopback(const struct writer *w, const struct base_chain *chain)
{
	struct nftnl_rule *rule = rule_new(chain->family, chain->name);

	rule_from_kind(rule, ARPHRD_LOOPBACK);
	rule_accept(rule);
	say_rule(w, chain->family, chain->name, rule);
}

static void say_addresses(const struct writer *w, uint16_t family)
{
	clear(w, family);
	for (int i = 0; i < PLAN_SETS; i++)
		say_set(w, family, (enum plan_set)i);
	for (size_t i = 0; i < CHAIN_ADDRESSES; i++) {
		const struct base_chain *chain = &chains[i];

		if (chain->family != family)
			continue;
		/* Two chains may share one. */
		if (!i || chains[i - 1].family != family ||
		    strcmp(chains[i - 1].counter, chain->counter) != 0)
			want_counter(w, family, chain->counter);
		want_chain(w, chain);
		if (chain->hook == NF_INET_PRE_ROUTING &&
		    family == NFPROTO_INET)
			say_ports(w, chain);
		if (family == NFPROTO_INET && chain->hook == NF_INET_FORWARD)
			say_discovery(w, chain);
		say_judged(w, family, chain->name);
		if (family == NFPROTO_INET && chain->hook != NF_INET_FORWARD)
			say_loopback(w, chain);
		if (chain->hook == NF_INET_PRE_ROUTING &&
		    family == NFPROTO_INET)
			say_reserved(w, chain);
		if (family == NFPROTO_BRIDGE && chain->hook != BRIDGE_FORWARD)
			say_bridges(w, chain);
		say_mac(w, chain);
		for (int s = PLAN_HOSTS4; s < PLAN_SETS; s++)
			say_address(w, chain, (enum plan_set)s);
	}
}

/**
 * interlock_say() - write tables anew
 * @nft: the socket
 * @batch: receives the messages
 * @there: what is in the tables
 * @plan: what should be
 * @what: INTERLOCK_GUARDS, INTERLOCK_ADDRESSES or both
 * @bridge: this kernel filters on bridges
 */
void interlock_say(struct nft *nft, struct nft_batch *batch,
		   const struct interlock_there *there,
		   const struct interlock_plan *plan, unsigned int what,
		   bool bridge)
{
	struct writer w = {
		.nft = nft, .batch = batch, .there = there, .plan = plan,
	};

	if (what & INTERLOCK_GUARDS)
		say_guards(&w);
	if (what & INTERLOCK_ADDRESSES) {
		say_addresses(&w, NFPROTO_INET);
		if (bridge)
			say_addresses(&w, NFPROTO_BRIDGE);
	}
}

/**
 * interlock_say_changes() - write what differs of MACs and single addresses
 * @nft: the socket
 * @batch: receives the messages
 * @from: what is in the tables
 * @to: what should be
 * @bridge: this kernel filters on bridges
 */
void interlock_say_changes(struct nft *nft, struct nft_batch *batch,
			   const struct interlock_plan *from,
			   const struct interlock_plan *to, bool bridge)
{
	struct writer w = { .nft = nft, .batch = batch, .plan = to };
	static const enum plan_set hashed[] = {
		PLAN_MACS, PLAN_HOSTS4, PLAN_HOSTS6,
	};

	for (size_t i = 0; i < sizeof(hashed) / sizeof(hashed[0]); i++) {
		enum plan_set set = hashed[i];
		struct keys gone, new;

		keys_minus(&from->sets[set], &to->sets[set], &gone);
		keys_minus(&to->sets[set], &from->sets[set], &new);
		for (size_t f = 1; f < (bridge ? 3 : 2); f++) {
			say_elements(&w, NFT_MSG_DELSETELEM, families[f], set,
				     &gone);
			say_elements(&w, NFT_MSG_NEWSETELEM, families[f], set,
				     &new);
		}
		free(gone.data);
		free(new.data);
	}
}

/**
 * interlock_say_nothing() - remove the tables
 * @nft: the socket
 * @batch: receives the messages
 * @there: what is in the tables
 */
void interlock_say_nothing(struct nft *nft, struct nft_batch *batch,
			   const struct interlock_there *there)
{
	struct writer w = { .nft = nft, .batch = batch, .there = there };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (interlock_find(there, NFT_MSG_NEWTABLE, families[i],
				   INTERLOCK_TABLE))
			say_table(&w, NFT_MSG_DELTABLE, families[i]);
}
