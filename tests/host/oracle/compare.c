// SPDX-License-Identifier: GPL-2.0-only
/* The core's word against the oracle's. */
#include <arpa/inet.h>
#include <stdio.h>

#include "scene.h"

const char *compare_key(const struct lc_frame *f, const struct lc_key *key,
			const struct dissected *d)
{
	u32 parsed = WHY(NONE) | WHY(UPKEEP_INVALID) | WHY(UPKEEP_SPOOF);
	u32 why = d->why & WHY(NONE) ? d->why | parsed : d->why;

	if (f->ethertype == 0x0806)
		why |= WHY(TRUNCATED);
	if (!(why & 1U << key->reason))
		return "parse: reason";
	if (key->ethertype != f->ethertype || key->has_mac != f->has_mac ||
	    (f->has_mac && memcmp(key->mac, f->mac, 6)))
		return "parse: ethertype or MAC";
	if (key->family && (key->family != d->family ||
			    memcmp(key->src, d->src, 16) ||
			    memcmp(key->dst, d->dst, 16)))
		return "parse: addresses";
	if (key->reason != LENSCAP_REASON_NONE)
		return NULL;
	if (f->ethertype == 0x0806)
		return key->family || key->has_proto ? "parse: ARP is no IP" :
		       NULL;
	if (key->family != d->family)
		return "parse: family";
	if (key->part != d->part)
		return "parse: part";
	if (!key->has_proto || key->proto != d->proto)
		return "parse: protocol";
	if (key->has_ports != (d->dport >= 0))
		return "parse: whether there are ports";
	if (key->has_ports && (key->dport != d->dport ||
			       (d->sport >= 0 && key->sport != d->sport)))
		return "parse: ports";
	if (key->has_ports && d->proto == 6 && key->tcp_flags != d->flags)
		return "parse: TCP flags";
	return NULL;
}

static const char *compare_verdict(const struct lc_guard *guard,
				   const struct lc_verdict *v,
				   const struct opinion *o)
{
	bool audit = o->audit;
	u32 class = o->class;

	if (!(o->why & 1U << v->reason))
		return "judge: reason";
	if (v->device != o->device && !(o->any_device && !v->device))
		return "judge: device";
	if (!v->device) {
		audit = guard->mode == LENSCAP_MODE_AUDIT;
		class = 0;
	}
	if (v->pass != (v->reason == LENSCAP_REASON_NONE || audit))
		return "judge: pass";
	if (v->pass && v->class != class)
		return "judge: class";
	if (v->reason == LENSCAP_REASON_NONE && v->upkeep != o->upkeep)
		return "judge: upkeep";
	return NULL;
}

/* The rule whose counter this is. Return: its number, or that of all rules. */
static u32 rule_of(const struct lc_ruleset *set, u32 hit, struct lc_rule *rules)
{
	struct lc_rule_walk walk;
	u32 n = 0, found = set->count;

	lc_rules_begin(set, 0, &walk);
	while (lc_rules_next(set, &walk, &rules[n])) {
		if (hit == lc_ruleset_places(set) + n ||
		    hit == lc_rule_place(set, &rules[n]))
			found = n;
		n++;
	}
	return found;
}

static const char *compare_hit(const struct lc_verdict *v,
			       const struct dissected *d)
{
	struct lc_rule *rules;
	const char *wrong;

	if (v->reason != LENSCAP_REASON_NONE || v->upkeep)
		return v->upkeep && v->ruleset ? "hit: upkeep is no rule's" :
						 NULL;
	if (!v->ruleset)
		return v->device ? "hit: of no rule" : NULL;
	if (v->hit >= lc_ruleset_counters(v->ruleset))
		return "hit: beyond the counters";
	rules = calloc(v->ruleset->count, sizeof(*rules));
	wrong = oracle_counted(rules, v->ruleset->count,
			       rule_of(v->ruleset, v->hit, rules), d);
	free(rules);
	return wrong;
}

static bool same_verdict(const struct lc_verdict *a, const struct lc_verdict *b)
{
	return a->device == b->device && a->reason == b->reason &&
	       a->class == b->class && a->pass == b->pass &&
	       a->audit == b->audit && a->upkeep == b->upkeep &&
	       (a->reason != LENSCAP_REASON_NONE ||
		(a->ruleset == b->ruleset && a->hit == b->hit));
}

/* What may be at hand of a frame: all of it, IPv4 and TCP, IPv6 and the least of
 * TCP, IPv4 and the least of TCP, or less than that.
 */
static const u32 at_hand[] = { ~0U, 40, 54, 34, 33, 0 };

/* The short way, with the first bytes of the frame at the end of an object, where
 * reading more is noticed. Does it judge, and record, as the long way does?
 */
static const char *compare_usual(const struct lc_generation *gen,
				 const struct lc_guard *guard,
				 const struct lc_frame *frame, u32 cap,
				 const struct lc_key *key,
				 const struct lc_verdict *verdict)
{
	static u8 room[4096];
	struct lc_frame f = *frame;
	struct lc_verdict sooner;
	struct lc_key said;

	f.cap = cap < frame->cap ? cap : frame->cap;
	if (f.cap > sizeof(room))
		f.cap = sizeof(room);
	f.data = memcpy(room + sizeof(room) - f.cap, frame->data, f.cap);
	memset(&sooner, 0xa5, sizeof(sooner));
	if (!lc_may_be_usual(gen, guard, &f) ||
	    !lc_judge_usual(gen, guard, &f, &sooner))
		return NULL;
	if (!same_verdict(&sooner, verdict))
		return "judge: the short way differs from the long one";
	memset(&said, 0xa5, sizeof(said));
	lc_usual_key(&f, &said);
	if (memcmp(&said, key, sizeof(said)))
		return "parse: the short way differs from the long one";
	return NULL;
}

const char *scene_compare(const struct scene *scene,
			  const struct lc_guard *guard, const struct pkt *p,
			  struct tally *tally)
{
	struct lc_frame f = p->f;
	struct dissected said;
	struct opinion opinion;
	struct lc_verdict verdict;
	struct lc_key key;
	const char *wrong;
	u32 i;

	if (!frame_parse(p, &key))
		return "parse: depends on what is contiguous, or on garbage";
	f.data = p->b;
	f.cap = p->len;
	f.len = p->len;
	oracle_judge(scene->gen ? &scene->list : NULL, guard, &f, &said,
		     &opinion);
	wrong = compare_key(&f, &key, &said);
	if (wrong)
		return wrong;
	memset(&verdict, 0xa5, sizeof(verdict));
	lc_judge(scene->gen, guard, &key, &verdict);
	wrong = compare_verdict(guard, &verdict, &opinion);
	if (!wrong)
		wrong = compare_hit(&verdict, &said);
	if (wrong)
		return wrong;
	for (i = 0; i < sizeof(at_hand) / sizeof(at_hand[0]); i++) {
		wrong = compare_usual(scene->gen, guard, &f, at_hand[i], &key,
				      &verdict);
		if (wrong)
			return wrong;
	}
	tally->frames++;
	tally->sharp += !(opinion.why & (opinion.why - 1));
	tally->reasons[verdict.reason]++;
	tally->upkeep += !verdict.reason && verdict.upkeep;
	return NULL;
}

static void print_prefix(const struct lc_prefix *prefix)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(prefix->family == LC_FAMILY_IPV4 ? AF_INET : AF_INET6,
		  prefix->addr, text, sizeof(text));
	printf("%s/%u", text, prefix->len);
}

void scene_print_policy(const struct scene *scene)
{
	const struct policy_list *list = &scene->list;
	u32 i, j;

	for (i = 0; i < list->ndevices; i++) {
		const struct lc_device *d = list->devices[i];

		printf("# device %u: guard %u profile %u mac ", i, d->guard,
		       d->profile);
		for (j = 0; j < 6 && d->has_mac; j++)
			printf("%02x", d->mac[j]);
		for (j = 0; j < d->naddrs; j++) {
			struct lc_prefix addr = device_addr(d, j);

			printf(" ");
			print_prefix(&addr);
		}
		printf("\n");
	}
	for (i = 0; i < list->nprofiles; i++) {
		printf("# profile %u: mode %u class %u\n", i, list->modes[i],
		       list->classes[i]);
		for (j = 0; j < list->nrules[i]; j++) {
			const struct lc_rule *r = &list->rules[i][j];

			printf("#   ");
			print_prefix(&r->peer);
			printf(" proto %u %s peer %u-%u device %u-%u\n",
			       r->proto, r->initiator ? "serves" : "connects",
			       r->peer_low, r->peer_high, r->device_low,
			       r->device_high);
		}
	}
}

void scene_print(const struct scene *scene, const struct lc_guard *guard,
		 const struct pkt *p)
{
	struct lc_frame f = p->f;
	struct lc_verdict v;
	struct dissected d;
	struct opinion o;
	struct lc_key k;
	u32 i;

	f.data = p->b;
	f.cap = p->len;
	f.len = p->len;
	scene_print_policy(scene);
	printf("# guard %u identity %u mode %u upkeep %#x, subnets",
	       guard->id, guard->identity, guard->mode, guard->upkeep);
	for (i = 0; i < guard->nsubnets; i++) {
		printf(" ");
		print_prefix(&guard->subnets[i]);
	}
	printf("\n# frame ethertype %#06x len %u gso %d %d %u stack %d sum %d %d mac ",
	       f.ethertype, f.len, f.gso, f.ufo, f.gso_size, f.vlan_stack,
	       f.sum_open, f.sum_at);
	for (i = 0; i < 6 && f.has_mac; i++)
		printf("%02x", f.mac[i]);
	for (i = 0; i < p->len; i++)
		printf("%s%02x", i % 32 ? i % 4 ? "" : " " : "\n#   ", p->b[i]);
	lc_parse(&f, &k);
	lc_judge(scene->gen, guard, &k, &v);
	oracle_judge(scene->gen ? &scene->list : NULL, guard, &f, &d, &o);
	printf("\n# core: parse reason %u family %u part %u proto %u/%u ports %u %u-%u flags %#x upkeep %#x unicast %u\n",
	       k.reason, k.family, k.part, k.has_proto, k.proto, k.has_ports,
	       k.sport, k.dport, k.tcp_flags, k.upkeep, k.unicast);
	printf("# core: reason %u pass %u class %u upkeep %u device %d\n",
	       v.reason, v.pass, v.class, v.upkeep, v.device != NULL);
	printf("# oracle: parse reasons %#x family %d part %u proto %d ports %d-%d flags %#x l4 %u end %u\n",
	       d.why, d.family, (u32)d.part, d.proto, d.sport, d.dport, d.flags,
	       d.l4, d.end);
	printf("# oracle: reasons %#x class %u upkeep %u device %d audit %u\n",
	       o.why, o.class, o.upkeep, o.device != NULL, o.audit);
}
