// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a frame: ethertype (2), flags (1), how much is contiguous (1),
 * then the frame. The key must be the oracle's, whatever is contiguous.
 */
#include <stdio.h>

#include "scene.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void die(const char *what, const struct lc_frame *f,
		const struct lc_key *key, const struct dissected *d)
{
	fprintf(stderr, "%s: ethertype %#06x len %u; core: reason %u proto %u ports %u-%u; oracle: reasons %#x proto %d ports %d-%d\n",
		what, f->ethertype, f->len, key->reason, key->proto,
		key->sport, key->dport, d->why, d->proto, d->sport, d->dport);
	abort();
}

/* The block ends where the frame ends, for the sanitizer to see. */
static void parse_copy(const struct lc_frame *frame, u32 cap,
		       struct lc_key *key)
{
	struct lc_frame f = *frame;
	u8 *block = malloc(cap + 1);

	if (!block)
		abort();
	memcpy(block + 1, frame->data, cap);
	f.data = block + 1;
	f.cap = cap;
	lc_parse(&f, key);
	free(block);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct lc_key key, other;
	struct lc_frame f = { 0 };
	struct dissected d;
	const char *wrong;
	u32 cap;

	if (size < 4 || size > 4096)
		return 0;
	f.ethertype = lc_be16(data);
	f.has_mac = data[2] & 1;
	f.gso = (data[2] & 6) == 6;
	f.ufo = f.gso && data[2] & 0x20;
	f.gso_size = data[3];
	f.sum_open = (data[2] & 0x18) == 0x10;
	f.sum_at = data[3] - 8;
	f.vlan_stack = (data[2] & 0xf8) == 0xf8;
	memcpy(f.mac, CAM_MAC, 6);
	f.data = data + 4;
	f.len = size - 4;
	f.cap = f.len;

	parse_copy(&f, f.len, &key);
	oracle_dissect(&f, &d);
	wrong = compare_key(&f, &key, &d);
	if (wrong)
		die(wrong, &f, &key, &d);

	cap = f.len < LC_WINDOW ? f.len : LC_WINDOW;
	parse_copy(&f, cap, &other);
	if (!key_equal(&key, &other))
		die("depends on what is contiguous", &f, &other, &d);

	/* less than the contract asks for: refused, not read */
	cap = cap * data[3] / 255;
	parse_copy(&f, cap, &other);
	if (!other.reason && !key_equal(&key, &other))
		die("judged without having been seen", &f, &other, &d);
	return 0;
}
