// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK's rte_hash and rte_acl, as one would use them to do the same.
 *
 * rte_hash finds the device by (MAC, guard), 8 bytes; what it finds points to
 * a record with the device's address and profile. rte_acl judges protocol,
 * destination and port, in one of two ways, both of which are measured:
 *
 *   contexts      each profile has a context of its own. Small tries, but
 *                 frames of a burst belong to different ones, so that each is
 *                 classified alone unless its neighbours have its profile.
 *   one context   the profile's number is a field of the rules. A burst is
 *                 classified at once, in one large trie.
 *
 * Each way takes frames one by one and in bursts of 32; rte_acl picks its
 * classify method for itself. Frames are parsed as far as this needs it, which
 * is less than lc_parse() does: no upkeep, options, extension headers.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <rte_version.h>

#include "bench.h"

#define GUARD		1
#define TCP		6
#define UDP		17
#define RULE_FIELDS	8

/* While a context of 1,000,000 rules is built it took 9 GB, so that this much
 * must be available before one of more rules than LARGE is tried.
 */
#define LARGE		100000
#define LARGE_NEEDS	(12ULL << 30)

RTE_ACL_RULE_DEF(acl_rule, RULE_FIELDS);

/* What rte_acl looks at; numbers as in the frame, in network order. */
struct acl_key {
	uint8_t proto;
	uint8_t pad[3];
	uint32_t profile;
	uint8_t dst[16];
	uint8_t ports[4];
};

struct hash_key {
	uint8_t mac[6];
	uint16_t guard;
};

struct record {
	uint8_t addr[16];
	uint32_t profile;
	uint32_t ipv6;
};

struct dpdk {
	struct rte_hash *hash;
	struct record *records;
	struct rte_acl_ctx **contexts;
	struct rte_acl_ctx *one;
	uint32_t nprofiles;
	size_t bytes[2];
};

static const char *failure(void)
{
	return rte_errno ? rte_strerror(rte_errno) : "no reason given";
}

void dpdk_start(const char *program, uint32_t megabytes)
{
	char memory[16], *argv[] = {
		strdup(program), strdup("--no-huge"), strdup("--no-pci"),
		strdup("--no-shconf"), strdup("--no-telemetry"), strdup("-l"),
		strdup("0"), strdup("--log-level=error"), strdup("-m"), memory,
		NULL,
	};

	snprintf(memory, sizeof(memory), "%u", megabytes);
	if (rte_eal_init(sizeof(argv) / sizeof(*argv) - 1, argv) < 0)
		die("dpdk: its environment does not start: %s", failure());
}

const char *dpdk_version(void)
{
	return rte_version();
}

/* What rte_malloc() has given out. */
static size_t allocated(void)
{
	struct rte_malloc_socket_stats stats;
	size_t bytes = 0;
	int i;

	for (i = 0; i < RTE_MAX_NUMA_NODES; i++)
		if (!rte_malloc_get_socket_stats(i, &stats))
			bytes += stats.heap_allocsz_bytes;
	return bytes;
}

static void add_field(struct rte_acl_config *config, uint8_t type, uint8_t size,
		      uint32_t offset, uint8_t input)
{
	struct rte_acl_field_def *def = &config->defs[config->num_fields];

	def->type = type;
	def->size = size;
	def->field_index = (uint8_t)config->num_fields++;
	def->input_index = input;
	def->offset = offset;
}

/* The first field has to be one byte, the others come in groups of four. */
static void make_config(struct rte_acl_config *config, bool ipv6, bool profile)
{
	uint32_t i, words = ipv6 ? 4 : 1;
	uint8_t input = 0;

	memset(config, 0, sizeof(*config));
	config->num_categories = 1;
	add_field(config, RTE_ACL_FIELD_TYPE_BITMASK, 1,
		  offsetof(struct acl_key, proto), input++);
	if (profile)
		add_field(config, RTE_ACL_FIELD_TYPE_BITMASK, 4,
			  offsetof(struct acl_key, profile), input++);
	for (i = 0; i < words; i++)
		add_field(config, RTE_ACL_FIELD_TYPE_MASK, 4,
			  (uint32_t)offsetof(struct acl_key, dst) + 4 * i,
			  input++);
	add_field(config, RTE_ACL_FIELD_TYPE_RANGE, 2,
		  offsetof(struct acl_key, ports), input);
	add_field(config, RTE_ACL_FIELD_TYPE_RANGE, 2,
		  offsetof(struct acl_key, ports) + 2, input);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void make_rule(struct acl_rule *to, const struct rule *from, bool ipv6,
		      const uint32_t *profile)
{
	struct rte_acl_field *field = to->field;
	int left = from->len, i;

	memset(to, 0, sizeof(*to));
	to->data.category_mask = 1;
	to->data.priority = 1;
	to->data.userdata = 1;
	field->value.u8 = from->proto;
	field++->mask_range.u8 = 0xff;
	if (profile) {
		field->value.u32 = *profile;
		field++->mask_range.u32 = 0xffffffff;
	}
	for (i = 0; i < (ipv6 ? 4 : 1); i++, left -= 32) {
		field->value.u32 = get32(from->addr + 4 * i);
		field++->mask_range.u32 = left > 32 ? 32 : left < 0 ? 0 :
					  (uint32_t)left;
	}
	field++->mask_range.u16 = 0xffff;	/* any source port */
	field->value.u16 = from->low;
	field->mask_range.u16 = from->high;
}

/* A context of some profiles, or NULL if rte_acl cannot build it. */
static struct rte_acl_ctx *make_context(const struct world *w, uint32_t first,
					uint32_t count, bool with_profile)
{
	struct rte_acl_config config;
	struct rte_acl_param param = { .socket_id = SOCKET_ID_ANY };
	struct rte_acl_ctx *ctx;
	struct acl_rule rule;
	char name[RTE_ACL_NAMESIZE];
	uint32_t p, i;
	int err;

	make_config(&config, w->ipv6, with_profile);
	snprintf(name, sizeof(name), "%c%u", with_profile ? 'o' : 'c', first);
	param.name = name;
	param.rule_size = RTE_ACL_RULE_SZ(config.num_fields);
	param.max_rule_num = count * w->nrules;
	ctx = rte_acl_create(&param);
	if (!ctx)
		die("dpdk: no context for %u rules: %s: give more memory (-m)",
		    param.max_rule_num, failure());
	for (p = first; p < first + count; p++) {
		for (i = 0; i < w->nrules; i++) {
			make_rule(&rule, &w->rules[(size_t)p * w->nrules + i],
				  w->ipv6, with_profile ? &p : NULL);
			err = rte_acl_add_rules(ctx, (void *)&rule, 1);
			if (err)
				die("dpdk: rule %u of profile %u: %s", i, p,
				    strerror(-err));
		}
	}
	err = rte_acl_build(ctx, &config);
	if (!err)
		return ctx;
	note("dpdk, case %s: a context of %u rules does not build: %s", w->name,
	     param.max_rule_num, strerror(-err));
	rte_acl_free(ctx);
	return NULL;
}

static void make_hash(struct dpdk *d, const struct world *w)
{
	struct rte_hash_parameters param = {
		.name = "devices",
		/* It fills up before it is full. */
		.entries = w->ndevices + w->ndevices / 4 + 8,
		.key_len = sizeof(struct hash_key),
		.socket_id = SOCKET_ID_ANY,
	};
	uint32_t i;

	d->hash = rte_hash_create(&param);
	if (!d->hash)
		die("dpdk: no hash of %u devices: %s", w->ndevices, failure());
	d->records = rte_zmalloc("records", w->ndevices * sizeof(*d->records),
				 RTE_CACHE_LINE_SIZE);
	if (!d->records)
		die("dpdk: no memory for %u devices", w->ndevices);
	for (i = 0; i < w->ndevices; i++) {
		struct hash_key key = { .guard = GUARD };
		struct record *record = &d->records[i];

		memcpy(record->addr, w->devices[i].addr, 16);
		record->profile = w->devices[i].profile;
		record->ipv6 = w->ipv6;
		memcpy(key.mac, w->devices[i].mac, 6);
		if (rte_hash_add_key_data(d->hash, &key, record))
			die("dpdk: the hash has no place for device %u", i);
	}
}

/* Bytes of memory that processes could have. */
static unsigned long long available(void)
{
	unsigned long long kilobytes = 0;
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes << 10;
}

struct dpdk *dpdk_create(const struct world *w)
{
	struct dpdk *d = allocate(1, sizeof(*d));
	size_t before = allocated(), hash, contexts;
	uint32_t i;

	make_hash(d, w);
	hash = allocated() - before;
	d->nprofiles = w->nprofiles;
	d->contexts = allocate(w->nprofiles, sizeof(*d->contexts));
	for (i = 0; i < w->nprofiles; i++) {
		d->contexts[i] = make_context(w, i, 1, false);
		if (!d->contexts[i])
			die("dpdk: case %s cannot be measured", w->name);
	}
	contexts = allocated() - before;
	d->bytes[0] = contexts;
	if (w->nprofiles == 1)
		return d;
	if ((uint64_t)w->nprofiles * w->nrules <= LARGE ||
	    available() >= LARGE_NEEDS)
		d->one = make_context(w, 0, w->nprofiles, true);
	else
		note("dpdk, case %s: one context for all rules is not measured: building it needs %llu GB of memory, and %llu GB are available",
		     w->name, LARGE_NEEDS >> 30, available() >> 30);
	if (d->one)
		d->bytes[1] = allocated() - before - contexts + hash;
	return d;
}

size_t dpdk_bytes(const struct dpdk *d, bool one)
{
	return d->bytes[one];
}

void dpdk_destroy(struct dpdk *d)
{
	uint32_t i;

	for (i = 0; i < d->nprofiles; i++)
		rte_acl_free(d->contexts[i]);
	rte_acl_free(d->one);
	rte_hash_free(d->hash);
	rte_free(d->records);
	free(d->contexts);
	free(d);
}

/* A frame's keys; false: it is nothing that a rule could permit. */
static inline bool parse(const uint8_t *frame, uint32_t len,
			 struct hash_key *hash, struct acl_key *acl,
			 uint8_t *src, uint32_t *ipv6)
{
	const uint8_t *ip = frame + ETH_LEN, *l4;
	uint32_t type = (uint32_t)frame[12] << 8 | frame[13];

	memcpy(hash->mac, frame + 6, 6);
	hash->guard = GUARD;
	len -= ETH_LEN;
	if (type == 0x0800 && len >= 20) {
		uint32_t head = (ip[0] & 15u) * 4;
		uint32_t total = (uint32_t)ip[2] << 8 | ip[3];

		if (ip[0] >> 4 != 4 || head < 20 || total > len ||
		    total < head + 8 || (ip[6] & 0x3f) || ip[7])
			return false;
		l4 = ip + head;
		acl->proto = ip[9];
		memcpy(src, ip + 12, 4);
		memcpy(acl->dst, ip + 16, 4);
		*ipv6 = 0;
	} else if (type == 0x86dd && len >= 48) {
		if (ip[0] >> 4 != 6 ||
		    ((uint32_t)ip[4] << 8 | ip[5]) + 40u > len)
			return false;
		l4 = ip + 40;
		acl->proto = ip[6];
		memcpy(src, ip + 8, 16);
		memcpy(acl->dst, ip + 24, 16);
		*ipv6 = 1;
	} else {
		return false;
	}
	memcpy(acl->ports, l4, 4);
	return acl->proto == TCP || acl->proto == UDP;
}

static inline bool is_bound(const struct record *record, const uint8_t *src,
			    uint32_t ipv6)
{
	return record->ipv6 == ipv6 &&
	       !memcmp(record->addr, src, ipv6 ? 16 : 4);
}

static __rte_always_inline void one_by_one(const struct dpdk *d,
					   const uint8_t *ring,
					   const uint8_t *lens, uint32_t n,
					   bool *pass, bool one)
{
	uint32_t i, ipv6;

	for (i = 0; i < n; i++, ring += SLOT) {
		const struct record *record;
		struct hash_key hash;
		struct acl_key acl;
		const uint8_t *data = (const uint8_t *)&acl;
		uint32_t result = 0;
		uint8_t src[16];
		void *found;

		pass[i] = false;
		if (!parse(ring, lens[i], &hash, &acl, src, &ipv6) ||
		    rte_hash_lookup_data(d->hash, &hash, &found) < 0)
			continue;
		record = found;
		if (!is_bound(record, src, ipv6))
			continue;
		acl.profile = rte_cpu_to_be_32(record->profile);
		rte_acl_classify(one ? d->one : d->contexts[record->profile],
				 &data, &result, 1, 1);
		pass[i] = result;
	}
}

/* Neighbours with one profile are classified together. */
static __rte_always_inline void classify_runs(const struct dpdk *d,
					      const uint8_t **data,
					      const uint32_t *profile,
					      uint32_t *result, uint32_t n)
{
	uint32_t i, k;

	for (i = 0; i < n; i = k) {
		for (k = i + 1; k < n && profile[k] == profile[i]; k++)
			;
		rte_acl_classify(d->contexts[profile[i]], data + i, result + i,
				 k - i, 1);
	}
}

static __rte_always_inline void burst(const struct dpdk *d, const uint8_t *ring,
				      const uint8_t *lens, uint32_t n,
				      bool *pass, bool one)
{
	struct hash_key hash[BURST];
	struct acl_key acl[BURST];
	const void *keys[BURST];
	const uint8_t *data[BURST];
	uint8_t src[BURST][16];
	uint32_t ipv6[BURST], at[BURST], profile[BURST], result[BURST];
	void *found[BURST];
	uint64_t hits = 0;
	uint32_t i, k = 0, m = 0;

	for (i = 0; i < n; i++) {
		pass[i] = false;
		if (!parse(ring + (size_t)i * SLOT, lens[i], &hash[k], &acl[k],
			   src[k], &ipv6[k]))
			continue;
		keys[k] = &hash[k];
		at[k++] = i;
	}
	if (!k || rte_hash_lookup_bulk_data(d->hash, keys, k, &hits, found) <= 0)
		return;
	for (i = 0; i < k; i++)
		if (hits & 1ULL << i)
			rte_prefetch0(found[i]);
	for (i = 0; i < k; i++) {
		const struct record *record = found[i];

		if (!(hits & 1ULL << i) || !is_bound(record, src[i], ipv6[i]))
			continue;
		acl[i].profile = rte_cpu_to_be_32(record->profile);
		profile[m] = record->profile;
		at[m] = at[i];
		data[m++] = (const uint8_t *)&acl[i];
	}
	if (!m)
		return;
	if (one)
		rte_acl_classify(d->one, data, result, m, 1);
	else
		classify_runs(d, data, profile, result, m);
	for (i = 0; i < m; i++)
		pass[at[i]] = result[i];
}

static __rte_always_inline void bursts(const struct dpdk *d, const uint8_t *ring,
				       const uint8_t *lens, uint32_t n,
				       bool *pass, bool one)
{
	uint32_t i, count;

	for (i = 0; i < n; i += count) {
		count = n - i < BURST ? n - i : BURST;
		burst(d, ring + (size_t)i * SLOT, lens + i, count, pass + i,
		      one);
	}
}

static void contexts_single(void *state, const uint8_t *ring,
			    const uint8_t *lens, uint32_t n, bool *pass)
{
	one_by_one(state, ring, lens, n, pass, false);
}

static void contexts_burst(void *state, const uint8_t *ring,
			   const uint8_t *lens, uint32_t n, bool *pass)
{
	bursts(state, ring, lens, n, pass, false);
}

static void one_single(void *state, const uint8_t *ring, const uint8_t *lens,
		       uint32_t n, bool *pass)
{
	one_by_one(state, ring, lens, n, pass, true);
}

static void one_burst(void *state, const uint8_t *ring, const uint8_t *lens,
		      uint32_t n, bool *pass)
{
	bursts(state, ring, lens, n, pass, true);
}

uint32_t dpdk_engines(struct dpdk *d, struct engine *engines)
{
	uint32_t n = 0;

	engines[n++] = (struct engine){
		"dpdk", "contexts, one by one", contexts_single, d,
	};
	engines[n++] = (struct engine){
		"dpdk", "contexts, bursts of 32", contexts_burst, d,
	};
	if (!d->one)
		return n;
	engines[n++] = (struct engine){
		"dpdk", "one context, one by one", one_single, d,
	};
	engines[n++] = (struct engine){
		"dpdk", "one context, bursts of 32", one_burst, d,
	};
	return n;
}
