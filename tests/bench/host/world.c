// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases: policies of cameras, and the frames that they send.
 *
 * Everything comes from one seeded generator, so that a case is the same in
 * each run and for each engine. Rules are what cameras are permitted: half of
 * them one address and one port, a quarter a network of 256 and a port, a
 * quarter one address and a range of ports. Devices only connect: direction,
 * which needs TCP's flags, is left out because it would double DPDK's rules.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define TCP 6
#define UDP 17

enum traffic { PERMITTED, FORBIDDEN, STRANGERS };
enum macs { RANDOM, CHOSEN };

struct shape {
	const char *name;
	uint32_t ndevices;
	uint32_t nprofiles;
	uint32_t nrules;
	enum traffic traffic;
	enum macs macs;
	bool ipv6;
};

static const struct shape shapes[] = {
	{ "hot", 50, 1, 20, PERMITTED, RANDOM, false },
	{ "shared", 50000, 100, 20, PERMITTED, RANDOM, false },
	{ "unshared", 50000, 50000, 20, PERMITTED, RANDOM, false },
	{ "big", 50, 1, 10000, PERMITTED, RANDOM, false },
	{ "big-20", 50, 1, 20, PERMITTED, RANDOM, false },
	{ "denied", 50000, 100, 20, FORBIDDEN, RANDOM, false },
	{ "unknown", 50000, 100, 20, STRANGERS, RANDOM, false },
	{ "adversarial", 50000, 100, 20, PERMITTED, CHOSEN, false },
	{ "adversarial-random", 50000, 100, 20, PERMITTED, RANDOM, false },
	{ "ipv6", 50000, 100, 20, PERMITTED, RANDOM, true },
};

#define NSHAPES (sizeof(shapes) / sizeof(*shapes))

const char *const world_names[] = {
	"hot", "shared", "unshared", "big", "big-20", "denied", "unknown",
	"adversarial", "adversarial-random", "ipv6", NULL,
};

static uint64_t state;

/* splitmix64 */
static uint64_t random64(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint32_t below(uint32_t limit)
{
	return (uint32_t)(random64() % limit);
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, (uint16_t)(value >> 16));
	put16(p + 2, (uint16_t)value);
}

/* The address with number @host in one of three worlds: 10.64.0.0 (cameras),
 * 10.128.0.0 (permitted peers), 198.18.0.0 (others); for IPv6, documentation
 * networks of the same shape.
 */
static void address(uint8_t *addr, bool ipv6, uint32_t net, uint32_t host)
{
	static const uint32_t nets[] = { 0x0a400000, 0x0a800000, 0xc6120000 };

	memset(addr, 0, 16);
	if (!ipv6) {
		put32(addr, nets[net] + host);
		return;
	}
	put32(addr, 0x20010db8);
	put32(addr + 4, net + 0x30);
	put32(addr + 12, host);
}

/* MACs that an attacker would choose for a weak hash: one third counts up, one
 * third has equal low bits, one third has only a few bits set. All differ.
 */
static void chosen_mac(uint8_t *mac, uint32_t i)
{
	uint32_t n = i / 3, bit[3], k;

	memset(mac, 0, 6);
	switch (i % 3) {
	case 0:
		mac[0] = 0x02;
		put32(mac + 2, n);
		break;
	case 1:
		mac[0] = 0x06;
		mac[1] = (uint8_t)(n >> 16);
		mac[2] = (uint8_t)(n >> 8);
		mac[3] = (uint8_t)n;
		break;
	default:
		/* three of 40 bits at most: n in a number system of 40 */
		mac[0] = 0x0a;
		for (k = 0; k < 3; k++, n /= 40)
			bit[k] = n % 40;
		for (k = 0; k < 3; k++)
			mac[1 + bit[k] / 8] ^= (uint8_t)(1 << bit[k] % 8);
		break;
	}
}

static int mac_compare(const void *a, const void *b)
{
	return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, 6);
}

/* Whatever made them: no two devices have one MAC. Later ones are changed. */
static void macs_distinct(struct world *w)
{
	uint8_t **order = allocate(w->ndevices, sizeof(*order));
	uint32_t i;
	bool again;

	for (i = 0; i < w->ndevices; i++)
		order[i] = w->devices[i].mac;
	do {
		again = false;
		qsort(order, w->ndevices, sizeof(*order), mac_compare);
		for (i = 1; i < w->ndevices; i++) {
			if (memcmp(order[i - 1], order[i], 6))
				continue;
			order[i][0] = 0x0e;
			put32(order[i] + 2, i);
			again = true;
		}
	} while (again);
	free(order);
}

static void make_devices(struct world *w, enum macs macs)
{
	uint32_t i;

	for (i = 0; i < w->ndevices; i++) {
		struct device *d = &w->devices[i];

		if (macs == CHOSEN) {
			chosen_mac(d->mac, i);
		} else {
			uint64_t r = random64();

			memcpy(d->mac, &r, 6);
			d->mac[0] = 0x02;
		}
		address(d->addr, w->ipv6, 0, i + 1);
		d->profile = i % w->nprofiles;
	}
	macs_distinct(w);
}

static void make_rules(struct world *w)
{
	uint32_t p, r;

	for (p = 0; p < w->nprofiles; p++) {
		for (r = 0; r < w->nrules; r++) {
			struct rule *rule = &w->rules[(size_t)p * w->nrules + r];
			uint32_t kind = r % 4;
			uint32_t host = below(1 << 22);

			rule->len = w->ipv6 ? 128 : 32;
			if (kind == 2) {
				rule->len -= 8;
				host &= ~255u;
			}
			address(rule->addr, w->ipv6, 1, host);
			rule->proto = kind & 1 ? UDP : TCP;
			rule->low = (uint16_t)(1024 + below(8192));
			rule->high = rule->low;
			if (kind == 3) {
				rule->low = 10000;
				rule->high = 20000;
			}
		}
	}
}

static void ipv4_header(uint8_t *p, const uint8_t *src, const uint8_t *dst,
			uint8_t proto, uint16_t len)
{
	p[0] = 0x45;
	put16(p + 2, len);
	p[6] = 0x40;		/* don't fragment */
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, src, 4);
	memcpy(p + 16, dst, 4);
}

static void ipv6_header(uint8_t *p, const uint8_t *src, const uint8_t *dst,
			uint8_t proto, uint16_t payload)
{
	p[0] = 0x60;
	put16(p + 4, payload);
	p[6] = proto;
	p[7] = 64;
	memcpy(p + 8, src, 16);
	memcpy(p + 24, dst, 16);
}

static void make_frame(const struct world *w, struct frame *f,
		       const uint8_t *mac, const uint8_t *src,
		       const uint8_t *dst, uint8_t proto, uint16_t port)
{
	uint16_t head = w->ipv6 ? 40 : 20, l4 = proto == TCP ? 20 : 18;
	uint8_t *p = f->data;

	p[0] = 0x0c;		/* to the gateway's MAC */
	memcpy(p + 6, mac, 6);
	put16(p + 12, w->ipv6 ? 0x86dd : 0x0800);
	p += ETH_LEN;
	if (w->ipv6)
		ipv6_header(p, src, dst, proto, l4);
	else
		ipv4_header(p, src, dst, proto, head + l4);
	p += head;
	put16(p, (uint16_t)(32768 + below(28232)));
	put16(p + 2, port);
	if (proto == TCP) {
		p[12] = 0x50;
		p[13] = 0x10;	/* ACK: amid a connection */
	} else {
		put16(p + 4, l4);
	}
	f->len = (uint8_t)(ETH_LEN + head + l4);
	if (f->len < 60)
		f->len = 60;	/* padded, as on the wire */
}

/* Devices in random order, each as often as the others. */
static void make_frames(struct world *w, enum traffic traffic)
{
	uint32_t *order = allocate(w->ndevices, sizeof(*order));
	uint32_t i, k;

	for (i = 0; i < w->ndevices; i++)
		order[i] = i;
	for (i = 0; i < w->nframes; i++) {
		const struct device *d;
		const struct rule *rule;
		uint8_t dst[16], mac[6];
		uint16_t port;

		k = i % w->ndevices;
		if (!k) {
			uint32_t j;

			for (j = w->ndevices - 1; j; j--) {
				uint32_t with = below(j + 1), old = order[j];

				order[j] = order[with];
				order[with] = old;
			}
		}
		d = &w->devices[order[k]];
		rule = &w->rules[(size_t)d->profile * w->nrules +
				 below(w->nrules)];
		memcpy(mac, d->mac, 6);
		memcpy(dst, rule->addr, 16);
		if (rule->len % 32)
			dst[w->ipv6 ? 15 : 3] = (uint8_t)below(256);
		port = (uint16_t)(rule->low +
				  below(rule->high - rule->low + 1u));
		if (traffic == FORBIDDEN)
			address(dst, w->ipv6, 2, below(1 << 17));
		if (traffic == STRANGERS) {
			uint64_t r = random64();

			memcpy(mac, &r, 6);
			mac[0] = 0x12;	/* no device's begins like this */
		}
		make_frame(w, &w->frames[i], mac, d->addr, dst, rule->proto,
			   port);
		w->frames[i].permitted = traffic == PERMITTED;
	}
	free(order);
}

/* The slow and obvious way to judge. */
static bool permits(const struct world *w, uint32_t profile,
		    const uint8_t *dst, uint8_t proto, uint16_t port)
{
	const struct rule *rule = w->rules + (size_t)profile * w->nrules;
	uint32_t i, bytes;

	for (i = 0; i < w->nrules; i++, rule++) {
		bytes = rule->len / 8;
		if (proto == rule->proto && port >= rule->low &&
		    port <= rule->high && !memcmp(dst, rule->addr, bytes))
			return true;
	}
	return false;
}

/* Near misses of every sort, and hits, with the verdict that the slow way
 * finds: so that an engine which forgets to look at something is found out.
 */
static void make_probes(struct world *w)
{
	uint32_t i;

	w->nprobes = w->nrules > 1000 ? 4000 : 40000;
	w->probes = allocate(w->nprobes, sizeof(*w->probes));
	for (i = 0; i < w->nprobes; i++) {
		const struct device *d = &w->devices[below(w->ndevices)];
		uint32_t from = i % 8 == 3 ? below(w->nprofiles) : d->profile;
		const struct rule *rule = &w->rules[(size_t)from * w->nrules +
						    below(w->nrules)];
		uint8_t dst[16], src[16], mac[6], proto = rule->proto;
		uint16_t port = i & 8 ? rule->low : rule->high;
		bool stranger = false;

		memcpy(dst, rule->addr, 16);
		memcpy(src, d->addr, 16);
		memcpy(mac, d->mac, 6);
		switch (i % 8) {
		case 1:
			port = i & 8 ? rule->low - 1 : rule->high + 1;
			break;
		case 2:
			proto = TCP + UDP - proto;
			break;
		case 4:
			src[w->ipv6 ? 15 : 3] ^= (uint8_t)(1 << below(8));
			stranger = true;
			break;
		case 5:
			mac[0] ^= 0x40;	/* no device has that bit */
			stranger = true;
			break;
		case 6:
			dst[rule->len / 8 - 1] ^= (uint8_t)(1 << below(8));
			break;
		case 7:
			address(dst, w->ipv6, 2, below(1 << 17));
			break;
		}
		make_frame(w, &w->probes[i], mac, src, dst, proto, port);
		w->probes[i].permitted = !stranger &&
			permits(w, d->profile, dst, proto, port);
	}
}

/**
 * world_create() - make a case
 * @name: one of world_names
 * @nframes: how many frames
 *
 * Return: the case; the program ends if there is none of that name.
 */
struct world *world_create(const char *name, uint32_t nframes)
{
	const struct shape *shape = NULL;
	struct world *w;
	size_t i;

	for (i = 0; i < NSHAPES; i++)
		if (!strcmp(shapes[i].name, name))
			shape = &shapes[i];
	if (!shape)
		die("no such case: %s", name);
	state = 0x1e45ca9;
	w = allocate(1, sizeof(*w));
	w->name = shape->name;
	w->ipv6 = shape->ipv6;
	w->ndevices = shape->ndevices;
	w->nprofiles = shape->nprofiles;
	w->nrules = shape->nrules;
	w->nframes = nframes;
	w->devices = allocate(w->ndevices, sizeof(*w->devices));
	w->rules = allocate((size_t)w->nprofiles * w->nrules, sizeof(*w->rules));
	w->frames = allocate(w->nframes, sizeof(*w->frames));
	make_devices(w, shape->macs);
	make_rules(w);
	make_frames(w, shape->traffic);
	make_probes(w);
	return w;
}

void world_destroy(struct world *w)
{
	free(w->devices);
	free(w->rules);
	free(w->frames);
	free(w->probes);
	free(w);
}
