// SPDX-License-Identifier: GPL-2.0-only
/*
 * One entry of "serves" or "connects", expanded into rules.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/lenscap.h>

#include "address.h"
#include "mem.h"
#include "parse.h"
#include "ports.h"
#include "text.h"

enum {
	KEY_TO,
	KEY_TCP,
	KEY_UDP,
	KEY_ICMP,
	KEY_ICMPV6,
	KEY_PROTOCOL,
	KEY_ANY,
	KEY_SOURCE,
	KEYS
};

static const struct ykey keys[KEYS] = {
	[KEY_TO] = { "to", true },
	[KEY_TCP] = { "tcp", false },
	[KEY_UDP] = { "udp", false },
	[KEY_ICMP] = { "icmp", false },
	[KEY_ICMPV6] = { "icmpv6", false },
	[KEY_PROTOCOL] = { "protocol", false },
	[KEY_ANY] = { "any", false },
	[KEY_SOURCE] = { "source", false },
};

/* An entry, before it is multiplied out. */
struct entry {
	struct policy_prefix *prefixes;
	size_t nprefixes;
	int proto;
	bool peer_initiates;
	struct ranges ports;	/* of whoever answers; or ICMP types */
	struct ranges source;	/* of whoever initiates */
};

static int compare_prefixes(const void *left, const void *right)
{
	return prefix_compare(left, right);
}

/* Destinations may share addresses. */
static void unique_prefixes(struct entry *entry)
{
	size_t kept = 0;

	if (!entry->nprefixes)
		return;
	qsort(entry->prefixes, entry->nprefixes, sizeof(*entry->prefixes),
	      compare_prefixes);
	for (size_t i = 1; i < entry->nprefixes; i++) {
		if (prefix_compare(&entry->prefixes[kept],
				   &entry->prefixes[i]))
			entry->prefixes[++kept] = entry->prefixes[i];
	}
	entry->nprefixes = kept + 1;
}

static bool parse_to(struct parse *parse, const char *what,
		     const struct ynode *node, struct entry *entry)
{
	const struct ynode *item;
	bool good = true;

	if (!ynode_some(&parse->tree, node, what, keys[KEY_TO].name, &item))
		return false;
	for (; item; item = ynode_next(node, item))
		good &= destination_resolve(parse, what, item,
					    &entry->prefixes,
					    &entry->nprefixes);
	unique_prefixes(entry);
	return good;
}

/* Which of the keys that name a protocol is there? One has to be. */
static bool find_kind(struct parse *parse, const char *what,
		      const struct ynode *node,
		      const struct ynode *const *values, unsigned int *kind)
{
	*kind = KEYS;
	for (unsigned int i = KEY_TCP; i <= KEY_ANY; i++) {
		if (!values[i])
			continue;
		if (*kind != KEYS) {
			ynode_error(&parse->tree, values[i],
				    "%s: a rule has one protocol, this has %s and %s: write two rules",
				    what, keys[*kind].name, keys[i].name);
			return false;
		}
		*kind = i;
	}
	if (*kind != KEYS)
		return true;
	if (node)
		ynode_error(&parse->tree, node,
			    "%s: the rule does not say what it permits: add tcp, udp, icmp, icmpv6, protocol or any",
			    what);
	return false;
}

static bool parse_protocol(struct parse *parse, const char *what,
			   const struct ynode *node, struct entry *entry)
{
	char text[SUGGEST_TEXT];
	unsigned int number;
	uint64_t value;

	if (node->type != YNODE_SCALAR || ynode_is_null(node)) {
		ynode_error(&parse->tree, node,
			    "%s: protocol needs a number or a name, is %s",
			    what, ynode_kind(node));
		return false;
	}
	if (text_number(node->text, &value) && value <= UINT8_MAX) {
		entry->proto = (int)value;
		return true;
	}
	if (name_find(&names_protocol, node->text, &number)) {
		entry->proto = (int)number;
		return true;
	}
	if (*node->text && strspn(node->text, "-0123456789") ==
	    strlen(node->text))
		ynode_error(&parse->tree, node,
			    "%s: protocol \"%s\" is not a number from 0 to 255",
			    what, TEXT_CLIP(node->text));
	else
		ynode_error(&parse->tree, node,
			    "%s: unknown protocol \"%s\"%s", what,
			    TEXT_CLIP(node->text),
			    suggest_name(&names_protocol, node->text, text));
	return false;
}

static bool parse_true(struct parse *parse, const char *what,
		       const char *key, const struct ynode *node)
{
	if (node->type == YNODE_SCALAR && !strcmp(node->text, "true"))
		return true;
	ynode_error(&parse->tree, node,
		    "%s: %s takes only \"true\"; without it the rule permits nothing of it",
		    what, key);
	return false;
}

static bool parse_kind(struct parse *parse, const char *what, unsigned int kind,
		       const struct ynode *node, struct entry *entry)
{
	static const int protos[KEYS] = {
		[KEY_TCP] = IPPROTO_TCP,
		[KEY_UDP] = IPPROTO_UDP,
		[KEY_ICMP] = IPPROTO_ICMP,
		[KEY_ICMPV6] = IPPROTO_ICMPV6,
		[KEY_ANY] = -1,
	};

	entry->proto = protos[kind];
	switch (kind) {
	case KEY_TCP:
	case KEY_UDP:
		return ports_parse(&parse->tree, node, what, keys[kind].name,
				   &entry->ports);
	case KEY_ICMP:
	case KEY_ICMPV6:
		return types_parse(&parse->tree, node, what, keys[kind].name,
				   &entry->ports);
	case KEY_PROTOCOL:
		ranges_full(&entry->ports);
		return parse_protocol(parse, what, node, entry);
	default:
		ranges_full(&entry->ports);
		return parse_true(parse, what, keys[kind].name, node);
	}
}

static bool parse_source(struct parse *parse, const char *what,
			 unsigned int kind, const struct ynode *node,
			 struct entry *entry)
{
	if (!node) {
		/* A datagram does not tell who began: from the port that it
		 * serves, a camera could call on any service of the peer's.
		 */
		if (kind == KEY_UDP && entry->peer_initiates)
			ports_unprivileged(&entry->source);
		else
			ranges_full(&entry->source);
		return true;
	}
	if (kind != KEY_TCP && kind != KEY_UDP) {
		ynode_error(&parse->tree, node,
			    "%s: source ports go with tcp or udp only", what);
		return false;
	}
	return ports_parse(&parse->tree, node, what, "source", &entry->source);
}

/* ICMP is IPv4's, ICMPv6 is IPv6's; what a destination has of the other
 * family is left out.
 */
static bool keep_family(struct parse *parse, const char *what,
			const struct ynode *node, struct entry *entry)
{
	uint8_t family = entry->proto == IPPROTO_ICMP ? 4 : 6;
	size_t kept = 0;

	if (!protocol_is_icmp(entry->proto) || !entry->nprefixes)
		return true;
	for (size_t i = 0; i < entry->nprefixes; i++) {
		if (entry->prefixes[i].family == family)
			entry->prefixes[kept++] = entry->prefixes[i];
	}
	entry->nprefixes = kept;
	if (kept)
		return true;
	ynode_error(&parse->tree, node,
		    "%s: %s is for IPv%u, but the destination has only IPv%u addresses: write %s",
		    what, family == 4 ? "icmp" : "icmpv6", family,
		    family == 4 ? 6 : 4, family == 4 ? "icmpv6" : "icmp");
	return false;
}

/* As kmod/core/classify.c counts them. */
static bool is_request(int proto, unsigned int type)
{
	if (proto == IPPROTO_ICMP)
		return type == 8 || type == 10 || type == 13 || type == 15 ||
		       type == 17 || type == 37 || type == 42;
	return type == 128 || type == 139 || type == 141 || type == 144 ||
	       type == 146 || type == 160;
}

static unsigned int answer_to(int proto, unsigned int type)
{
	if (proto == IPPROTO_ICMP && type == 8)
		return 0;
	if (proto == IPPROTO_ICMP && type == 10)
		return 9;
	return type + 1;
}

/* The types are those that the device sends: whoever writes the request here
 * means the answer.
 */
static void warn_request(struct parse *parse, const char *what,
			 const struct ynode *node, const struct entry *entry)
{
	for (size_t i = 0; i < entry->ports.count; i++) {
		const struct range *range = &entry->ports.list[i];

		if (range->low != range->high ||
		    !is_request(entry->proto, range->low))
			return;
	}
	ynode_warning(&parse->tree, node,
		      "%s: the types are those that the device sends, and what it serves are answers: the answer to %u is %u",
		      what, entry->ports.list[0].low,
		      answer_to(entry->proto, entry->ports.list[0].low));
}

static void expand_one(const struct entry *entry,
		       const struct policy_prefix *prefix,
		       const struct range *port, const struct range *source,
		       struct policy_rule *rule)
{
	/* ICMP types are kept in the peer's range, whoever initiates. */
	bool swap = entry->peer_initiates && protocol_has_ports(entry->proto);
	const struct range *peer = swap ? source : port;
	const struct range *device = swap ? port : source;

	*rule = (struct policy_rule) {
		.peer = *prefix,
		.proto = (int16_t)entry->proto,
		.peer_initiates = entry->peer_initiates,
		.peer_low = peer->low,
		.peer_high = peer->high,
		.device_low = device->low,
		.device_high = device->high,
	};
}

static size_t expand(const struct entry *entry, struct policy_profile *profile)
{
	size_t count = entry->nprefixes * entry->ports.count *
		       entry->source.count;
	struct policy_rule *rule;

	/* The caller says that it is too much; only the number is needed. */
	if (profile->nrules + count > LENSCAP_MAX_PROFILE_RULES)
		return count;
	profile->rules = mem_array_room(profile->rules, profile->nrules, count,
					sizeof(*rule));
	rule = profile->rules + profile->nrules;
	for (size_t i = 0; i < entry->nprefixes; i++) {
		for (size_t j = 0; j < entry->ports.count; j++) {
			for (size_t k = 0; k < entry->source.count; k++)
				expand_one(entry, &entry->prefixes[i],
					   &entry->ports.list[j],
					   &entry->source.list[k], rule++);
		}
	}
	profile->nrules += count;
	return count;
}

/**
 * rule_parse() - read an entry of "serves" or "connects"
 * @parse: the parse
 * @what: whose it is, for messages
 * @node: the entry
 * @peer_initiates: it is one of "serves"
 * @profile: receives the rules: every address with every port, while they are
 *	within the limit
 *
 * Return: the number of rules that it makes, 0 after an error.
 */
size_t rule_parse(struct parse *parse, const char *what,
		  const struct ynode *node, bool peer_initiates,
		  struct policy_profile *profile)
{
	struct entry entry = { .peer_initiates = peer_initiates };
	const struct ynode *values[KEYS];
	size_t count = 0, before = parse->diag->errors;
	unsigned int kind;
	bool good;

	if (node->type != YNODE_MAP) {
		ynode_error(&parse->tree, node,
			    "%s: a rule is a mapping such as { to: nvr, tcp: 554 }, this is %s",
			    what, ynode_kind(node));
		return 0;
	}
	good = ynode_fields(&parse->tree, node, what, keys, KEYS, values);
	if (values[KEY_TO])
		good &= parse_to(parse, what, values[KEY_TO], &entry);
	/* A key that was refused may have been the one that is not found. */
	if (find_kind(parse, what, before == parse->diag->errors ? node : NULL,
		      values, &kind)) {
		good &= parse_kind(parse, what, kind, values[kind], &entry);
		good &= parse_source(parse, what, kind, values[KEY_SOURCE],
				     &entry);
		good = good && keep_family(parse, what, values[kind], &entry);
	} else {
		good = false;
	}
	if (good) {
		if (peer_initiates && (kind == KEY_ICMP || kind == KEY_ICMPV6))
			warn_request(parse, what, values[kind], &entry);
		count = expand(&entry, profile);
	}
	ranges_free(&entry.ports);
	ranges_free(&entry.source);
	free(entry.prefixes);
	return count;
}
